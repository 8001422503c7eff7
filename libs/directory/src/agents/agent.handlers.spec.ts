import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ChangeAgent, DeleteAgent, ProvisionAgent, type AgentWrite } from '../agent.commands.js';
import { Directory } from '../directory.fixture.js';
import { AlreadyExists, NotFound, ParentIsFixed, RevisionMismatch, UnknownMembers } from '../directory.errors.js';
import { FindAgent, ListAgents, NamesOf } from '../directory.queries.js';

let directory: Directory;
let ada: { type: 'User'; id: string };

beforeEach(async () => {
  directory = await Directory.open();
  ada = { type: 'User', id: await directory.user('ada') };
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const change = (agentId: string, write: Partial<AgentWrite>, more: { reason?: string; expected?: bigint } = {}) =>
  directory.run(
    new ChangeAgent(directory.request(), agentId, (current) => ({ ...current, ...write }), more.reason, more.expected),
  );
const find = (agentId: string, tenant = 'acme') => directory.ask(new FindAgent(tenant, agentId));

describe('agents', () => {
  it('are provisioned with owners and found again', async () => {
    const parentId = await directory.agent('Parent', [ada]);
    const write = { name: 'Bot', active: true, owners: [ada], parentId, attributes: { externalId: 'x1' } };
    const { resource } = await directory.run(new ProvisionAgent(directory.request(), write, 'chosen'));
    expect(resource).toMatchObject({ id: 'chosen', ...write, revision: 0n });
    expect(await find('chosen')).toMatchObject(resource);
    expect(await find('chosen', 'globex')).toBeUndefined();
    await expect(directory.run(new ProvisionAgent(directory.request(), write, 'chosen'))).rejects.toThrow(
      AlreadyExists,
    );
  });

  it('need owners and a parent that this tenant has and that are what they are said to be', async () => {
    const bad = [
      { type: 'Group' as const, id: ada.id },
      { type: 'User' as const, id: 'nobody' },
    ];
    await expect(directory.agent('Bot', bad)).rejects.toMatchObject({ ids: [ada.id, 'nobody'] });
    await expect(directory.agent('Bot', [ada], { parentId: 'nobody' })).rejects.toThrow(UnknownMembers);
    const id = await directory.agent('Bot', [ada]);
    await expect(change(id, { owners: [ada, ...bad.slice(1)] })).rejects.toThrow(UnknownMembers);
    await expect(change(id, { parentId: 'other' })).rejects.toThrow(ParentIsFixed);
  });

  it('are changed, deactivated with a reason and reactivated', async () => {
    const id = await directory.agent('Bot', [ada]);
    expect(await change(id, {})).toMatchObject({ changed: false, position: undefined });
    await change(id, { active: false }, { reason: 'suspicious', expected: 0n });
    expect((await directory.eventsOf('AgentDeactivated'))[0]?.data.reason).toBe('suspicious');
    await change(id, { active: true, name: 'Robot', attributes: { displayName: 'R' } });
    expect(await find(id)).toMatchObject({
      active: true,
      name: 'Robot',
      attributes: { displayName: 'R' },
      revision: 3n,
    });
    await expect(change(id, { active: false }, { expected: 0n })).rejects.toThrow(RevisionMismatch);
  });

  it('are nobody once deleted, and their id is not given again', async () => {
    const id = await directory.agent('Bot', [ada]);
    await directory.run(new DeleteAgent(directory.request(), id));
    expect(await find(id)).toBeUndefined();
    await expect(change(id, { active: false })).rejects.toThrow(NotFound);
    await expect(directory.run(new DeleteAgent(directory.request(), id))).rejects.toThrow(NotFound);
    const write = { name: 'Bot', active: true, owners: [ada], attributes: {} };
    await expect(directory.run(new ProvisionAgent(directory.request(), write, id))).rejects.toThrow(AlreadyExists);
  });

  it('are listed by name and called by it', async () => {
    const id = await directory.agent('Bot', [ada]);
    await directory.agent('Other', [ada]);
    const equals = { attribute: 'userName', value: 'bot' } as const;
    const { total, items } = await directory.ask(new ListAgents('acme', { equals, offset: 0, limit: 10 }));
    expect([total, items.map((agent) => agent.id)]).toEqual([1, [id]]);
    const names = await directory.ask(new NamesOf('acme', [id, ada.id, 'nobody']));
    expect([...names]).toEqual(
      expect.arrayContaining([
        [id, 'Bot'],
        [ada.id, 'ada'],
      ]),
    );
    expect(names.size).toBe(2);
    expect((await directory.ask(new NamesOf('globex', [id]))).size).toBe(0);
  });
});

// Agents that are changed from their application's side: what fails half way loses nothing, and is completed by a repetition.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLogUnavailable } from '@app/event-log';
import { streams } from '@app/events';
import { DeleteAgent } from '../agent.commands.js';
import { ChangeApplication, ProvisionApplication, type AgentsDelta } from '../application.commands.js';
import { Directory } from '../directory.fixture.js';
import { NameTaken, UnknownMembers } from '../directory.errors.js';
import { FindApplication } from '../directory.queries.js';
import { ApplicationAgents } from './application-agents.js';

let directory: Directory;
let agents: string[];
let application: string;

beforeEach(async () => {
  directory = await Directory.open();
  const owners = [{ type: 'User' as const, id: await directory.user('ada') }];
  agents = [];
  for (const name of ['one', 'two', 'three']) agents.push(await directory.agent(name, owners));
  const write = { name: 'Billing', active: false, attributes: {} };
  application = (await directory.run(new ProvisionApplication(directory.request(), write))).resource.id;
});
afterEach(async () => {
  jest.restoreAllMocks();
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const change = (delta: Partial<AgentsDelta>) =>
  directory.run(
    new ChangeApplication(directory.request(), application, (current) => ({
      ...current,
      agents: { added: [], removed: [], ...delta },
    })),
  );
const shown = async () =>
  (await directory.ask(new FindApplication('acme', application)))?.agents.map(({ id }) => id).toSorted();
const changes = async () =>
  (await directory.eventsOf('AgentApplicationsChanged')).map(({ data }) => [data.agentId, data.added, data.removed]);

/** Nothing is appended to these streams until the spies are restored. */
function unavailable(...broken: string[]): void {
  const { log } = directory;
  const appendAll = log.appendAll.bind(log);
  jest.spyOn(log, 'appendAll').mockImplementation((writes) => {
    const isBroken = writes.some(({ stream }) => broken.includes(stream));
    return isBroken ? Promise.reject(new EventLogUnavailable('the disk is full')) : appendAll(writes);
  });
}

describe('the agents of an application', () => {
  it.each([
    ['join', 'added'],
    ['leave', 'removed'],
  ] as const)('%s as far as the log can be written, and by a repetition the others', async (_, side) => {
    if (side === 'removed') await change({ added: agents });
    const before = (await changes()).length;
    unavailable(streams.agent('acme', agents[1]!));
    await expect(change({ [side]: agents })).rejects.toThrow(EventLogUnavailable);
    jest.restoreAllMocks();
    for (let i = 0; i < 2; i += 1) await change({ [side]: agents });
    expect(await shown()).toEqual(side === 'added' ? agents.toSorted() : []);
    const once = agents.map((id) => [id, ...(side === 'added' ? [[application], []] : [[], [application]])]);
    expect((await changes()).slice(before).toSorted()).toEqual(once.toSorted());
  });

  it('meet the application as it is after the write, those that join first', async () => {
    const [out, inside] = agents as [string, string];
    await change({ added: [inside] });
    const before = (await directory.events()).length;
    const write = (active: boolean, delta: AgentsDelta) =>
      directory.run(
        new ChangeApplication(directory.request(), application, (now) => ({ ...now, active, agents: delta })),
      );
    await write(true, { added: [out], removed: [inside] });
    await write(false, { added: [], removed: [out] });
    expect((await directory.events()).slice(before).map(({ type, data }) => [type, Object.values(data)])).toEqual([
      ['ApplicationReactivated', [application]],
      ['AgentApplicationsChanged', [out, [application], []]],
      ['AgentApplicationsChanged', [inside, [], [application]]],
      ['ApplicationDeactivated', [application]],
      ['AgentApplicationsChanged', [out, [], [application]]],
    ]);
  });

  it('are where they were when the write of the application is refused', async () => {
    const taken = { name: 'Sales', active: true, attributes: {} };
    await directory.run(new ProvisionApplication(directory.request(), taken));
    const renamed = new ChangeApplication(directory.request(), application, (now) => ({
      ...now,
      name: 'sales',
      agents: { added: agents, removed: [] },
    }));
    await expect(directory.run(renamed)).rejects.toThrow(NameTaken);
    expect(await changes()).toEqual([]);
  });

  it('are left alone where they are as they shall be, and the write says that it changed nothing', async () => {
    expect((await change({ added: agents })).changed).toBe(true);
    const again = await change({ added: agents, removed: ['nobody'] });
    expect(again.changed).toBe(false);
    expect(again.position).toBe(await directory.log.head());
    expect(await change({})).toMatchObject({ changed: false, position: undefined });
  });

  it('do not join once they have gone, and need not leave', async () => {
    const [gone] = agents as [string];
    await directory.run(new DeleteAgent(directory.request(), gone));
    await expect(change({ added: [gone] })).rejects.toThrow(UnknownMembers);
    // The views may not know it yet.
    const linked = directory.get(ApplicationAgents);
    const request = directory.request();
    await expect(linked.change(request, application, { added: [gone], removed: [] })).rejects.toThrow(UnknownMembers);
    expect((await linked.change(request, application, { added: [], removed: [gone] })).changed).toBe(false);
  });
});

// Agents that an identity provider pushes as users: users to it, agents to everybody else.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChangeAgent, DeleteAgent, FindAgent } from '@app/directory';
import { newName, off, openScim, patch, type Asked, type Json, type ScimWorld } from './scim-api.fixture.js';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

const ask = (method: string, path: string, asked: Asked = {}) =>
  world.ask(method, path, { as: 'pushing-acme', ...asked });
async function push(attributes: object = {}): Promise<Json> {
  const answer = await ask('POST', '/Users', { body: { userName: newName(), ...attributes } });
  expect(answer.status).toBe(201);
  return answer.body;
}
const pushAgent = (attributes: object = {}): Promise<Json> => push({ userType: 'agent', ...attributes });
const managedBy = (value: string) => ({ [enterprise]: { manager: { value } } });
const appended = async () => (await world.appended()).map(({ type, data }) => ({ type, data: data as Json }));
const typesOf = async () => (await appended()).map(({ type }) => type);
const agentOf = (id: string) => world.query(new FindAgent('acme', id));
const context = {
  tenant: 'acme',
  actor: 'platform:spec',
  correlationId: 'spec',
  receivedAt: '2026-01-01T00:00:00.000Z',
};

describe('a user for whom the rule of the connection holds', () => {
  it('is one agent in the log, without its names, and a user to its connection', async () => {
    const ada = await push();
    await world.appended();
    const { id, meta } = await pushAgent({ displayName: 'Invoice bot', ...managedBy(ada.id) });
    const [provisioned, ...others] = await appended();
    expect(others).toEqual([]);
    expect(provisioned).toMatchObject({
      type: 'AgentProvisioned',
      data: { agentId: id, name: id, active: true, resource: {}, owners: [{ type: 'User', id: ada.id }] },
    });
    expect(JSON.stringify(provisioned)).not.toContain('Invoice');
    expect(meta).toMatchObject({ resourceType: 'User', version: 'W/"0"' });
    expect((await ask('GET', `/Users/${id}`)).body).toMatchObject({ id, displayName: 'Invoice bot', active: true });
    expect((await ask('GET', `/Agents/${id}`)).status).toBe(404);
    expect((await ask('GET', '/Agents')).body.totalResults).toBe(0);
    expect(await agentOf(id)).toMatchObject({ name: 'Invoice bot', owners: [{ id: ada.id }] });
  });

  it('is found and listed among the users, and has its name for itself', async () => {
    const { id, userName } = await pushAgent();
    const filter = encodeURIComponent(`userName eq "${userName.toUpperCase()}"`);
    expect((await ask('GET', `/Users?filter=${filter}`)).body.Resources.map((one: Json) => one.id)).toEqual([id]);
    const all = (await ask('GET', '/Users?count=1000')).body.Resources.map((one: Json) => one.id);
    expect(all).toContain(id);
    for (const userType of ['Agent', 'Person']) {
      const again = await ask('POST', '/Users', { body: { userName, userType } });
      expect([again.status, again.body.scimType]).toEqual([409, 'uniqueness']);
    }
    world.clock.advance(120_000);
    expect((await ask('POST', '/Users', { body: { userName } })).status).toBe(409);
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
    expect((await push({ userName })).id).not.toBe(id);
  });

  it.each([
    ['PATCH', () => off, ['AgentDeactivated']],
    [
      'PATCH',
      () => patch({ op: 'Replace', value: { active: 'False', title: 'Old' } }),
      ['AgentDeactivated', 'AgentChanged'],
    ],
    ['PUT', (userName: string) => ({ userName, userType: 'agent', active: false }), ['AgentDeactivated']],
    ['DELETE', () => undefined, ['AgentDeleted']],
  ] as const)('loses access as an agent, once however often it is sent: %s', async (method, bodyFor, types) => {
    const { id, userName } = await pushAgent();
    await world.appended();
    const body = bodyFor(userName);
    const asked = body === undefined ? {} : { body };
    expect((await ask(method, `/Users/${id}`, asked)).status).toBeLessThan(300);
    await ask(method, `/Users/${id}`, asked);
    expect(await typesOf()).toEqual(types);
    if (method !== 'DELETE') expect((await ask('GET', `/Users/${id}`)).body.active).toBe(false);
  });

  it('is reactivated, renamed and read again with its ETag', async () => {
    const { id } = await pushAgent({ active: false });
    await world.appended();
    const userName = newName();
    const stale = { 'if-match': 'W/"4"' };
    const on = patch({ op: 'replace', value: { active: true, userName } });
    expect((await ask('PATCH', `/Users/${id}`, { body: on, headers: stale })).status).toBe(412);
    const answer = await ask('PATCH', `/Users/${id}`, { body: on, headers: { 'if-match': 'W/"0"' } });
    expect([answer.status, answer.headers.etag, answer.body.userName]).toEqual([200, 'W/"2"', userName]);
    expect(await appended()).toMatchObject([
      { type: 'AgentChanged', data: { changed: ['userName'], name: id } },
      { type: 'AgentReactivated', data: { generation: 2 } },
    ]);
    expect((await ask('GET', `/Users/${id}`)).headers.etag).toBe('W/"2"');
  });

  it('is in groups as any user is, and leaves them when it is deleted', async () => {
    const { id } = await pushAgent();
    const group = (await ask('POST', '/Groups', { body: { displayName: 'Bots', members: [{ value: id }] } })).body;
    expect((await ask('GET', `/Groups/${group.id}`)).body.members).toMatchObject([{ value: id, type: 'User' }]);
    expect((await ask('GET', `/Users/${id}`)).body.groups).toMatchObject([{ value: group.id }]);
    const leave = patch({ op: 'remove', path: `members[value eq "${id}"]` });
    const join = patch({ op: 'add', path: 'members', value: [{ value: id }] });
    for (const [body, size] of [
      [leave, 0],
      [join, 1],
    ] as const) {
      expect((await ask('PATCH', `/Groups/${group.id}`, { body })).status).toBe(204);
      expect(((await ask('GET', `/Users/${id}`)).body.groups ?? []).length).toBe(size);
    }
    await ask('DELETE', `/Users/${id}`);
    expect((await ask('GET', `/Groups/${group.id}`)).body.members).toBeUndefined();
  });

  it('stays what it is when it starts or stops to match', async () => {
    const [agent, person] = [await pushAgent(), await push()];
    await world.appended();
    for (const [{ id }, value] of [
      [agent, 'Person'],
      [person, 'Agent'],
    ]) {
      const body = patch({ op: 'replace', path: 'userType', value });
      expect((await ask('PATCH', `/Users/${id}`, { body })).body.userType).toBe(value);
    }
    expect(await typesOf()).toEqual(['AgentChanged', 'UserChanged']);
    expect([await agentOf(agent.id), await agentOf(person.id)]).toMatchObject([{ active: true }, undefined]);
  });

  it('is made by a bulk request too, and by no other connection', async () => {
    const data = { userName: newName(), userType: 'Agent' };
    await world.appended();
    const Operations = [{ method: 'POST', path: '/Users', bulkId: 'b', data }];
    const bulk = { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations };
    await ask('POST', '/Bulk', { body: bulk });
    const other = await world.newUser({ userType: 'Agent' });
    expect(await typesOf()).toEqual(['AgentProvisioned', 'UserProvisioned']);
    expect((await ask('GET', `/Users/${other.id}`)).status).toBe(404);
  });
});

describe('the owner of an agent that is pushed as a user', () => {
  it('is its connection as long as its manager is nobody that the connection pushed', async () => {
    const [stranger, bot] = [await world.newUser(), await pushAgent()];
    for (const manager of [stranger.id, bot.id, 'nobody']) {
      const { id } = await pushAgent(managedBy(manager));
      expect((await agentOf(id))?.owners).toEqual([{ type: 'Connection', id: world.idOf('pushing-acme') }]);
    }
  });

  it('follows the manager, and the last one may go', async () => {
    const [ada, eve] = [await push(), await push()];
    const { id } = await pushAgent();
    await world.appended();
    for (const [value, owner] of [
      [ada.id, ada.id],
      [eve.id, eve.id],
      ['', undefined],
    ]) {
      const body = patch({ op: 'replace', path: `${enterprise}:manager`, value });
      expect((await ask('PATCH', `/Users/${id}`, { body })).status).toBe(200);
      expect((await agentOf(id))?.owners.map((one) => one.id)).toEqual(owner === undefined ? [] : [owner]);
    }
    const connection = { type: 'Connection', id: world.idOf('pushing-acme') };
    expect(
      (await appended()).filter(({ type }) => type === 'AgentOwnersChanged').map(({ data }) => data),
    ).toMatchObject([
      { added: [{ id: ada.id }], removed: [connection] },
      { added: [{ id: eve.id }], removed: [{ id: ada.id }] },
      { added: [], removed: [{ id: eve.id }] },
    ]);
  });

  it('is found at the next change when it was pushed after the agent', async () => {
    const owner = newName();
    const Operations = [
      { method: 'POST', path: '/Users', bulkId: 'bot', data: { userName: newName(), userType: 'Agent' } },
      { method: 'POST', path: '/Users', bulkId: 'owner', data: { userName: owner } },
    ];
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    const made = (await ask('POST', '/Bulk', { body: { schemas, Operations } })).body.Operations;
    const [id, ownerId] = made.map(({ location }: Json) => location.split('/').at(-1));
    expect((await agentOf(id))?.owners).toMatchObject([{ type: 'Connection' }]);
    const body = patch({ op: 'add', value: { title: 'Bot', ...managedBy(ownerId) } });
    await ask('PATCH', `/Users/${id}`, { body });
    expect((await agentOf(id))?.owners).toEqual([{ type: 'User', id: ownerId }]);
  });

  it('is never such an agent itself', async () => {
    const { id } = await pushAgent();
    const answer = await ask('POST', '/Agents', { body: { name: 'bot', owners: [{ value: id }] } });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
  });
});

describe('the platform', () => {
  it('deactivates and deletes it as any agent, and does not describe it', async () => {
    const { id, userName } = await pushAgent();
    const change = (write: object) => new ChangeAgent(context, id, (agent) => ({ ...agent, ...write }), 'spec');
    await world.operate(change({ active: false }));
    expect((await ask('GET', `/Users/${id}`)).body.active).toBe(false);
    await expect(world.operate(change({ name: 'Other' }))).rejects.toThrow('described by its identity provider');
    await world.operate(new DeleteAgent(context, id));
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
    expect((await ask('POST', '/Users', { body: { userName } })).status).toBe(201);
  });

  it('is not answered for by the SCIM endpoint of agents', async () => {
    const { id } = await pushAgent();
    expect((await ask('PATCH', `/Agents/${id}`, { body: off })).status).toBe(404);
    expect((await ask('DELETE', `/Agents/${id}`)).status).toBe(404);
  });
});

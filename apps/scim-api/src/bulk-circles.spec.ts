// Bulk requests whose resources refer to one another in a circle (RFC 7644 section 3.7.1).
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readResourceTypes } from '@app/scim';
import { newName, off, openScim, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const lock = {
  name: 'Lock',
  endpoint: '/Locks',
  schema: {
    id: 'urn:example:params:scim:schemas:core:2.0:Lock',
    name: 'Lock',
    attributes: [
      { name: 'key', required: true },
      { name: 'spare', type: 'complex', subAttributes: [{ name: 'value' }] },
    ],
  },
};

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim({ types: readResourceTypes({ acme: [lock] }).types });
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.appended();
});

const post = (path: string, bulkId: string, data: object) => ({ method: 'POST', path, bulkId, data });
const bulk = async (operations: object[], more: object = {}, as: Connection = 'lenient-acme'): Promise<Json[]> => {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
  const answer = await world.ask('POST', '/Bulk', { as, body: { schemas, Operations: operations, ...more } });
  expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
  return answer.body.Operations;
};
const statuses = (operations: Json[]) => operations.map(({ bulkId, status }: Json) => [bulkId, status]);
const at = (location: string, as: Connection = 'lenient-acme') =>
  world.ask('GET', location.replace('http://scim.test/scim/v2', ''), { as });
const idOf = (location: string) => location.split('/').at(-1) as string;
const types = async () => (await world.appended()).map(({ type }) => type);

describe('a circle of lists', () => {
  const group = (bulkId: string, ...members: string[]) =>
    post('/Groups', bulkId, { displayName: bulkId, members: members.map((value) => ({ value })) });
  const membersAt = async (location: string): Promise<string[]> =>
    ((await at(location)).body.members ?? []).map(({ $ref }: { $ref: string }) => $ref);

  it('puts groups together that are members of one another, and a group that is one of itself', async () => {
    const user = await world.newUser();
    const operations = await bulk([group('a', 'bulkId:b', user.id), group('b', 'bulkId:c'), group('c', 'bulkId:a')]);
    expect(statuses(operations)).toEqual([
      ['a', '201'],
      ['b', '201'],
      ['c', '201'],
    ]);
    const [a, b, c] = operations.map(({ location }: Json) => location);
    expect((await membersAt(a)).toSorted()).toEqual([b, user.meta.location].toSorted());
    expect([await membersAt(b), await membersAt(c)]).toEqual([[c], [a]]);
    const [self] = await bulk([group('self', 'bulkId:self')]);
    expect(await membersAt(self.location)).toEqual([self.location]);
    expect([self.status, self.version]).toEqual(['201', 'W/"1"']);
  });

  it('creates nothing of what refers to what was refused', async () => {
    const nameless = post('/Groups', 'b', { members: [{ value: 'bulkId:a' }] });
    const operations = await bulk([group('a', 'bulkId:b'), nameless]);
    expect(statuses(operations)).toEqual([
      ['a', '409'],
      ['b', '400'],
    ]);
    expect(await types()).toEqual([]);
  });

  it('may lead through what a client cannot write', async () => {
    const user = post('/Users', 'u', { userName: newName(), groups: [{ value: 'bulkId:g' }] });
    const [made, team] = await bulk([user, group('g', 'bulkId:u')]);
    expect([made.status, team.status]).toEqual(['201', '201']);
    expect((await at(made.location)).body.groups).toMatchObject([{ value: idOf(team.location) }]);
  });
});

describe('a circle of single values', () => {
  const managed = (bulkId: string, manager: unknown, more: object = {}) =>
    post('/Users', bulkId, {
      schemas: [USER, ENTERPRISE],
      userName: newName(),
      [ENTERPRISE]: { manager },
      ...more,
    });
  const by = (bulkId: string) => ({ value: `bulkId:${bulkId}` });
  const managerAt = async (location: string, as?: Connection) =>
    (await at(location, as)).body[ENTERPRISE]?.manager?.value;

  it.each<Connection>(['lenient-acme', 'strict-acme'])(
    'is created first and put together by one change, on %s',
    async (as) => {
      const operations = await bulk([managed('a', by('b')), managed('b', by('a'))], {}, as);
      expect(statuses(operations)).toEqual([
        ['a', '201'],
        ['b', '201'],
      ]);
      const [a, b] = operations.map(({ location }: Json) => location);
      expect([await managerAt(a, as), await managerAt(b, as)]).toEqual([idOf(b), idOf(a)]);
      const appended = (await world.appended()).map(({ type, data }) => [type, (data as { userId: string }).userId]);
      expect(appended).toEqual([
        ['UserProvisioned', idOf(b)],
        ['UserProvisioned', idOf(a)],
        ['UserChanged', idOf(b)],
      ]);
      expect(operations.map(({ version }: Json) => version)).toEqual(['W/"0"', 'W/"1"']);
      expect((await at(b, as)).headers.etag).toBe('W/"1"');
    },
  );

  it('keeps what does not wait, and takes a person who is their own manager', async () => {
    const department = 'Ledgers';
    const alone = managed('a', undefined, { [ENTERPRISE]: { department, manager: by('a') } });
    const [{ location, status, version }] = await bulk([alone]);
    expect([status, version]).toEqual(['201', 'W/"1"']);
    expect((await at(location)).body[ENTERPRISE]).toEqual({ department, manager: { value: idOf(location) } });
  });

  it.each([
    ['a manager as a text', (of: string): object => ({ [ENTERPRISE]: { manager: `bulkId:${of}` } })],
    ['a manager as a path', (of: string): object => ({ [`${ENTERPRISE}:manager`]: by(of) })],
  ])('is put together from %s too', async (_, manager) => {
    const user = (bulkId: string, of: string) => post('/Users', bulkId, { userName: newName(), ...manager(of) });
    const operations = await bulk([user('a', 'b'), user('b', 'c'), user('c', 'a')]);
    const [a, b, c] = operations.map(({ location }: Json) => location);
    expect([await managerAt(a), await managerAt(b), await managerAt(c)]).toEqual([idOf(b), idOf(c), idOf(a)]);
  });

  it('is whole before the operations that come after it', async () => {
    const operations = await bulk([
      managed('a', by('b')),
      managed('b', by('a')),
      { method: 'PATCH', path: '/Users/bulkId:b', version: 'W/"1"', data: off },
      { method: 'DELETE', path: '/Users/bulkId:a' },
    ]);
    expect(operations.map(({ status, version }: Json) => [status, version])).toEqual([
      ['201', 'W/"0"'],
      ['201', 'W/"1"'],
      ['200', 'W/"2"'],
      ['204', undefined],
    ]);
    expect(await types()).toEqual([
      ...['UserProvisioned', 'UserProvisioned', 'UserChanged'],
      ...['UserDeactivated', 'UserDeleted'],
    ]);
  });

  it('leaves nothing behind when a part of it is refused, and stops where it was told to', async () => {
    const nameless = post('/Users', 'a', { [ENTERPRISE]: { manager: by('b') } });
    const others = [managed('b', by('a')), post('/Users', 'c', { userName: newName() })];
    expect(statuses(await bulk([nameless, ...others]))).toEqual([
      ['a', '400'],
      ['b', '409'],
      ['c', '201'],
    ]);
    expect(await types()).toEqual(['UserProvisioned', 'UserDeleted', 'UserProvisioned']);
    const stopped = await bulk([nameless, ...others], { failOnErrors: 1 });
    expect(statuses(stopped)).toEqual([
      ['a', '400'],
      ['b', '409'],
    ]);
    expect(stopped[1].response.detail).toContain('another part of it was refused');
    expect(await types()).toEqual(['UserProvisioned', 'UserDeleted']);
  });

  it('does not touch whoever was there before', async () => {
    const known = await world.newUser();
    await world.appended();
    const again = managed('b', by('a'), { userName: known.userName, active: false });
    const nameless = post('/Users', 'a', { [ENTERPRISE]: { manager: by('b') } });
    expect(statuses(await bulk([nameless, again]))).toEqual([
      ['a', '400'],
      ['b', '200'],
    ]);
    expect(await types()).toEqual(['UserDeactivated']);
  });

  it('gives an agent that is pushed as a user its manager', async () => {
    const as = 'pushing-acme';
    const operations = await bulk(
      [managed('boss', by('bot')), managed('bot', by('boss'), { userType: 'Agent' })],
      {},
      as,
    );
    expect(operations.map(({ status }: Json) => status)).toEqual(['201', '201']);
    const [boss, bot] = operations.map(({ location }: Json) => location);
    expect([await managerAt(boss, as), await managerAt(bot, as)]).toEqual([idOf(bot), idOf(boss)]);
    expect(await types()).toEqual(['AgentProvisioned', 'UserProvisioned', 'AgentChanged', 'AgentOwnersChanged']);
  });

  it.each([[['bot', 'boss']], [['boss', 'bot']]])(
    'is put together of an agent and its owner, in the order %j',
    async (order) => {
      const parts: Record<string, object> = {
        bot: post('/Agents', 'bot', { agentUserName: newName(), owners: [by('boss')] }),
        boss: managed('boss', by('bot')),
      };
      const operations = await bulk(order.map((bulkId) => parts[bulkId] as object));
      const { bot, boss } = Object.fromEntries(operations.map(({ bulkId, location }: Json) => [bulkId, location]));
      expect((await at(bot)).body.owners).toMatchObject([{ value: idOf(boss) }]);
      expect(await managerAt(boss)).toBe(idOf(bot));
      expect(await types()).toEqual(['UserProvisioned', 'AgentProvisioned', 'UserChanged']);
    },
  );

  it('is answered 409 where the values have to be there from the start', async () => {
    const parent = (of: string) => ({ agentUserName: newName(), owners: [{ value: owner.id }], parent: by(of) });
    const owner = await world.newUser();
    await world.appended();
    for (const circle of [
      [post('/Agents', 'a', parent('b')), post('/Agents', 'b', parent('a'))],
      [post('/Locks', 'a', { key: 'bulkId:b' }), post('/Locks', 'b', { key: 'bulkId:a' })],
    ]) {
      const operations = await bulk([...circle, { method: 'PATCH', path: `${circle[0]?.path}/bulkId:a`, data: off }]);
      expect(operations.map(({ status }: Json) => status)).toEqual(['409', '409', '400']);
      expect(operations[1].response.detail).toContain('cannot be left out');
      expect(await types()).toEqual([]);
    }
  });

  it.each([[['a', 'b']], [['b', 'a']]])(
    'is broken where something may be left out, in the order %j too',
    async (order) => {
      const locks: Record<string, object> = {
        a: post('/Locks', 'a', { key: 'bulkId:b' }),
        b: post('/Locks', 'b', { key: 'x', spare: { value: 'bulkId:a' } }),
      };
      const operations = await bulk(order.map((bulkId) => locks[bulkId] as object));
      const locations = Object.fromEntries(operations.map(({ bulkId, location }: Json) => [bulkId, location]));
      expect((await at(locations.a)).body.key).toBe(idOf(locations.b));
      expect((await at(locations.b)).body.spare).toEqual({ value: idOf(locations.a) });
      expect(await types()).toEqual(['ResourceCreated', 'ResourceCreated', 'ResourceChanged']);
    },
  );
});

describe('a circle of an application and its agents', () => {
  const URN = 'urn:ietf:params:scim:schemas:core:2.0:';
  const typed = (type: string, endpoint: string, bulkId: string, data: object) =>
    post(endpoint, bulkId, { schemas: [`${URN}${type}`], ...data });
  const refs = (...bulkIds: string[]) => bulkIds.map((bulkId) => ({ value: `bulkId:${bulkId}` }));

  it.each<Connection>(['lenient-acme', 'strict-acme'])(
    'is put together, whichever of them names the other, on %s',
    async (as) => {
      const bot = (bulkId: string, more: object = {}) =>
        typed('Agent', '/Agents', bulkId, { agentUserName: newName(), owners: refs('owner'), ...more });
      const named = { displayName: 'Bot', agenticApplicationId: 'bulkId:app' };
      const made = [
        typed('AgenticApplication', '/AgenticApplications', 'app', { name: newName(), agents: refs('a', 'b', 'c') }),
        bot('a', { applications: refs('app') }),
        bot('b'),
        typed('AgenticIdentity', '/AgenticIdentities', 'c', named),
        typed('User', '/Users', 'owner', { userName: newName() }),
      ];
      const operations = await bulk(made, {}, as);
      expect(statuses(operations)).toEqual(['app', 'a', 'b', 'c', 'owner'].map((bulkId) => [bulkId, '201']));
      const [app, ...others] = operations.map(({ location }: Json) => location);
      const agents = (await at(app, as)).body.agents.map(({ value }: Json) => value);
      expect(agents.toSorted()).toEqual(others.slice(0, 3).map(idOf).toSorted());
      const path = app.replace('http://scim.test/scim/v2', '');
      const Operations = [{ op: 'remove', path: 'agents' }];
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
      const [left] = await bulk([{ method: 'PATCH', path, data: { schemas, Operations } }], {}, as);
      expect(left.status).toBe('200');
      expect((await at(others[0], as)).body).not.toHaveProperty('applications');
    },
  );
});

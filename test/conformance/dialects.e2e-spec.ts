// Sends the cases of the engine to a started service, once on a lenient and once on a strict connection.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startedService, type Client, type StartedService } from './started-service.js';
import { engineCases, patch, type EngineCase } from './tables.js';

type Dialect = 'lenient' | 'strict';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let service: StartedService;
const clients = new Map<Dialect, { readonly client: Client; readonly users: ReadonlyMap<string, string> }>();
let names = 0;

beforeAll(async () => {
  service = await startedService();
  for (const dialect of ['lenient', 'strict'] as const) {
    const client = await service.connect(dialect, dialect);
    const users = new Map<string, string>();
    for (const name of ['u1', 'u2', 'u3', 'u4']) {
      const { id } = await client.create('/Users', { schemas: [`${CORE}User`], userName: `${name}-${dialect}` });
      users.set(name, id);
    }
    clients.set(dialect, { client, users });
  }
});
afterAll(() => service.stop());

interface World {
  readonly client: Client;
  readonly users: ReadonlyMap<string, string>;
  readonly userName: string;
}

/** What stands before the case. @returns its id */
async function sourceOf({ type = 'User', source = {}, members = [] }: EngineCase, world: World): Promise<string> {
  const schemas = [`${CORE}${type}`, ...(ENTERPRISE in source ? [ENTERPRISE] : [])];
  const minimal =
    type === 'User'
      ? { userName: world.userName }
      : { displayName: 'Sales', members: members.map((name) => ({ value: world.users.get(name) })) };
  return (await world.client.create(`/${type}s`, { schemas, ...minimal, ...source })).id;
}

/** With the names of this world; as text, for a key of a body may be one that no object here should have. */
function bodyOf({ method, ops, body }: EngineCase, { users, userName }: World, id: string): string {
  const text = JSON.stringify(ops === undefined ? body : patch(...ops))
    .replaceAll('alice@example.com', userName)
    .replaceAll(/\b(u\d)\b/g, (name) => users.get(name) ?? name)
    .replaceAll(/\br1\b/g, id);
  return method === 'POST' ? text.replace(/("userName":\[?)"[^"]+"/, `$1"${userName}"`) : text;
}

async function played(test: EngineCase, dialect: Dialect) {
  const world = { ...(clients.get(dialect) as Omit<World, 'userName'>), userName: `case-${(names += 1)}@example.com` };
  const { client } = world;
  const { type = 'User', method = 'PATCH' } = test;
  const id = method === 'POST' ? '' : await sourceOf(test, world);
  await client.appended();
  const answer = await client.ask(method, method === 'POST' ? `/${type}s` : `/${type}s/${id}`, bodyOf(test, world, id));
  const { status, body } = answer;
  return { status, scimType: status < 400 ? '' : body.scimType, changes: (await client.appended()).length };
}

/** Agents have tables of their own; and members here have ids of the service. */
const isPlayable = ({ type, ops }: EngineCase) => type !== 'Agent' && !JSON.stringify(ops ?? []).includes(' sw ');

describe.each([...engineCases].filter(([file]) => file !== 'agents'))('%s', (_, table) => {
  it.each(table.filter(isPlayable))('$name', async (test) => {
    const { error, strict, noop = false } = test;
    const lenient = await played(test, 'lenient');
    if (error === undefined) {
      expect([200, 201, 204]).toContain(lenient.status);
      expect(lenient.changes > 0).toBe(!noop);
    } else expect(lenient).toEqual({ ...error, changes: 0 });

    const strictly = await played(test, 'strict');
    if (typeof strict === 'object') expect(strictly).toEqual({ ...strict, changes: 0 });
    else if (error === undefined) expect([200, 201, 204]).toContain(strictly.status);
    else expect(strictly).toMatchObject({ status: error.status, changes: 0 });
  });
});

describe('what is asked of a strict connection', () => {
  const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
  const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
  it.each([
    ['a boolean in quotes in a filter', 'GET', '/Users?filter=active%20eq%20%22true%22', undefined, 'invalidFilter'],
    [
      ...['a boolean in quotes in a filter of elements', 'GET'],
      ...['/Users?filter=emails%5Bprimary%20eq%20%22True%22%5D', undefined, 'invalidFilter'],
    ],
    ['a search without its schema', 'POST', '/Users/.search', {}, 'invalidSyntax'],
    ['a number in quotes in a search', 'POST', '/Users/.search', { schemas: [SEARCH], count: '5' }, 'invalidValue'],
    ['names in a row', 'POST', '/.search', { schemas: [SEARCH], attributes: 'userName' }, 'invalidValue'],
    ['a bulk request without its schema', 'POST', '/Bulk', { Operations: [] }, 'invalidSyntax'],
  ] as [string, string, string, object | undefined, string][])(
    'is refused with %s, and answered on a lenient one',
    async (_, method, path, body, scimType) => {
      const [lenient, strict] = [clients.get('lenient'), clients.get('strict')];
      expect((await lenient?.client.ask(method, path, body))?.status).toBe(200);
      expect(await strict?.client.ask(method, path, body)).toMatchObject({ status: 400, body: { scimType } });
    },
  );

  it('is refused with a member that is said to be a group and is a user, and answered on a lenient one', async () => {
    const made = async (dialect: Dialect) => {
      const { client, users } = clients.get(dialect) as Omit<World, 'userName'>;
      const members = [{ value: users.get('u1'), type: 'Group' }];
      return client.ask('POST', '/Groups', { schemas: [`${CORE}Group`], displayName: 'Mistaken', members });
    };
    expect((await made('lenient')).status).toBe(201);
    expect(await made('strict')).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
  });

  it('is refused in its place within a bulk request: a method without capitals', async () => {
    const body = { schemas: [BULK], Operations: [{ method: 'delete', path: '/Users/nobody' }] };
    const operations = async (dialect: 'lenient' | 'strict') =>
      (await clients.get(dialect)?.client.ask('POST', '/Bulk', body))?.body['Operations'];
    expect(await operations('strict')).toMatchObject([{ status: '400', response: { scimType: 'invalidSyntax' } }]);
    expect(await operations('lenient')).toMatchObject([{ status: '404' }]);
  });
});

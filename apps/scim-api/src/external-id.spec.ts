// The externalId of every type: each connection's own, set once, by whatever way a client tries to change it.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, openScim, patch, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

let scim: ScimWorld;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());

const core = (type: string) => `urn:ietf:params:scim:schemas:core:2.0:${type}`;
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

const mustCreate = async (path: string, body: object, as: Connection): Promise<string> => {
  const answer = await scim.ask('POST', path, { body, as });
  if (answer.status !== 201) throw new Error(`${path} was answered ${answer.status}: ${answer.text}`);
  return answer.body.id;
};

/** What must be said of a resource of each type besides its externalId. */
const types: readonly (readonly [string, (as: Connection) => object | Promise<object>])[] = [
  ['/Users', () => ({ schemas: [core('User')], userName: newName() })],
  ['/Groups', () => ({ schemas: [core('Group')], displayName: newName() })],
  ['/AgenticApplications', () => ({ schemas: [core('AgenticApplication')], name: newName() })],
  [
    '/Agents',
    async (as) => {
      const owner = await mustCreate('/Users', { schemas: [core('User')], userName: newName() }, as);
      return { schemas: [core('Agent')], agentUserName: newName(), owners: [{ value: owner, type: 'User' }] };
    },
  ],
];

interface Way {
  readonly name: string;
  /** The request that gives the resource this externalId; undefined: none. */
  readonly request: (all: object, externalId: string | undefined) => { method: string; body: object };
}

const asPatch = (name: string, operation: (value: string | undefined) => object): Way => ({
  name,
  request: (_, externalId) => ({ method: 'PATCH', body: patch(operation(externalId)) }),
});
const put: Way = {
  name: 'PUT',
  request: (all, externalId) => ({ method: 'PUT', body: { ...all, externalId } }),
};
const changing = [
  asPatch('PATCH with a path', (value) => ({ op: 'replace', path: 'externalId', value })),
  asPatch('PATCH without a path', (externalId) => ({ op: 'replace', value: { externalId } })),
  asPatch('PATCH by add', (value) => ({ op: 'add', path: 'externalId', value })),
  put,
];
const removing = asPatch('PATCH by remove', () => ({ op: 'remove', path: 'externalId' }));

const directly = (path: string, { method, body }: ReturnType<Way['request']>, as: Connection) =>
  scim.ask(method, path, { body, as });
/** Answered as the operation itself would have been. */
async function inBulk(path: string, { method, body: data }: ReturnType<Way['request']>, as: Connection) {
  const Operations = [{ method, path, data }];
  const { body } = await scim.ask('POST', '/Bulk', { body: { schemas: [BULK], Operations }, as });
  const { status, response } = body.Operations[0];
  return { status: Number(status), body: response as Json };
}

const stored = async (path: string, as: Connection): Promise<unknown> =>
  (await scim.ask('GET', path, { as })).body.externalId;
const ignored = async (as: Connection) => (await scim.quirks(as))['immutable-ignored'] ?? 0;

describe.each(types)('the externalId in %s', (endpoint, attributes) => {
  describe.each([
    ['by itself', directly],
    ['in bulk', inBulk],
  ])('%s', (_, send) => {
    describe.each(changing)('by $name', ({ request }) => {
      it.each(['lenient-acme', 'strict-acme'] as const)('is set later, and again to the same, on %s', async (as) => {
        const all = await attributes(as);
        const path = `${endpoint}/${await mustCreate(endpoint, all, as)}`;
        const before = await ignored(as);
        for (const _time of ['first', 'again']) {
          expect((await send(path, request(all, 'e-1'), as)).status).toBeLessThan(300);
          expect(await stored(path, as)).toBe('e-1');
        }
        expect(await ignored(as)).toBe(before);
      });
    });

    const given = changing.map(({ name, request }) => ({ name, sent: (all: object) => request(all, 'e-2') }));
    const away = { name: removing.name, sent: (all: object) => removing.request(all, undefined) };
    describe.each([...given, away])('by $name', ({ sent }) => {
      it('is not changed on a lenient connection, which counts the attempt', async () => {
        const as = 'lenient-acme';
        const all = { ...(await attributes(as)), externalId: 'e-1' };
        const path = `${endpoint}/${await mustCreate(endpoint, all, as)}`;
        const before = await ignored(as);
        await scim.appended();
        expect((await send(path, sent(all), as)).status).toBeLessThan(300);
        expect([await stored(path, as), await ignored(as)]).toEqual(['e-1', before + 1]);
        expect(await scim.appended()).toEqual([]);
      });

      it('is not changed on a strict connection, which answers 400 mutability', async () => {
        const as = 'strict-acme';
        const all = { ...(await attributes(as)), externalId: 'e-1' };
        const path = `${endpoint}/${await mustCreate(endpoint, all, as)}`;
        await scim.appended();
        const refused = await send(path, sent(all), as);
        expect([refused.status, refused.body.scimType]).toEqual([400, 'mutability']);
        expect(await stored(path, as)).toBe('e-1');
        expect(await scim.appended()).toEqual([]);
      });
    });

    it.each(['lenient-acme', 'strict-acme'] as const)('stays when a PUT omits it, on %s', async (as) => {
      const all = await attributes(as);
      const path = `${endpoint}/${await mustCreate(endpoint, { ...all, externalId: 'e-1' }, as)}`;
      expect((await send(path, put.request(all, undefined), as)).status).toBeLessThan(300);
      expect(await stored(path, as)).toBe('e-1');
    });
  });
});

it('of one connection says nothing on another one, where the same value finds another resource', async () => {
  const person = () => ({ schemas: [core('User')], userName: newName(), externalId: 'shared' });
  await mustCreate('/Users', person(), 'lenient-acme');
  const there = await mustCreate('/Users', person(), 'strict-acme');
  const found = await scim.ask('GET', '/Users?filter=externalId eq "shared"', { as: 'strict-acme' });
  expect(found.body.Resources.map(({ id }: Json) => id)).toEqual([there]);
});

it('is kept without stopping the deactivation that comes with a change of it', async () => {
  const { id } = await scim.newUser({ externalId: 'e-3' });
  const body = patch({ op: 'replace', value: { externalId: 'e-4', active: false } });
  expect((await scim.ask('PATCH', `/Users/${id}`, { body })).body).toMatchObject({ externalId: 'e-3', active: false });
});

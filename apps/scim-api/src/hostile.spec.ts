// Hostile input over HTTP: the right refusal, nothing recorded, nothing repeated, nothing polluted, and no time lost.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  errorSchema,
  newName,
  off,
  openScim,
  patch,
  type Answered,
  type Json,
  type ScimWorld,
} from './scim-api.fixture.js';

let world: ScimWorld;
let user: Json;
let group: Json;
let foreign: { user: Json; group: Json };
beforeAll(async () => {
  world = await openScim();
  user = await world.newUser({ emails: [{ value: 'a@example.com', type: 'work' }] });
  group = await world.create('/Groups', { displayName: 'Ours', members: [{ value: user.id }] });
  const as = 'lenient-globex';
  const theirs = (await world.ask('POST', '/Users', { as, body: { userName: newName() } })).body;
  const body = { displayName: 'Theirs', members: [{ value: theirs.id }] };
  foreign = { user: theirs, group: (await world.ask('POST', '/Groups', { as, body })).body };
});
afterAll(() => world.close());

const canary = 'canary-7f3a';
const search = (more: object) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], ...more });
const bulk = (...operations: object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
  Operations: operations,
});

/** The answer to what must be refused: without an event, without an echo, within the time that a test has. */
async function refused(method: string, path: string, body?: unknown): Promise<Answered> {
  await world.appended();
  const answer = await world.ask(method, path, body === undefined ? {} : { body });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.body).toMatchObject({ schemas: [errorSchema], status: String(answer.status) });
  expect(answer.text).not.toContain(canary);
  expect(await world.appended()).toEqual([]);
  expect(({} as Json).canary).toBeUndefined();
  return answer;
}
const reason = ({ status, body }: Answered) => [status, body.scimType];

describe('keys that reach prototypes', () => {
  it.each(['__proto__', 'constructor', 'prototype', '__PROTO__'])('are refused wherever %s stands', async (key) => {
    const inBody = `{"userName":"x","name":{"${key}":{"canary":"${canary}"}}}`;
    expect(reason(await refused('POST', '/Users', inBody))).toEqual([400, 'invalidSyntax']);
    expect(reason(await refused('PUT', `/Users/${user.id}`, inBody))).toEqual([400, 'invalidSyntax']);
    const inValue = `{"Operations":[{"op":"add","value":{"${key}":{"canary":"${canary}"}}}]}`;
    expect(reason(await refused('PATCH', `/Users/${user.id}`, inValue))).toEqual([400, 'invalidSyntax']);
    const inBulk = `{"Operations":[{"method":"POST","path":"/Users","bulkId":"1","data":{"${key}":"${canary}"}}]}`;
    expect(reason(await refused('POST', '/Bulk', inBulk))).toEqual([400, 'invalidSyntax']);
    for (const path of [key, `name.${key}`, `${key}.canary`, `emails[${key} eq "x"].value`]) {
      const answer = await refused('PATCH', `/Users/${user.id}`, patch({ op: 'add', path, value: canary }));
      expect(['invalidPath', 'invalidFilter']).toContain(answer.body.scimType);
    }
    expect(reason(await refused('GET', `/Users?filter=${key}%20eq%20%22${canary}%22`))).toEqual([400, 'invalidFilter']);
    expect(reason(await refused('GET', `/Users?sortBy=${key}`))).toEqual([400, 'invalidPath']);
    expect(reason(await refused('GET', `/Users?attributes=${key}`))).toEqual([400, 'invalidPath']);
  });
});

describe('questions without an end', () => {
  it.each([
    ['100,000 parentheses', `${'('.repeat(100_000)}userName pr${')'.repeat(100_000)}`],
    ['10,000 terms', Array.from({ length: 10_000 }, () => 'userName pr').join(' or ')],
    ['100,000 open brackets', 'emails['.repeat(15_000)],
    ['a string without an end', `userName eq "${'a'.repeat(100_000)}`],
    ['parentheses within the length', `${'('.repeat(1_000)}userName pr${')'.repeat(1_000)}`],
    ['terms within the length', Array.from({ length: 100 }, () => 'title pr').join(' and ')],
    ['negations', `${'not ('.repeat(600)}title pr${')'.repeat(600)}`],
  ])('of %s are refused as filter, as root search and as path', async (_, filter) => {
    for (const path of ['/Users/.search', '/.search']) {
      expect(reason(await refused('POST', path, search({ filter })))).toEqual([400, 'invalidFilter']);
    }
    const body = patch({ op: 'remove', path: `emails[${filter}]` });
    const { scimType } = (await refused('PATCH', `/Users/${user.id}`, body)).body;
    expect(['invalidFilter', 'invalidPath']).toContain(scimType);
  });

  it('of 100,000 attribute names are refused', async () => {
    const attributes = Array.from({ length: 100_000 }, (_, i) => `a${i}`);
    expect(reason(await refused('POST', '/Users/.search', search({ attributes })))).toEqual([400, 'invalidValue']);
  });
});

describe('bodies', () => {
  const limit = 1024 * 1024;
  const sized = (bytes: number) => {
    const empty = JSON.stringify({ userName: '' }).length;
    return JSON.stringify({ userName: 'x'.repeat(bytes - empty) });
  };

  it('of 1 MiB are read, of one byte more are refused', async () => {
    expect(Buffer.byteLength(sized(limit))).toBe(limit);
    expect((await refused('POST', '/Users', sized(limit))).body.detail).toMatch(/A resource takes at most/);
    for (const [method, path, bytes] of [
      ['POST', '/Users', limit + 1],
      ['PATCH', `/Users/${user.id}`, limit + 1],
      ['POST', '/Bulk', 2 * limit + 1],
    ] as const) {
      const answer = await refused(method, path, sized(bytes));
      expect([reason(answer), answer.body.detail]).toEqual([[413, 'tooMany'], expect.stringMatching(/body is larger/)]);
    }
  });

  it('that would let a resource grow without end are refused', async () => {
    const { id } = await world.newUser();
    const add = (i: number) => {
      const phones = Array.from({ length: 500 }, (_, n) => ({ value: `${i}-${n}-${'0'.repeat(90)}` }));
      return patch({ op: 'add', path: 'phoneNumbers', value: phones });
    };
    let i = 0;
    while (i < 10 && (await world.ask('PATCH', `/Users/${id}`, { body: add(i) })).status === 200) i += 1;
    expect(reason(await refused('PATCH', `/Users/${id}`, add(i)))).toEqual([413, 'tooMany']);
    expect((await world.ask('PATCH', `/Users/${id}`, { body: off })).body.active).toBe(false);
  });

  it.each([
    ['500,000 open brackets', '['.repeat(500_000)],
    ['100,000 nested lists', `{"userName":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['100,000 nested objects', `${'{"name":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['a key twice', `{"userName":"${canary}","userName":"x"}`],
    ['a key twice, once escaped', `{"userName":"${canary}","user\\u004eame":"x"}`],
    ['a key twice deep inside', `{"userName":"x","name":{"givenName":"a","givenName":"${canary}"}}`],
    ['a key in two spellings', `{"userName":"${canary}","USERNAME":"x"}`],
  ])('of %s are refused', async (_, body) => {
    expect(reason(await refused('POST', '/Users', body))).toEqual([400, 'invalidSyntax']);
    await refused('PATCH', `/Users/${user.id}`, body);
    await refused('POST', '/Bulk', body);
  });

  it('that say twice whether somebody is active change nothing', async () => {
    const body = '{"Operations":[{"op":"replace","value":{"active":false,"active":true}}]}';
    expect(reason(await refused('PATCH', `/Users/${user.id}`, body))).toEqual([400, 'invalidSyntax']);
  });

  it.each([
    ['NUL', '\\u0000'],
    ['half a surrogate pair', '\\ud800'],
    ['the other half', '\\udc00'],
  ])('with a %s in a value, a key, a path or a filter are refused', async (_, character) => {
    const inValue = `{"userName":"${canary}${character}"}`;
    expect(reason(await refused('POST', '/Users', inValue))).toEqual([400, 'invalidValue']);
    expect(reason(await refused('POST', '/Users', `{"userName":"x","a${character}":1}`))).toEqual([
      400,
      'invalidSyntax',
    ]);
    const path = `{"Operations":[{"op":"add","path":"title${character}","value":"x"}]}`;
    await refused('PATCH', `/Users/${user.id}`, path);
    await refused('POST', '/Users/.search', `{"filter":"userName eq \\"${canary}${character}\\""}`);
    await refused('POST', '/Users/.search', `{"cursor":"${canary}${character}"}`);
  });
});

describe('ids', () => {
  it.each([
    '%00',
    '%ED%A0%80',
    '..%2f..%2fv1',
    '__proto__',
    'constructor',
    `${canary}%0d%0aX-Header:1`,
    'x'.repeat(400),
  ])('that nobody has are 404 or 400: %s', async (id) => {
    for (const type of ['Users', 'Groups', 'Agents']) {
      for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', off]] as const) {
        const answer = await refused(method, `/${type}/${id}`, body);
        expect([400, 404]).toContain(answer.status);
      }
    }
  });

  it('of another tenant are nobody: in paths, in filters and as members', async () => {
    for (const [path, put] of [
      [`/Users/${foreign.user.id}`, { userName: newName() }],
      [`/Groups/${foreign.group.id}`, { displayName: 'x' }],
    ] as const) {
      for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', off], ['PUT', put]] as const) {
        expect((await refused(method, path, body)).status).toBe(404);
      }
    }
    for (const [path, filter] of [
      ['/Users', `id eq "${foreign.user.id}"`],
      ['/Users', `groups.value eq "${foreign.group.id}"`],
      ['/Groups', `members.value eq "${foreign.user.id}"`],
      ['/Groups', `members[value eq "${foreign.user.id}"]`],
      ['/.search', `id eq "${foreign.group.id}" or id eq "${foreign.user.id}"`],
    ] as const) {
      const at = path === '/.search' ? path : `${path}/.search`;
      const { status, body } = await world.ask('POST', at, { body: search({ filter }) });
      expect([path, status, body.totalResults]).toEqual([path, 200, 0]);
    }
    const members = [{ value: foreign.user.id }];
    const add = await refused('PATCH', `/Groups/${group.id}`, patch({ op: 'add', path: 'members', value: members }));
    expect(reason(add)).toEqual([400, 'invalidValue']);
    expect(add.text).not.toContain(foreign.user.id);
    const owned = await refused('POST', '/Agents', { agentUserName: 'bot', owners: members });
    expect(reason(owned)).toEqual([400, 'invalidValue']);
  });

  it('of another tenant are nobody in bulk requests', async () => {
    await world.appended();
    const { status, body } = await world.ask('POST', '/Bulk', {
      body: bulk(
        { method: 'PATCH', path: `/Users/${foreign.user.id}`, data: off },
        { method: 'DELETE', path: `/Groups/${foreign.group.id}` },
        {
          method: 'POST',
          path: '/Groups',
          bulkId: 'g',
          data: { displayName: 'x', members: [{ value: foreign.user.id }] },
        },
        { method: 'DELETE', path: '/Users/__proto__' },
        { method: 'DELETE', path: `/${canary}/x` },
      ),
    });
    expect(status).toBe(200);
    expect(body.Operations.map((one: Json) => one.status)).toEqual(['404', '404', '400', '404', '404']);
    expect(await world.appended()).toEqual([]);
    expect((await world.ask('GET', `/Users/${foreign.user.id}`, { as: 'lenient-globex' })).body.active).toBe(true);
  });
});

// What the SCIM role promises beyond single conversations: races, preconditions, refusals, tenants, pages and errors.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventLogUnavailable } from '@app/event-log';
import { openScim, type Json, type ScimWorld } from './scim-api.fixture.js';

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error';
const patch = (...operations: object[]) => ({ schemas: [patchOp], Operations: operations });
const off = patch({ op: 'replace', path: 'active', value: false });

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

let names = 0;
const newName = (): string => `person-${++names}@example.com`;
const create = async (path: string, body: object): Promise<Json> => {
  const answer = await world.ask('POST', path, { body });
  expect(answer.status).toBe(201);
  return answer.body;
};
const newUser = (attributes: object = {}): Promise<Json> => create('/Users', { userName: newName(), ...attributes });

describe('races', () => {
  it('lets one of 100 parallel creates of one userName win, whatever its case', async () => {
    const userName = newName();
    await world.appended();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        world.ask('POST', '/Users', { body: { userName: i % 2 === 0 ? userName : userName.toUpperCase() } }),
      ),
    );
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(409)]).toEqual([1, 99]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      schemas: [errorSchema],
      status: '409',
      scimType: 'uniqueness',
    });
    expect((await world.appended()).map(({ type }) => type)).toEqual(['UserProvisioned']);
  });

  it('makes of 50 parallel PATCHes of one group the exact set of members', async () => {
    const users = await Promise.all(Array.from({ length: 60 }, () => newUser()));
    const ids: string[] = users.map(({ id }) => id);
    const group = await create('/Groups', {
      displayName: 'Race',
      members: ids.slice(0, 10).map((value) => ({ value })),
    });
    const answers = await Promise.all(
      ids.slice(0, 50).map((id, i) =>
        world.ask('PATCH', `/Groups/${group.id}`, {
          body:
            i < 10
              ? patch({ op: 'Remove', path: 'members', value: [{ value: id }] })
              : patch({ op: 'Add', path: 'members', value: [{ value: id }, { value: ids[50 + (i % 10)] }] }),
        }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    const { members } = (await world.ask('GET', `/Groups/${group.id}`)).body;
    expect(members.map(({ value }: Json) => value).sort()).toEqual(ids.slice(10).sort());
  });

  it('lets one of the writers that name the same version in If-Match win', async () => {
    const { id, meta } = await newUser();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        world.ask('PATCH', `/Users/${id}`, {
          body: patch({ op: 'replace', path: 'displayName', value: `Name ${i}` }),
          headers: { 'if-match': meta.version },
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 412)]);
  });
});

describe('versions', () => {
  it('keep their ETag through a no-op, which appends nothing', async () => {
    const { id } = await newUser({ displayName: 'Ada' });
    await world.appended();
    const answer = await world.ask('PATCH', `/Users/${id}`, {
      body: patch({ op: 'replace', value: { displayName: 'Ada', active: 'True' } }),
    });
    expect([answer.status, answer.headers.etag, answer.body.meta.version]).toEqual([200, 'W/"0"', 'W/"0"']);
    expect(await world.appended()).toEqual([]);
  });

  it('answer 304 to who has the newest, the resource to who has not', async () => {
    const { id, meta } = await newUser();
    const ask = (tag: string) => world.ask('GET', `/Users/${id}`, { headers: { 'if-none-match': tag } });
    for (const tag of [meta.version, `"0"`, `W/"7", ${meta.version}`, '*']) {
      expect(await ask(tag)).toMatchObject({ status: 304, text: '', headers: { etag: 'W/"0"' } });
    }
    expect((await ask('W/"7"')).status).toBe(200);
  });

  it.each([
    ['the version', 'W/"0"', 200],
    ['any version', '*', 200],
    ['a list that has the version', 'W/"5", W/"0"', 200],
    ['a list that has it not', 'W/"5", W/"6"', 412],
    ['another version', 'W/"5"', 412],
    ['no version at all', 'nonsense', 412],
  ])('in If-Match: %s', async (_, tag, status) => {
    const { id } = await newUser();
    const answer = await world.ask('PUT', `/Users/${id}`, {
      body: { userName: newName(), active: true },
      headers: { 'if-match': tag },
    });
    expect(answer.status).toBe(status);
  });

  it('guard a deletion', async () => {
    const { id } = await newUser();
    const remove = (tag: string) => world.ask('DELETE', `/Users/${id}`, { headers: { 'if-match': tag } });
    expect((await remove('W/"9"')).status).toBe(412);
    expect((await remove('W/"0"')).status).toBe(204);
    expect((await remove('*')).status).toBe(404);
  });
});

describe('refusals', () => {
  it.each([
    ['malformed JSON', '{"userName":', {}, 400, 'invalidSyntax'],
    ['a list', '[]', {}, 400, 'invalidSyntax'],
    ['nothing', '', {}, 400, 'invalidSyntax'],
    ['no userName', '{}', {}, 400, 'invalidValue'],
    ['a key that reaches a prototype', '{"userName":"x","__proto__":{"admin":true}}', {}, 400, 'invalidSyntax'],
    ['a body nested too deep', `{"userName":${'['.repeat(40)}${']'.repeat(40)}}`, {}, 400, 'invalidSyntax'],
    ['XML', '<user/>', { 'content-type': 'application/xml' }, 415, undefined],
    ['a form', 'userName=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, undefined],
    ['a body above 1 MiB', JSON.stringify({ userName: 'x'.repeat(1_048_576) }), {}, 413, 'tooMany'],
  ])('of %s say what is wrong and record nothing', async (_, body, headers, status, scimType) => {
    await world.appended();
    const answer = await world.ask('POST', '/Users', { body, headers });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ schemas: [errorSchema], status: String(status) });
    expect(answer.body.scimType).toBe(scimType);
    expect(answer.headers['content-type']).toMatch('application/scim+json');
    expect(await world.appended()).toEqual([]);
  });

  it.each(['application/json', 'application/scim+json; charset=utf-8', 'application/json;charset=UTF-8'])(
    'do not meet a body of type %s',
    async (type) => {
      const body = { userName: newName() };
      expect((await world.ask('POST', '/Users', { body, headers: { 'content-type': type } })).status).toBe(201);
    },
  );

  it('meet ids that nobody has', async () => {
    for (const id of [
      '0b7f66e4-64a5-4d2c-8b4f-000000000000',
      'x',
      'a%20b',
      '%00',
      'ü',
      "' or 1=1 --",
      'x'.repeat(400),
    ]) {
      for (const [method, body] of [['GET'], ['PUT', { userName: 'x' }], ['PATCH', off], ['DELETE']] as const) {
        for (const type of ['Users', 'Groups']) {
          const sent = method === 'PUT' && type === 'Groups' ? { displayName: 'x' } : body;
          const answer = await world.ask(method, `/${type}/${encodeURI(id).replaceAll('%25', '%')}`, { body: sent });
          expect([type, method, answer.status]).toEqual([type, method, 404]);
          expect(answer.body).toMatchObject({ schemas: [errorSchema], status: '404' });
        }
      }
    }
  });

  it('meet a name that is taken, also by PUT and PATCH', async () => {
    const taken = (await newUser()).userName;
    const { id } = await newUser();
    for (const [method, body] of [
      ['PUT', { userName: taken }],
      ['PATCH', patch({ op: 'replace', path: 'userName', value: taken.toUpperCase() })],
    ] as const) {
      const answer = await world.ask(method, `/Users/${id}`, { body });
      expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);
    }
  });

  it('meet members that nobody is, and change nothing', async () => {
    const { id } = await create('/Groups', { displayName: 'Empty' });
    const members = [{ value: '0b7f66e4-64a5-4d2c-8b4f-000000000000' }];
    await world.appended();
    for (const [method, path, body] of [
      ['POST', '/Groups', { displayName: 'New', members }],
      ['PATCH', `/Groups/${id}`, patch({ op: 'add', path: 'members', value: members })],
      ['PUT', `/Groups/${id}`, { displayName: 'Empty', members }],
    ] as const) {
      const answer = await world.ask(method, path, { body });
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
      expect(answer.text).not.toContain('0b7f66e4');
    }
    expect(await world.appended()).toEqual([]);
  });

  it('meet wrong questions', async () => {
    for (const [path, status, scimType] of [
      ['/Users?filter=userName%20is%20%22x%22', 400, 'invalidFilter'],
      ['/Users?filter=nothing%20eq%20%22x%22', 400, 'invalidFilter'],
      ['/Users?count=many', 400, 'invalidValue'],
      ['/Users?sortBy=nothing', 400, 'invalidPath'],
      ['/Users?cursor=', 400, 'invalidCursor'],
      ['/Schemas?filter=id%20eq%20%22x%22', 403, undefined],
      ['/Schemas/urn:x', 404, undefined],
      ['/ResourceTypes/Printer', 404, undefined],
      ['/Me', 501, undefined],
      ['/Printers', 404, undefined],
    ] as const) {
      const answer = await world.ask('GET', path);
      expect([path, answer.status, answer.body.scimType]).toEqual([path, status, scimType]);
    }
  });

  it('are those of the RFCs on a strict connection', async () => {
    const { id } = await newUser();
    const body = patch({ op: 'Replace', path: 'active', value: 'False' });
    await world.appended();
    expect((await world.ask('PATCH', `/Users/${id}`, { body, as: 'strict-acme' })).status).toBe(400);
    expect(await world.appended()).toEqual([]);
  });
});

describe('another tenant', () => {
  it('sees nothing, changes nothing and adds nobody of this one', async () => {
    const user = await newUser({ externalId: 'shared' });
    const group = await create('/Groups', { displayName: 'Ours', members: [{ value: user.id }] });
    await world.appended();
    const as = 'lenient-globex';
    for (const { path, put } of [
      { path: `/Users/${user.id}`, put: { userName: user.userName } },
      { path: `/Groups/${group.id}`, put: { displayName: 'Ours' } },
    ]) {
      expect((await world.ask('GET', path, { as })).status).toBe(404);
      expect((await world.ask('PUT', path, { as, body: put })).status).toBe(404);
      expect((await world.ask('PATCH', path, { as, body: off })).status).toBe(404);
      expect((await world.ask('DELETE', path, { as })).status).toBe(404);
    }
    for (const path of ['/Users', '/Groups', '/Users?filter=externalId%20eq%20%22shared%22']) {
      expect((await world.ask('GET', path, { as })).body.totalResults).toBe(0);
    }
    const members = [{ value: user.id }];
    expect((await world.ask('POST', '/Groups', { as, body: { displayName: 'Theirs', members } })).status).toBe(400);
    expect(await world.appended()).toEqual([]);
  });

  it('may have the same userName', async () => {
    const { userName } = await newUser();
    expect(
      (
        await world.ask('POST', '/Users', {
          as: 'strict-globex',
          body: {
            schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
            userName,
          },
        })
      ).status,
    ).toBe(201);
  });
});

describe('lists', () => {
  const as = 'lenient-globex';
  const listed = async (query: string): Promise<Json> => {
    const answer = await world.ask('GET', `/Users?${query}`, { as });
    expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
    return answer.body;
  };
  const namesOf = (body: Json): string[] => body.Resources.map(({ userName }: Json) => userName);
  const filtered = async (filter: string) => namesOf(await listed(`filter=${encodeURIComponent(filter)}`));

  beforeAll(async () => {
    for (const [i, letter] of [...'dbeac'].entries()) {
      const body = { userName: `list-${letter}`, title: i % 2 === 0 ? 'even' : 'odd', active: letter !== 'e' };
      expect((await world.ask('POST', '/Users', { as, body })).status).toBe(201);
    }
  });

  it('are filtered by an index and by the rest of the filter', async () => {
    expect(await filtered('userName eq "LIST-A"')).toEqual(['list-a']);
    expect(await filtered('userName eq "list-a" and title eq "even"')).toEqual([]);
    expect(await filtered('userName eq "list-a" and title eq "odd"')).toEqual(['list-a']);
    expect(await filtered('userName sw "list-" and active eq false')).toEqual(['list-e']);
    expect(await filtered('userName eq "list-a" or userName eq "list-b"')).toEqual(['list-b', 'list-a']);
  });

  it('are sorted and cut into pages that add up', async () => {
    const sorted = 'filter=userName%20sw%20%22list-%22&sortBy=userName';
    expect(namesOf(await listed(sorted))).toEqual(['list-a', 'list-b', 'list-c', 'list-d', 'list-e']);
    expect(namesOf(await listed(`${sorted}&sortOrder=descending&startIndex=2&count=2`))).toEqual(['list-d', 'list-c']);
    expect(await listed(`${sorted}&startIndex=5&count=2`)).toMatchObject({
      totalResults: 5,
      itemsPerPage: 1,
      startIndex: 5,
    });
    expect(await listed(`${sorted}&count=0`)).toMatchObject({ totalResults: 5, itemsPerPage: 0, Resources: [] });
    expect(await listed(`${sorted}&startIndex=99`)).toMatchObject({ totalResults: 5, itemsPerPage: 0 });
  });

  it('show what was asked for', async () => {
    const { Resources } = await listed('filter=userName%20eq%20%22list-a%22&attributes=userName');
    expect(Resources).toEqual([
      { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], id: expect.any(String), userName: 'list-a' },
    ]);
  });

  it('answer a search as they answer a question', async () => {
    const body = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      filter: 'userName sw "list-"',
      sortBy: 'userName',
      startIndex: 2,
      count: 2,
      attributes: ['userName'],
    };
    const answer = await world.ask('POST', '/Users/.search', { as, body });
    expect(answer.status).toBe(200);
    expect(namesOf(answer.body)).toEqual(['list-b', 'list-c']);
  });

  it('find groups by member, and members only where they are asked for', async () => {
    const [user] = (await listed('filter=userName%20eq%20%22list-a%22')).Resources;
    const body = { displayName: 'Listed', members: [{ value: user.id }] };
    expect((await world.ask('POST', '/Groups', { as, body })).status).toBe(201);
    const groups = async (query: string) => (await world.ask('GET', `/Groups?${query}`, { as })).body.Resources;
    const found = await groups(`filter=members.value%20eq%20%22${user.id}%22`);
    expect(found).toMatchObject([
      { displayName: 'Listed', members: [{ value: user.id, display: 'list-a', type: 'User' }] },
    ]);
    const bare = await groups(`filter=members[value%20eq%20%22${user.id}%22]&excludedAttributes=members`);
    expect(bare).toMatchObject([{ displayName: 'Listed' }]);
    expect(bare[0]).not.toHaveProperty('members');
    expect(await filtered('groups.display eq "listed"')).toEqual(['list-a']);
  });
});

describe('answers', () => {
  it('say where a new resource is', async () => {
    const { status, headers, body } = await world.ask('POST', '/Users', { body: { userName: newName() } });
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: `http://scim.test/scim/v2/Users/${body.id}`, etag: 'W/"0"' });
    expect(body.meta).toMatchObject({ location: headers.location, version: 'W/"0"', resourceType: 'User' });
  });

  it('show a group after a PATCH only to who asks for attributes', async () => {
    const { id } = await create('/Groups', { displayName: 'Quiet' });
    const body = patch({ op: 'replace', path: 'displayName', value: 'Loud' });
    expect(await world.ask('PATCH', `/Groups/${id}`, { body })).toMatchObject({ status: 204, text: '' });
    expect(await world.ask('PATCH', `/Groups/${id}?attributes=displayName`, { body })).toMatchObject({
      status: 200,
      body: { id, displayName: 'Loud' },
    });
  });

  it('to HEAD have the headers of GET and no body; to OPTIONS the methods', async () => {
    const { id } = await newUser();
    const head = await world.ask('HEAD', `/Users/${id}`);
    expect(head).toMatchObject({ status: 200, text: '', headers: { etag: 'W/"0"' } });
    expect((await world.ask('HEAD', '/Users/nobody')).status).toBe(404);
    expect(await world.ask('OPTIONS', '/Users')).toMatchObject({
      status: 204,
      headers: { allow: expect.stringContaining('POST') },
    });
    expect(await world.ask('OPTIONS', `/Users/${id}`)).toMatchObject({
      status: 204,
      headers: { allow: expect.stringContaining('PATCH') },
    });
  });

  it('are 503 with a Retry-After in seconds, never 2xx, while the views are behind: also for a repeated write', async () => {
    const { id } = await newUser();
    await world.appended();
    world.readModels.held = new EventLogUnavailable('behind');
    try {
      for (let i = 0; i < 2; i += 1) {
        const answer = await world.ask('PATCH', `/Users/${id}`, { body: off });
        expect(answer.status).toBe(503);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      }
    } finally {
      world.readModels.held = undefined;
    }
    expect((await world.ask('PATCH', `/Users/${id}`, { body: off })).status).toBe(200);
    expect((await world.appended()).map(({ type }) => type)).toEqual(['UserDeactivated']);
  });

  it('are open to tokens only', async () => {
    for (const authorization of ['', 'Bearer nobody', 'Basic Zm9vOmJhcg==']) {
      const answer = await world.ask('GET', '/Users', { headers: { authorization } });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    }
  });
});

describe('quirks', () => {
  it('are counted by the connection they are met on, once per request', async () => {
    const { id } = await newUser();
    const before = world.quirks('lenient-acme')['boolean-as-string'] ?? 0;
    const body = patch({ op: 'replace', path: 'active', value: 'False' });
    await world.ask('PATCH', `/Users/${id}`, { body });
    await world.ask('PATCH', `/Users/${id}`, { body });
    expect(world.quirks('lenient-acme')['boolean-as-string']).toBe(before + 2);
    expect(world.quirks('strict-acme')).toEqual({});
  });
});

describe('a bulk request', () => {
  const bulkRequest = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
  const bulk = (operations: object[], more: object = {}) =>
    world.ask('POST', '/Bulk', { body: { schemas: [bulkRequest], Operations: operations, ...more } });

  it('creates people and the group they are in, then deactivates one of them', async () => {
    const userName = newName();
    await world.appended();
    const { status, body } = await bulk([
      { method: 'POST', path: '/Groups', bulkId: 'g', data: { displayName: 'Bulk', members: [{ value: 'bulkId:u' }] } },
      { method: 'POST', path: '/Users', bulkId: 'u', data: { userName } },
      { method: 'PATCH', path: '/Users/bulkId:u', version: 'W/"0"', data: off },
    ]);
    expect(status).toBe(200);
    expect(body.Operations).toMatchObject([
      { method: 'POST', bulkId: 'g', status: '201', version: 'W/"1"' },
      {
        method: 'POST',
        bulkId: 'u',
        status: '201',
        location: expect.stringMatching(/^http:\/\/scim\.test\/scim\/v2\/Users\//),
      },
      { method: 'PATCH', status: '200', version: 'W/"1"' },
    ]);
    const types = (await world.appended()).map(({ type }) => type);
    expect(types).toEqual(['UserProvisioned', 'GroupCreated', 'GroupMembershipChanged', 'UserDeactivated']);
  });

  it('answers each refusal in its place and stops where it was told to', async () => {
    const missing = { method: 'DELETE', path: '/Users/nobody' };
    const { body } = await bulk([missing, { method: 'DELETE', path: '/Printers/1' }, missing], { failOnErrors: 2 });
    expect(body.Operations).toMatchObject([
      { status: '404', response: { schemas: [errorSchema], status: '404' } },
      { status: '404' },
    ]);
    expect(body.Operations).toHaveLength(2);
  });

  it('has at most the stated number of operations', async () => {
    const answer = await bulk(Array.from({ length: 101 }, () => ({ method: 'DELETE', path: '/Users/nobody' })));
    expect([answer.status, answer.body.scimType]).toEqual([413, 'tooMany']);
  });
});

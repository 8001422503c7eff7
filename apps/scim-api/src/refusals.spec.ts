// What is refused, how it is said, and that nothing is recorded of it.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorSchema, newName, off, openScim, patch, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

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
    if (status === 415) expect(answer.body.detail).toMatch('Send the body as application/scim+json');
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
    const taken = (await world.newUser()).userName;
    const { id } = await world.newUser();
    for (const [method, body] of [
      ['PUT', { userName: taken }],
      ['PATCH', patch({ op: 'replace', path: 'userName', value: taken.toUpperCase() })],
    ] as const) {
      const answer = await world.ask(method, `/Users/${id}`, { body });
      expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);
    }
  });

  it('meet members that nobody is, and change nothing', async () => {
    const { id } = await world.create('/Groups', { displayName: 'Empty' });
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
      ['/Users?cursor=forged', 400, 'invalidCursor'],
      ['/Users?cursor=&count=many', 400, 'invalidCount'],
      ['/Users?cursor=&startIndex=1', 400, 'invalidValue'],
      ['/Users?cursor=&cursor=', 400, 'invalidCursor'],
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
    const as = 'strict-acme';
    const { id } = (await world.ask('POST', '/Users', { body: strictUser(), as })).body;
    const body = patch({ op: 'Replace', path: 'active', value: 'False' });
    await world.appended();
    expect((await world.ask('PATCH', `/Users/${id}`, { body, as })).status).toBe(400);
    expect(await world.appended()).toEqual([]);
  });
});

describe('another tenant', () => {
  it('sees nothing, changes nothing and adds nobody of this one', async () => {
    const user = await world.newUser({ externalId: 'shared' });
    const group = await world.create('/Groups', { displayName: 'Ours', members: [{ value: user.id }] });
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
    const { userName } = await world.newUser();
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

const strictUser = () => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: newName() });

// The protocol around the resources: methods, media types, versions, projections and the search over everything.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorSchema, newName, off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

const searchRequest = (more: object) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
  ...more,
});

describe('a path', () => {
  it.each([
    ['/Users', 'GET, HEAD, POST, OPTIONS', ['PUT', 'PATCH', 'DELETE']],
    ['/Agents', 'GET, HEAD, POST, OPTIONS', ['PUT', 'PATCH', 'DELETE']],
    ['/Groups/x', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS', ['POST']],
    ['/Users/.search', 'POST, OPTIONS', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    ['/.search', 'POST, OPTIONS', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    ['/Bulk', 'POST, OPTIONS', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    ['/ServiceProviderConfig', 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'PATCH', 'DELETE']],
    ['/Schemas/urn:x', 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'PATCH', 'DELETE']],
    ['/ResourceTypes', 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'PATCH', 'DELETE']],
  ])('%s says which methods it serves, to OPTIONS and with 405', async (path, allow, others) => {
    expect(await world.ask('OPTIONS', path)).toMatchObject({ status: 204, headers: { allow } });
    await world.appended();
    for (const method of others) {
      const body = method === 'HEAD' || method === 'GET' ? undefined : { userName: 'x' };
      const answer = await world.ask(method, path, { body });
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, allow]);
      if (method !== 'HEAD') expect(answer.body).toMatchObject({ schemas: [errorSchema], status: '405' });
    }
    expect(await world.appended()).toEqual([]);
  });

  it('to the configuration is open to whoever has no token yet, and to nobody with one that is not valid', async () => {
    const ask = (headers: Record<string, string>) => world.anonymous('/ServiceProviderConfig', headers);
    const mine = await world.ask('GET', '/ServiceProviderConfig');
    expect(await ask({})).toMatchObject({ status: 200, body: mine.body });
    for (const authorization of ['Bearer nobody', 'Basic Zm9vOmJhcg==']) {
      const challenge = expect.stringMatching(/^Bearer realm=/);
      expect(await ask({ authorization })).toMatchObject({ status: 401, headers: { 'www-authenticate': challenge } });
    }
    expect((await world.anonymous('/Schemas', {})).status).toBe(401);
    expect(
      (await world.ask('PUT', '/ServiceProviderConfig', { headers: { authorization: '' }, body: {} })).status,
    ).toBe(401);
  });

  it('says so to those who may ask only', async () => {
    const headers = { authorization: 'Bearer nobody' };
    expect((await world.ask('PUT', '/Users', { headers, body: {} })).status).toBe(401);
    expect((await world.ask('OPTIONS', '/Users', { headers })).status).toBe(401);
  });

  it('answers HEAD as GET, without the body', async () => {
    const { id } = await world.newUser();
    for (const path of ['/Users', `/Users/${id}`, '/Groups', '/ServiceProviderConfig', '/Schemas']) {
      const [head, get] = [await world.ask('HEAD', path), await world.ask('GET', path)];
      expect([path, head.status, head.text]).toEqual([path, 200, '']);
      for (const name of ['content-type', 'content-length', 'etag']) expect(head.headers[name]).toBe(get.headers[name]);
    }
  });
});

describe('an answer', () => {
  it('is application/json for who accepts only that, and 406 where neither is accepted', async () => {
    const { id } = await world.newUser();
    await world.appended();
    for (const [accept, type] of [
      ['application/json', 'application/json'],
      ['application/scim+json', 'application/scim+json'],
      ['text/html, */*;q=0.1', 'application/scim+json'],
    ] as const) {
      const answer = await world.ask('GET', `/Users/${id}`, { headers: { accept } });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, `${type}; charset=utf-8`]);
      for (const [method, path, status] of [
        ['GET', '/Users/nobody', 404],
        ['GET', '/Users?filter=x', 400],
        ['POST', '/Users', 400],
        ['GET', '/Nothing', 404],
        ['PUT', '/Schemas', 405],
      ] as const) {
        const refusal = await world.ask(method, path, {
          headers: { accept },
          body: method === 'POST' ? [] : undefined,
        });
        const [said] = String(refusal.headers['content-type']).split(';');
        expect([path, refusal.status, said]).toEqual([path, status, type]);
      }
    }
    const headers = { accept: 'application/xml' };
    for (const [method, path, body] of [
      ['GET', '/Users', undefined],
      ['POST', '/Users', { userName: newName() }],
      ['PATCH', `/Users/${id}`, off],
      ['POST', '/Bulk', {}],
      ['GET', '/Schemas', undefined],
    ] as const) {
      const answer = await world.ask(method, path, { headers, body });
      expect([path, answer.status, answer.body.schemas]).toEqual([path, 406, [errorSchema]]);
    }
    expect(await world.appended()).toEqual([]);
  });

  it('to every method shows the attributes that were asked for, and those that are always shown', async () => {
    const body = { userName: newName(), displayName: 'Ada', title: 'Countess' };
    const shown = (answer: { body: Json }) => Object.keys(answer.body).toSorted();
    const created = await world.ask('POST', '/Users?attributes=displayName', { body });
    expect(shown(created)).toEqual(['displayName', 'id', 'schemas']);
    const path = `/Users/${created.body.id}`;
    for (const [method, sent] of [
      ['GET', undefined],
      ['PUT', body],
      ['PATCH', patch({ op: 'replace', path: 'title', value: 'Lady' })],
    ] as const) {
      expect(shown(await world.ask(method, `${path}?attributes=displayName`, { body: sent }))).toEqual(shown(created));
      const without = await world.ask(method, `${path}?excludedAttributes=displayName,meta`, { body: sent });
      expect(shown(without)).toEqual(['active', 'id', 'schemas', 'title', 'userName']);
    }
    const group = { displayName: 'G', members: [{ value: created.body.id }] };
    const bare = await world.ask('POST', '/Groups?excludedAttributes=members', { body: group });
    expect(shown(bare)).toEqual(['displayName', 'id', 'meta', 'schemas']);
    expect(bare.headers.location).toBe(bare.body.meta.location);
  });

  it('carries the version and the place of what was written', async () => {
    const created = await world.ask('POST', '/Users', { body: { userName: newName() } });
    const { location } = created.body.meta;
    const path = `/Users/${created.body.id}`;
    const answers = [
      created,
      await world.ask('PUT', path, { body: { userName: created.body.userName, title: 'x' } }),
      await world.ask('PATCH', path, { body: off }),
      await world.ask('GET', path),
    ];
    for (const { headers, body } of answers) {
      expect(headers.etag).toBe(body.meta.version);
      expect(body.meta).toEqual({
        resourceType: 'User',
        created: expect.stringMatching(/Z$/),
        lastModified: expect.stringMatching(/Z$/),
        location,
        version: expect.stringMatching(/^W\/"\d+"$/),
      });
    }
    expect(answers.map(({ headers }) => headers.etag)).toEqual(['W/"0"', 'W/"1"', 'W/"2"', 'W/"2"']);
    expect(answers.slice(0, 3).map(({ headers }) => headers.location)).toEqual([location, location, location]);
  });
});

describe('a version', () => {
  it('in a bulk request guards as If-Match does', async () => {
    const { id, meta } = await world.newUser();
    const bulk = (version: string) =>
      world.ask('POST', '/Bulk', {
        body: {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
          Operations: [{ method: 'PATCH', path: `/Users/${id}`, version, data: off }],
        },
      });
    await world.appended();
    expect((await bulk('W/"7"')).body.Operations).toMatchObject([{ status: '412' }]);
    expect(await world.appended()).toEqual([]);
    expect((await bulk(meta.version)).body.Operations).toMatchObject([{ status: '200', version: 'W/"1"' }]);
  });
});

describe('a search at the root', () => {
  const found = async (more: object): Promise<Json> => {
    const answer = await world.ask('POST', '/.search', { body: searchRequest(more), as: 'lenient-globex' });
    expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
    return answer.body;
  };
  const kinds = (body: Json) => body.Resources.map(({ meta, displayName }: Json) => [meta.resourceType, displayName]);

  beforeAll(async () => {
    const as = 'lenient-globex';
    const make = async (path: string, body: object) => (await world.ask('POST', path, { as, body })).body.id;
    const owner = await make('/Users', { userName: newName(), displayName: 'One' });
    await make('/Users', { userName: newName(), displayName: 'Two' });
    await make('/Groups', { displayName: 'One', members: [{ value: owner }] });
    await make('/Agents', { agentUserName: 'bot', displayName: 'One', owners: [{ value: owner }] });
  });

  it('looks at users, groups and agents', async () => {
    const body = await found({});
    expect(body).toMatchObject({ totalResults: 4, startIndex: 1, itemsPerPage: 4 });
    expect(kinds(body)).toEqual([
      ['User', 'One'],
      ['User', 'Two'],
      ['Group', 'One'],
      ['Agent', 'One'],
    ]);
  });

  it.each([
    ['displayName eq "one"', ['User', 'Group', 'Agent']],
    ['agentUserName eq "bot"', ['Agent']],
    ['members pr', ['Group']],
    ['userName pr or agentUserName pr', ['User', 'User', 'Agent']],
    ['not (userName pr)', ['Group', 'Agent']],
    ['emails[type eq "work"] or meta.resourceType eq "Group"', ['Group']],
    ['nothing eq "x"', []],
    ['owners.value ne "x" and displayName eq "two"', ['User']],
  ])('finds %s, where what a type does not have has no value', async (filter, types) => {
    expect(kinds(await found({ filter })).map(([type]: string[]) => type)).toEqual(types);
  });

  it('is cut into pages by index and by cursor', async () => {
    expect(kinds(await found({ startIndex: 2, count: 2 }))).toEqual([
      ['User', 'Two'],
      ['Group', 'One'],
    ]);
    const seen: Json[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const body: Json = await found({ cursor, count: 1 });
      expect(body.totalResults).toBe(4);
      seen.push(...kinds(body));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(kinds(await found({})));
  });
});

// What a write promises: races have one winner, versions hold, and no 2xx is early.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NotYetVisible } from '@app/event-log';
import { errorSchema, newName, off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

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
    const users = await Promise.all(Array.from({ length: 60 }, () => world.newUser()));
    const ids: string[] = users.map(({ id }) => id);
    const group = await world.create('/Groups', {
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
    const { id, meta } = await world.newUser();
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
    const { id } = await world.newUser({ displayName: 'Ada' });
    await world.appended();
    const answer = await world.ask('PATCH', `/Users/${id}`, {
      body: patch({ op: 'replace', value: { displayName: 'Ada', active: 'True' } }),
    });
    expect([answer.status, answer.headers.etag, answer.body.meta.version]).toEqual([200, 'W/"0"', 'W/"0"']);
    expect(await world.appended()).toEqual([]);
  });

  it('answer 304 to who has the newest, the resource to who has not', async () => {
    const { id, meta } = await world.newUser();
    const ask = (tag: string) => world.ask('GET', `/Users/${id}`, { headers: { 'if-none-match': tag } });
    for (const tag of [meta.version, `"0"`, `W/"7", ${meta.version}`, '*']) {
      expect(await ask(tag)).toMatchObject({ status: 304, text: '', headers: { etag: 'W/"0"' } });
    }
    expect((await ask('W/"7"')).status).toBe(200);
  });

  it('differ as soon as what is shown with a resource does, though nothing was written to it', async () => {
    const user = await world.newUser({ displayName: 'Ada' });
    const group = await world.create('/Groups', { displayName: 'Eng', members: [{ value: user.id }] });
    const tagged = async (path: string) => {
      const { headers, body } = await world.ask('GET', path);
      expect(body.meta.version).toBe(headers.etag);
      return headers.etag as string;
    };
    const again = async (path: string, tag: string) =>
      (await world.ask('GET', path, { headers: { 'if-none-match': tag } })).status;
    const [ofUser, ofGroup] = [await tagged(`/Users/${user.id}`), await tagged(`/Groups/${group.id}`)];
    expect([ofUser, ofGroup]).toEqual([
      expect.stringMatching(/^W\/"0-[\w-]{12}"$/),
      expect.stringMatching(/^W\/"1-[\w-]{12}"$/),
    ]);
    expect([await again(`/Users/${user.id}`, ofUser), await again(`/Groups/${group.id}`, ofGroup)]).toEqual([304, 304]);
    expect(await again(`/Users/${user.id}?attributes=userName`, ofUser)).toBe(200);

    const rename = patch({ op: 'replace', path: 'displayName', value: 'Augusta Ada' });
    expect((await world.ask('PATCH', `/Users/${user.id}`, { body: rename })).status).toBe(200);
    expect(await again(`/Groups/${group.id}`, ofGroup)).toBe(200);

    const renamed = await tagged(`/Users/${user.id}`);
    expect((await world.ask('DELETE', `/Groups/${group.id}`)).status).toBe(204);
    expect(await again(`/Users/${user.id}`, renamed)).toBe(200);
    expect(await tagged(`/Users/${user.id}`)).toBe('W/"1"');
  });

  it('are demanded of a write as they were shown, whatever the resource was shown with', async () => {
    const user = await world.newUser();
    const { id, meta } = await world.create('/Groups', { displayName: 'Ops', members: [{ value: user.id }] });
    const rename = (displayName: string, tag: string) =>
      world.ask('PATCH', `/Groups/${id}`, {
        body: patch({ op: 'replace', path: 'displayName', value: displayName }),
        headers: { 'if-match': tag },
      });
    const first = await rename('Ops 2', meta.version);
    expect([first.status, first.headers.etag]).toEqual([204, 'W/"2"']);
    expect((await rename('Ops 3', meta.version)).status).toBe(412);
    expect((await rename('Ops 3', `"9-x", ${first.headers.etag as string}`)).status).toBe(204);
  });

  it.each([
    ['the version', 'W/"0"', 200],
    ['any version', '*', 200],
    ['a list that has the version', 'W/"5", W/"0"', 200],
    ['a list that has it not', 'W/"5", W/"6"', 412],
    ['another version', 'W/"5"', 412],
    ['no version at all', 'nonsense', 412],
  ])('in If-Match: %s', async (_, tag, status) => {
    const { id } = await world.newUser();
    const answer = await world.ask('PUT', `/Users/${id}`, {
      body: { userName: newName(), active: true },
      headers: { 'if-match': tag },
    });
    expect(answer.status).toBe(status);
  });

  it.each([
    ['the version', 'W/"0"', 412],
    ['any version', '*', 412],
    ['a list that has the version', '"3", "0"', 412],
    ['another version', 'W/"5"', 200],
  ])('in If-None-Match of a write: %s', async (_, tag, status) => {
    const { id } = await world.newUser();
    await world.appended();
    const headers = { 'if-none-match': tag };
    expect((await world.ask('PATCH', `/Users/${id}`, { body: off, headers })).status).toBe(status);
    expect(await world.appended()).toHaveLength(status === 200 ? 1 : 0);
    if (status === 412) expect((await world.ask('DELETE', `/Users/${id}`, { headers })).status).toBe(412);
  });

  it('that a reader demands are shown, or none is', async () => {
    const { id } = await world.newUser();
    const ask = (tag: string) => world.ask('GET', `/Users/${id}`, { headers: { 'if-match': tag } });
    expect([(await ask('W/"0"')).status, (await ask('*')).status, (await ask('W/"4"')).status]).toEqual([
      200, 200, 412,
    ]);
  });

  it('guard a deletion', async () => {
    const { id } = await world.newUser();
    const remove = (tag: string) => world.ask('DELETE', `/Users/${id}`, { headers: { 'if-match': tag } });
    expect((await remove('W/"9"')).status).toBe(412);
    expect((await remove('W/"0"')).status).toBe(204);
    expect((await remove('*')).status).toBe(404);
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
    const { id } = await world.create('/Groups', { displayName: 'Quiet' });
    const body = patch({ op: 'replace', path: 'displayName', value: 'Loud' });
    expect(await world.ask('PATCH', `/Groups/${id}`, { body })).toMatchObject({ status: 204, text: '' });
    expect(await world.ask('PATCH', `/Groups/${id}?attributes=displayName`, { body })).toMatchObject({
      status: 200,
      body: { id, displayName: 'Loud' },
    });
  });

  it('to HEAD have the headers of GET and no body; to OPTIONS the methods', async () => {
    const { id } = await world.newUser();
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
    const { id } = await world.newUser();
    await world.appended();
    world.readModels.held = new NotYetVisible('behind');
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
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer realm=/),
      ]);
    }
  });
});

describe('quirks', () => {
  it('are counted by the connection they are met on, once per request', async () => {
    const { id } = await world.newUser();
    const before = (await world.quirks('lenient-acme'))['boolean-as-string'] ?? 0;
    const body = patch({ op: 'replace', path: 'active', value: 'False' });
    await world.ask('PATCH', `/Users/${id}`, { body });
    await world.ask('PATCH', `/Users/${id}`, { body });
    expect((await world.quirks('lenient-acme'))['boolean-as-string']).toBe(before + 2);
    expect(await world.quirks('strict-acme')).toEqual({});
  });
});

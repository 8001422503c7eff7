// Bulk requests: references, refusals and limits.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorSchema, newName, off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

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
      { method: 'POST', bulkId: 'g', status: '201', version: expect.stringMatching(/^W\/"1-/) },
      {
        method: 'POST',
        bulkId: 'u',
        status: '201',
        location: expect.stringMatching(/^http:\/\/scim\.test\/scim\/v2\/Users\//),
      },
      { method: 'PATCH', status: '200', version: expect.stringMatching(/^W\/"1-/) },
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

  it('says where each resource is, also where its operation was refused or answered without a body', async () => {
    const { id, meta } = await world.newUser();
    const team = await world.create('/Groups', { displayName: 'Team' });
    const { body } = await bulk([
      { method: 'PATCH', path: `/Users/${id}`, version: 'W/"9"', data: off },
      {
        method: 'PATCH',
        path: `/Groups/${team.id}`,
        data: patch({ op: 'add', path: 'members', value: [{ value: id }] }),
      },
      { method: 'DELETE', path: `/Users/${id}` },
      { method: 'POST', path: '/Users', bulkId: 'x', data: {} },
      { method: 'PUT', path: '/Users/bulkId:x', data: { userName: 'x' } },
      { method: 'DELETE', path: '/Printers/1' },
    ]);
    expect(body.Operations.map(({ status, location }: Json) => [status, location])).toEqual([
      ['412', meta.location],
      ['204', team.meta.location],
      ['204', meta.location],
      ['400', undefined],
      ['400', undefined],
      ['404', undefined],
    ]);
  });

  it('refuses an operation that cannot be read in its place, and runs the others', async () => {
    const { id } = await world.newUser();
    const [other, third] = [await world.newUser(), await world.newUser()];
    const { status, body } = await bulk([
      { method: 'DELETE', path: `/Users/${other.id}`, version: 0 },
      { method: 'POST', path: '/Users', data: { userName: 'without-bulk-id' } },
      { method: 'GET', path: `/Users/${third.id}` },
      { method: 'DELETE', path: `/Users/${third.id}/` },
      { method: 'PUT', path: `/Users/${third.id}` },
      { method: 'POST', path: '/Users', bulkId: 'twice', data: { userName: 'twice-1' } },
      { method: 'POST', path: '/Users', bulkId: 'twice', data: { userName: 'twice-2' } },
      { method: 'PATCH', path: `/Users/${id}`, data: off },
    ]);
    expect(status).toBe(200);
    expect(body.Operations.map((one: Json) => [one.status, one.response?.scimType])).toEqual([
      ['400', 'invalidSyntax'],
      ['400', 'invalidSyntax'],
      ['400', 'invalidSyntax'],
      ['400', 'invalidPath'],
      ['400', 'invalidSyntax'],
      ['201', undefined],
      ['400', 'invalidSyntax'],
      ['200', undefined],
    ]);
    expect((await world.ask('GET', `/Users/${id}`)).body.active).toBe(false);
    expect((await world.ask('GET', `/Users/${other.id}`)).status).toBe(200);
  });

  it('reads a path as the URL it is: what is encoded is decoded once and separates nothing', async () => {
    const encoded = async () => {
      const { id } = await world.newUser();
      return [id as string, (id as string).replaceAll('-', '%2D')] as const;
    };
    const [[a, asA], [b, asB], [c, asC]] = [await encoded(), await encoded(), await encoded()];
    const { body } = await bulk([
      { method: 'PATCH', path: `/Users/${asA}`, data: off },
      { method: 'PATCH', path: `/%55sers/${asB}`, data: off },
      { method: 'POST', path: '/Groups', bulkId: 'a b', data: { displayName: newName() } },
      { method: 'DELETE', path: '/Groups/bulkId%3Aa%20b' },
      { method: 'DELETE', path: `/Users/${asC.replaceAll('%', '%25')}` },
      { method: 'DELETE', path: `/Users%2F${c}` },
      { method: 'DELETE', path: `/Users/${c}%2Fx` },
      { method: 'DELETE', path: `/Users/${c}%` },
      { method: 'DELETE', path: `/Users/${c}%C3` },
    ]);
    expect(body.Operations.map((one: Json) => [one.status, one.response?.scimType])).toEqual([
      ['200', undefined],
      ['200', undefined],
      ['201', undefined],
      ['204', undefined],
      ['404', undefined],
      ['400', 'invalidPath'],
      ['404', undefined],
      ['400', 'invalidPath'],
      ['400', 'invalidPath'],
    ]);
    for (const id of [a, b]) expect((await world.ask('GET', `/Users/${id}`)).body.active).toBe(false);
    expect((await world.ask('GET', `/Users/${c}`)).status).toBe(200);
  });

  it('counts an operation that cannot be read as an error', async () => {
    const { id } = await world.newUser();
    const { body } = await bulk(
      [
        { method: 'POST', path: '/Users' },
        { method: 'DELETE', path: `/Users/${id}` },
      ],
      {
        failOnErrors: 1,
      },
    );
    expect(body.Operations).toHaveLength(1);
    expect((await world.ask('GET', `/Users/${id}`)).status).toBe(200);
  });

  it('refers to what it creates in the filter of a path as well', async () => {
    const group = await world.create('/Groups', { displayName: 'By bulkId' });
    const { body } = await bulk([
      { method: 'POST', path: '/Users', bulkId: 'new', data: { userName: 'comes-and-goes' } },
      {
        method: 'PATCH',
        path: `/Groups/${group.id}`,
        data: patch({ op: 'add', path: 'members', value: [{ value: 'bulkId:new' }] }),
      },
      {
        method: 'PATCH',
        path: `/Groups/${group.id}`,
        data: patch({ op: 'remove', path: 'members[value eq "bulkId:new"]' }),
      },
    ]);
    expect(body.Operations.map((one: Json) => one.status)).toEqual(['201', '204', '204']);
    const { body: now } = await world.ask('GET', `/Groups/${group.id}`);
    expect([now.members, now.meta.version]).toEqual([undefined, 'W/"2"']);
  });

  it('reads the names of its fields whatever their case', async () => {
    const { id } = await world.newUser();
    const body = { schemas: [bulkRequest], operations: [{ Method: 'DELETE', PATH: `/Users/${id}` }] };
    const answer = await world.ask('POST', '/Bulk', { body });
    expect(answer.body.Operations).toMatchObject([{ status: '204' }]);
  });

  it('says what it is on a strict connection', async () => {
    const body = { Operations: [{ method: 'DELETE', path: '/Users/nobody' }] };
    const answer = await world.ask('POST', '/Bulk', { body, as: 'strict-acme' });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidSyntax']);
    expect((await world.ask('POST', '/Bulk', { body })).status).toBe(200);
  });

  it('has at most the stated number of operations', async () => {
    const answer = await bulk(Array.from({ length: 101 }, () => ({ method: 'DELETE', path: '/Users/nobody' })));
    expect([answer.status, answer.body.scimType]).toEqual([413, 'tooMany']);
  });
});

// A SCIM token works on what its own connection provisioned, and on nothing else in the tenant.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, off, openScim, patch, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

let scim: ScimWorld;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());

const OTHER: Connection = 'strict-acme';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

const user = async (as: Connection, more: object = {}): Promise<Json> => {
  const { status, body } = await scim.ask('POST', '/Users', {
    body: { schemas: [USER], userName: newName(), ...more },
    as,
  });
  expect(status).toBe(201);
  return body;
};

describe('what another connection of the tenant provisioned', () => {
  it.each([
    ['Users', async () => (await scim.newUser({ displayName: 'Ada' })).id as string],
    ['Groups', async () => (await scim.create('/Groups', { displayName: 'Ops' })).id as string],
    [
      'Agents',
      async () => {
        const owners = [{ value: (await scim.newUser()).id, type: 'User' }];
        return (await scim.create('/Agents', { agentUserName: newName(), owners })).id as string;
      },
    ],
  ])('cannot be read, listed, changed or deleted: %s', async (type, make) => {
    const id = await make();
    // Asked by its own connection first: a kept answer must not be for the other one.
    expect((await scim.ask('GET', `/${type}/${id}`)).status).toBe(200);
    expect((await scim.ask('GET', `/${type}`)).body.totalResults).toBeGreaterThan(0);
    await scim.appended();
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', { schemas: [USER], userName: newName(), displayName: 'x' }],
      ['PATCH', off],
      ['PATCH', patch({ op: 'add', path: 'externalId', value: 'x' })],
      ['DELETE', undefined],
    ] as const) {
      expect([method, (await scim.ask(method, `/${type}/${id}`, { body, as: OTHER })).status]).toEqual([method, 404]);
    }
    const ifMatch = { 'if-match': 'W/"0"' };
    expect((await scim.ask('DELETE', `/${type}/${id}`, { as: OTHER, headers: ifMatch })).status).toBe(404);
    for (const query of [
      '',
      '?startIndex=1&count=5',
      '?cursor',
      `?filter=id eq "${id}"`,
      '?filter=id pr',
      '?sortBy=id',
    ]) {
      const listed = await scim.ask('GET', `/${type}${query}`, { as: OTHER });
      expect([query, listed.body.totalResults]).toEqual([query, 0]);
    }
    expect((await scim.ask('POST', '/.search', { body: search, as: OTHER })).body.totalResults).toBe(0);
    expect(await scim.appended()).toEqual([]);
    expect((await scim.ask('GET', `/${type}/${id}`)).status).toBe(200);
  });

  it('is found by no name, and keeps its name all the same', async () => {
    const userName = newName();
    const { id } = await scim.newUser({ userName, externalId: 'shared' });
    for (const filter of [`userName eq "${userName}"`, 'externalId eq "shared"']) {
      expect((await scim.ask('GET', `/Users?filter=${filter}`, { as: OTHER })).body.totalResults).toBe(0);
      expect((await scim.ask('GET', `/Users?filter=${filter}`)).body.Resources[0].id).toBe(id);
    }
    const body = { schemas: [USER], userName: userName.toUpperCase() };
    const taken = await scim.ask('POST', '/Users', { body, as: OTHER });
    expect([taken.status, taken.body.scimType]).toEqual([409, 'uniqueness']);
  });

  it('cannot become a member or an owner', async () => {
    const { id } = await scim.newUser();
    const mine = await user(OTHER);
    const group = { schemas: [GROUP], displayName: 'Theirs', members: [{ value: id }] };
    expect((await scim.ask('POST', '/Groups', { body: group, as: OTHER })).status).toBe(400);
    const own = { ...group, members: [{ value: mine.id }] };
    const { body } = await scim.ask('POST', '/Groups', { body: own, as: OTHER });
    const add = patch({ op: 'add', path: 'members', value: [{ value: id }] });
    expect((await scim.ask('PATCH', `/Groups/${body.id}`, { body: add, as: OTHER })).status).toBe(400);
    const agent = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Agent'],
      agentUserName: newName(),
      owners: [{ value: id, type: 'User' }],
    };
    expect((await scim.ask('POST', '/Agents', { body: agent, as: OTHER })).status).toBe(400);
  });
});

const search = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
  filter: 'id pr',
};

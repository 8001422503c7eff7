// Lists: filters, order, pages and what is shown.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openScim, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

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

  it('answer a question at the root as they answer a search there', async () => {
    const filter = 'userName sw "list-" or displayName eq "Nobody"';
    const body = { Schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], Filter: filter, COUNT: 2 };
    const searched = await world.ask('POST', '/.search', { as, body });
    const asked = await world.ask('GET', `?filter=${encodeURIComponent(filter)}&count=2`, { as });
    expect([asked.status, asked.body.totalResults, asked.body.itemsPerPage]).toEqual([200, 5, 2]);
    expect(asked.body).toEqual(searched.body);
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

  it('find groups by everything that is shown of a member', async () => {
    const [user] = (await listed('filter=userName%20eq%20%22list-b%22')).Resources;
    const make = async (displayName: string, value: string): Promise<string> =>
      (await world.ask('POST', '/Groups', { as, body: { displayName, members: [{ value }] } })).body.id;
    await make('Around', await make('Within', user.id));
    const groups = async (filter: string): Promise<string[]> => {
      const answer = await world.ask('GET', `/Groups?filter=${encodeURIComponent(filter)}`, { as });
      return answer.body.Resources.map(({ displayName }: Json) => displayName);
    };
    const found: [string, string[]][] = [
      ['members.type eq "Group"', ['Around']],
      ['members[type eq "User" and display eq "list-b"]', ['Within']],
      ['members.display sw "with"', ['Around']],
      [`members.$ref ew "/Users/${user.id}"`, ['Within']],
      [`members.value sw "${user.id}" and not (members.type eq "Group")`, ['Within']],
      [`members.value ne "${user.id}" and members.type eq "User"`, ['Listed']],
    ];
    for (const [filter, names] of found) expect([filter, await groups(filter)]).toEqual([filter, names]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompiledQuery } from 'kysely';
import { Directory } from '../directory.fixture.js';
import { ListUsers, type Listing, type UserWithGroups } from '../directory.queries.js';
import { ChangeUser } from '../user.commands.js';

let directory: Directory;
const COUNT = 2_300;
const names = Array.from({ length: COUNT }, (_, i) => `user${i}`);

beforeAll(async () => {
  directory = await Directory.open({ policy: false });
  for (let start = 0; start < COUNT; start += 100) {
    await Promise.all(names.slice(start, start + 100).map((name, i) => directory.user(name, { n: start + i })));
  }
  await directory.user('foreign', { tenant: 'globex' });
});
afterAll(() => directory.close());

const ask = (listing: Partial<Listing<UserWithGroups>>) =>
  directory.ask(new ListUsers('acme', { offset: 0, limit: 3, ...listing }, true, 'okta'));
const n = (user: UserWithGroups) => user.attributes.n as number;
const numbers = async (listing: Partial<Listing<UserWithGroups>>) => {
  const { total, items } = await ask(listing);
  return [total, items.map(n)];
};

describe('a listing', () => {
  it('pages through all in the order of creation', async () => {
    expect(await numbers({})).toEqual([COUNT, [0, 1, 2]]);
    expect(await numbers({ offset: COUNT - 2 })).toEqual([COUNT, [COUNT - 2, COUNT - 1]]);
    expect(await numbers({ offset: COUNT })).toEqual([COUNT, []]);
    expect(await numbers({ limit: 0 })).toEqual([COUNT, []]);
  });

  it('keeps its order when the oldest is changed', async () => {
    const [first] = (await ask({ limit: 1 })).items;
    const touch = (user: { attributes: object; active: boolean }) => ({
      attributes: { ...user.attributes, touched: true },
      active: user.active,
      changed: ['touched'],
    });
    await directory.run(new ChangeUser(directory.request(), first?.id as string, touch));
    expect(await numbers({})).toEqual([COUNT, [0, 1, 2]]);
  });

  it('looks at every candidate where it must, and counts those that match', async () => {
    const even = (user: UserWithGroups) => n(user) % 2 === 0;
    expect(await numbers({ matches: even, offset: 600 })).toEqual([COUNT / 2, [1200, 1202, 1204]]);
    expect(await numbers({ matches: () => false })).toEqual([0, []]);
  });

  it('goes on at a place, at the same cost however deep it lies', async () => {
    const deep = (await ask({ offset: COUNT - 10, limit: 1 })).items[0]?.seq as number;
    const from = { seq: deep, index: 0, direction: 'after' } as const;
    expect(await numbers({ from })).toEqual([COUNT, [COUNT - 9, COUNT - 8, COUNT - 7]]);
    expect(await numbers({ from: { ...from, direction: 'before', total: 7 } })).toEqual([
      7,
      [COUNT - 13, COUNT - 12, COUNT - 11],
    ]);
    for (const [sign, order] of [
      ['>', 'ASC'],
      ['<', 'DESC'],
    ]) {
      const page = (scope: string) =>
        explain(`select * from "users" where ${scope} and seq ${sign} 5 order by seq ${order} limit 4`);
      expect(await page(`tenant = 'acme'`)).toMatch(/^SEARCH users USING INDEX users_seq \(tenant=\? AND seq[<>]\?\)$/);
      expect(await page(`tenant = 'acme' and connection_id = 'okta'`)).toMatch(
        /^SEARCH users USING INDEX users_connection \(tenant=\? AND connection_id=\? AND seq[<>]\?\)$/,
      );
    }
  });

  it('counts what a connection provisioned in an index alone', async () => {
    const plan = await explain(`select count(*) as n from "users" where tenant = 'acme' and connection_id = 'okta'`);
    expect(plan).toMatch(/^SEARCH users USING COVERING INDEX users_connection \(tenant=\? AND connection_id=\?\)$/);
  });

  it('sorts what matches', async () => {
    const order = (a: UserWithGroups, b: UserWithGroups) => n(b) - n(a);
    expect(await numbers({ order })).toEqual([COUNT, [COUNT - 1, COUNT - 2, COUNT - 3]]);
    expect(await numbers({ order, matches: (user) => n(user) < 5, offset: 1 })).toEqual([5, [3, 2, 1]]);
  });

  it('narrows by an index first and by the predicate then', async () => {
    const equals = { attribute: 'userName', value: 'USER42' } as const;
    expect(await numbers({ equals })).toEqual([1, [42]]);
    expect(await numbers({ equals, matches: () => false })).toEqual([0, []]);
    expect(await numbers({ equals: { attribute: 'userName', value: 'foreign' } })).toEqual([0, []]);
    expect(await numbers({ equals: { attribute: 'members', value: 'x' } })).toEqual([0, []]);
  });

  it.each([
    ['user_name_ci', 'users_user_name'],
    ['external_id', 'users_external_id'],
    ['display_name_ci', 'users_display_name'],
    ['user_id', 'users_pk|sqlite_autoindex_users_1'],
  ])('finds by %s through an index, never by a scan', async (column, index) => {
    const plan = await explain(`select * from users where tenant = 'acme' and ${column} = 'x'`);
    expect(plan).toMatch(new RegExp(`SEARCH users USING INDEX (${index}) \\(tenant=\\? AND ${column}=\\?\\)`));
    expect(plan).not.toMatch(/SCAN/);
  });

  it('finds the groups of a member through an index', async () => {
    const plan = await explain(`select * from groups where tenant = 'acme' and
      group_id in (select group_id from members where tenant = 'acme' and member_id = 'x')`);
    expect(plan).toMatch(/SEARCH members USING COVERING INDEX members_member \(tenant=\? AND member_id=\?\)/);
    expect(plan).toMatch(/SEARCH groups USING INDEX sqlite_autoindex_groups_1 \(tenant=\? AND group_id=\?\)/);
    expect(plan).not.toMatch(/SCAN/);
  });
});

async function explain(query: string): Promise<string> {
  const { rows } = await directory.db.executeQuery<{ detail: string }>(
    CompiledQuery.raw(`explain query plan ${query}`),
  );
  return rows.map((row) => row.detail).join('\n');
}

// Pages by cursor: they add up whatever happens meanwhile, and a cursor opens nothing but what it was made for.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openScim, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
const names = Array.from({ length: 11 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
beforeAll(async () => {
  world = await openScim();
  for (const [i, userName] of names.entries()) await world.newUser({ userName, title: i % 2 === 0 ? 'even' : 'odd' });
});
afterAll(() => world.close());

const ask = (query: string, as: Connection = 'lenient-acme') => world.ask('GET', `/Users?${query}`, { as });
const namesOf = (body: Json): string[] => (body.Resources ?? []).map(({ userName }: Json) => userName);
const on = (query: string, cursor: string) => ask(`${query}&cursor=${cursor}`);

/** Every page from the first on. */
async function walk(query: string): Promise<Json[]> {
  const pages = [(await on(query, '')).body];
  for (let next = pages[0].nextCursor; next !== undefined; next = pages.at(-1).nextCursor) {
    pages.push((await on(query, next)).body);
  }
  return pages;
}

const sorted = 'sortBy=userName&sortOrder=descending';
const odd = 'filter=title%20eq%20%22odd%22';

describe('pages by cursor', () => {
  it.each([
    ['of everything', '', names],
    ['of what matches', odd, names.filter((_, i) => i % 2 === 1)],
    ['in an order', sorted, names.toReversed()],
    ['of what an index finds', 'filter=userName%20eq%20%22PAGE-03%22', ['page-03']],
    ['of nothing', 'filter=userName%20eq%20%22nobody%22', []],
  ])('%s: add up, forwards and backwards', async (_, query, expected) => {
    const pages = await walk(`count=3&${query}`);
    expect(pages.flatMap(namesOf)).toEqual(expected);
    expect(new Set(pages.map(({ totalResults }) => totalResults))).toEqual(new Set([expected.length]));
    expect(pages.every(({ startIndex }) => startIndex === undefined)).toBe(true);
    expect(pages[0].previousCursor).toBeUndefined();

    const back: string[][] = [namesOf(pages.at(-1))];
    for (let cursor = pages.at(-1).previousCursor; cursor !== undefined;) {
      const { body } = await on(`count=3&${query}`, cursor);
      expect(body.nextCursor).toEqual(expect.any(String));
      back.unshift(namesOf(body));
      cursor = body.previousCursor;
    }
    expect(back.flat()).toEqual(expected);
  });

  it('are asked for by a search as well', async () => {
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], count: 9, cursor: '' };
    const first = (await world.ask('POST', '/Users/.search', { body })).body;
    const second = (await world.ask('POST', '/Users/.search', { body: { ...body, cursor: first.nextCursor } })).body;
    expect([...namesOf(first), ...namesOf(second)]).toEqual(names);
  });

  it.each(['0', '-1', 'many'])('refuse a count of %s: a page without a next cursor is the last one', async (count) => {
    const { status, body } = await ask(`count=${count}&cursor=`);
    expect([status, body.scimType]).toEqual([400, 'invalidCount']);
  });

  it.each([
    ['in the order of creation', ''],
    ['in another order', sorted],
  ])('miss nobody and repeat nobody when the last of a page is deleted, %s', async (_, query) => {
    const some = await Promise.all([1, 2, 3, 4, 5].map((n) => world.newUser({ userName: `gone-${n}`, title: 'gone' })));
    const mine = `count=2&filter=title%20eq%20%22gone%22&${query}`;
    const first = (await on(mine, '')).body;
    await world.ask('DELETE', `/Users/${first.Resources[1].id}`);
    const second = (await on(mine, first.nextCursor)).body;
    const third = (await on(mine, second.nextCursor)).body;
    const seen = [first, second, third].flatMap(namesOf);
    expect(seen.toSorted()).toEqual(some.map(({ userName }) => userName).toSorted());
    expect(namesOf((await on(mine, second.previousCursor)).body)).toEqual(namesOf(first).slice(0, 1));
    for (const { id } of some) await world.ask('DELETE', `/Users/${id}`);
  });
});

describe('a cursor', () => {
  const mine = `count=2&${odd}`;
  const cursorOf = async (query: string): Promise<string> => (await on(query, '')).body.nextCursor;

  it('stands in a URL as it is', async () => {
    expect(await cursorOf(mine)).toMatch(/^[\w.-]+$/);
  });

  it('is good for its own question only', async () => {
    const cursor = await cursorOf(mine);
    expect((await on(`count=4&${odd}`, cursor)).status).toBe(200);
    for (const other of ['count=2', `count=2&filter=title%20eq%20%22even%22`, `${mine}&sortBy=userName`]) {
      const { status, body } = await on(other, cursor);
      expect([other, status, body.scimType]).toEqual([other, 400, 'invalidCursor']);
    }
    expect((await world.ask('GET', `/Groups?count=2&cursor=${await cursorOf('count=2')}`)).status).toBe(400);
  });

  it('is good for its own connection and tenant only', async () => {
    const cursor = await cursorOf(mine);
    for (const as of ['strict-acme', 'lenient-globex'] as const) {
      const { status, body } = await ask(`${mine}&cursor=${cursor}`, as);
      expect([status, body.scimType]).toEqual([400, 'invalidCursor']);
    }
  });

  it('is nothing that a client can make', async () => {
    const cursor = await cursorOf(mine);
    const [body = '', signature = ''] = cursor.split('.');
    const bent = Buffer.from('[0,1,-1,0,0,99999999999]').toString('base64url');
    const last = signature.endsWith('A') ? 'B' : 'A';
    for (const forged of [
      `${bent}.${signature}`,
      `${body}.${signature.slice(0, 21)}${last}`,
      body,
      `${cursor}.x`,
      'a'.repeat(5000),
      '%00',
      'W10.AAAAAAAAAAAAAAAAAAAAAA',
    ]) {
      const answer = await on(mine, forged);
      expect([forged, answer.status, answer.body.scimType]).toEqual([forged, 400, 'invalidCursor']);
      expect(answer.text).not.toContain(forged);
    }
  });

  it('ends when ServiceProviderConfig says', async () => {
    const { pagination } = (await world.ask('GET', '/ServiceProviderConfig')).body;
    expect(pagination).toEqual({
      index: true,
      cursor: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: 200,
      maxPageSize: 1000,
      cursorTimeout: 3600,
    });
    const cursor = await cursorOf(mine);
    world.clock.advance((pagination.cursorTimeout - 1) * 1000);
    expect((await on(mine, cursor)).status).toBe(200);
    world.clock.advance(1000);
    const { status, body } = await on(mine, cursor);
    expect([status, body.scimType]).toEqual([400, 'expiredCursor']);
  });
});

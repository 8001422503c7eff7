// A search at the root in an order: resources of all types together, those without a value at the end.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readResourceTypes } from '@app/scim';
import { openScim, patch, type Answered, type Json, type ScimWorld } from './scim-api.fixture.js';

const gate = {
  name: 'Gate',
  endpoint: '/Gates',
  schema: {
    id: 'urn:example:params:scim:schemas:core:2.0:Gate',
    name: 'Gate',
    attributes: [{ name: 'displayName', type: 'integer' }],
  },
};

let world: ScimWorld;
/** The resources by what the tests call them, each created a second after the one before. */
const made: Record<string, Json> = {};
const make = async (called: string, path: string, body: object): Promise<void> => {
  world.clock.advance(1_000);
  made[called] = await world.create(path, body);
};

beforeAll(async () => {
  world = await openScim({ types: readResourceTypes({ acme: [gate] }).types });
  await make('dora', '/Users', { userName: 'dora', displayName: 'Dora', externalId: 'x3', password: 'p4ssword!' });
  await make('anton', '/Users', { userName: 'Anton', externalId: 'x1' });
  await make('crew', '/Groups', { displayName: 'crew' });
  await make('app', '/AgenticApplications', { name: 'billing', displayName: 'Billing' });
  await make('bot', '/Agents', { agentUserName: 'bot', displayName: 'Bot', owners: [{ value: made['dora'].id }] });
  await make('gate', '/Gates', { displayName: 7, externalId: 'x2' });
  await make('emil', '/Users', { userName: 'emil', displayName: 'Emil' });
  world.clock.advance(1_000);
  const retitle = patch({ op: 'add', path: 'title', value: 'Countess' });
  await world.ask('PATCH', `/Users/${made['dora'].id}`, { body: retitle });
});
afterAll(() => world.close());

const search = (more: object): Promise<Answered> =>
  world.ask('POST', '/.search', {
    body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], ...more },
  });
const namesOf = ({ body }: Answered): string =>
  (body.Resources ?? []).map(({ id }: Json) => Object.keys(made).find((called) => made[called].id === id)).join(' ');

describe('a search at the root', () => {
  const byId = () => Object.keys(made).toSorted((a, b) => (made[a].id < made[b].id ? -1 : 1));

  it.each([
    ['displayName', 'gate app bot crew dora emil anton', 'anton emil dora crew bot app gate'],
    ['userName', 'anton dora emil crew bot app gate', 'crew bot app gate emil dora anton'],
    ['agentUserName', 'bot dora anton emil crew app gate', 'dora anton emil crew app gate bot'],
    ['externalId', 'anton gate dora emil crew bot app', 'emil crew bot app dora gate anton'],
    ['meta.resourceType', 'bot app gate crew dora anton emil', 'dora anton emil crew gate app bot'],
    ['meta.created', 'dora anton crew app bot gate emil', 'emil gate bot app crew anton dora'],
    ['meta.lastModified', 'anton crew app bot gate emil dora', 'dora emil gate bot app crew anton'],
  ])('is sorted by %s, upwards and downwards', async (sortBy, upwards, downwards) => {
    expect(namesOf(await search({ sortBy }))).toBe(upwards);
    expect(namesOf(await search({ sortBy, sortOrder: 'descending' }))).toBe(downwards);
  });

  it('is sorted by id', async () => {
    expect(namesOf(await search({ sortBy: 'id' }))).toBe(byId().join(' '));
    expect(namesOf(await search({ sortBy: 'ID', sortOrder: 'descending' }))).toBe(byId().toReversed().join(' '));
  });

  it('sorts what matches, and shows what was asked for', async () => {
    const filter = 'userName co "o" or agentUserName co "o"';
    const { body } = await search({ filter, sortBy: 'displayName', attributes: ['displayName'], count: 2 });
    expect(body.totalResults).toBe(3);
    expect(body.Resources).toEqual([
      { schemas: expect.any(Array), id: made['bot'].id, displayName: 'Bot' },
      { schemas: expect.any(Array), id: made['dora'].id, displayName: 'Dora' },
    ]);
    expect(namesOf(await search({ filter: 'externalId eq "x2"', sortBy: 'userName' }))).toBe('gate');
  });

  it.each([['displayName'], ['userName'], ['meta.lastModified']])(
    'by %s is cut into pages that add up, by index and by cursor',
    async (sortBy) => {
      const whole = namesOf(await search({ sortBy }));
      const pages: string[] = [];
      for (const startIndex of [1, 4, 7, 10]) {
        const page = await search({ sortBy, startIndex, count: 3 });
        expect(page.body).toMatchObject({ totalResults: 7, startIndex });
        pages.push(namesOf(page));
      }
      expect(pages.filter((page) => page !== '').join(' ')).toBe(whole);

      const walked = [await search({ sortBy, count: 3, cursor: '' })];
      for (let next = walked[0]?.body.nextCursor; next !== undefined; next = walked.at(-1)?.body.nextCursor) {
        walked.push(await search({ sortBy, count: 3, cursor: next }));
      }
      expect(walked.map(namesOf).join(' ')).toBe(whole);
      expect(walked.map(({ body }) => body.totalResults)).toEqual([7, 7, 7]);
      const back = await search({ sortBy, count: 3, cursor: walked[2]?.body.previousCursor });
      expect(namesOf(back)).toBe(namesOf(walked[1] as Answered));
      expect((await search({ sortBy, count: 0 })).body).toMatchObject({ totalResults: 7, itemsPerPage: 0 });
    },
  );

  it('goes on after the last one of a page, whatever its type, also when that one is gone', async () => {
    await make('zoe', '/Groups', { displayName: 'bravo' });
    const first = await search({ sortBy: 'displayName', count: 4, cursor: '' });
    expect(namesOf(first)).toBe('gate app bot zoe');
    await world.ask('DELETE', `/Groups/${made['zoe'].id}`);
    const second = await search({ sortBy: 'displayName', count: 4, cursor: first.body.nextCursor });
    expect(namesOf(second)).toBe('crew dora emil anton');
    delete made['zoe'];
  });

  it('takes a cursor for its own order only', async () => {
    const { nextCursor: cursor } = (await search({ sortBy: 'displayName', count: 2, cursor: '' })).body;
    for (const other of [{}, { sortBy: 'userName' }, { sortBy: 'displayName', sortOrder: 'descending' }]) {
      const { status, body } = await search({ ...other, count: 2, cursor });
      expect([status, body.scimType]).toEqual([400, 'invalidCursor']);
    }
  });

  it.each([
    ['nothing', 'invalidPath'],
    ['password', 'invalidPath'],
    ['meta', 'invalidPath'],
    ['a b', 'invalidPath'],
    [7, 'invalidValue'],
  ])('is refused in the order of %s', async (sortBy, scimType) => {
    const { status, body } = await search({ sortBy });
    expect([status, body.scimType]).toEqual([400, scimType]);
  });

  it('is refused in an order that is none', async () => {
    const { status, body } = await search({ sortBy: 'id', sortOrder: 'upwards' });
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
  });
});

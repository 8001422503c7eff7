import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { catalog, type EventData, type EventType, type MemberRef, type RecordedEvent } from '@app/events';
import { openPostgres, openSqlite, run } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { applyToHoldings } from './holdings.view.js';
import { groupsAbove, groupsWithin, isMember } from './nested-groups.js';
import { migrateRevocationDb, type RevocationDb } from './revocation-db.js';
import { subjectsOf } from './subjects.view.js';
import { lossOf } from './triggers.js';

type Change = Partial<Record<'added' | 'removed', readonly string[]>>;

/** Groups have capital letters, people small ones. */
const refOf = (id: string): MemberRef => ({ id, type: id === id.toUpperCase() ? 'Group' : 'User' });

class World {
  private position = 0n;

  private constructor(readonly db: Kysely<RevocationDb>) {}

  static async open(db: Kysely<RevocationDb> = openSqlite<RevocationDb>(':memory:')): Promise<World> {
    const world = new World(db);
    await migrateRevocationDb(world.db);
    return world;
  }

  /** @returns what was lost; what is lost is held no longer, as after its plan */
  async when<T extends EventType>(type: T, data: EventData[T]): Promise<string[]> {
    const metadata = { tenant: 'acme', schemaVersion: catalog[type].version, at: '2026-01-01T00:00:00.000Z' };
    const event = { type, data, metadata, position: this.position++ } as unknown as RecordedEvent;
    await applyToHoldings(this.db, event);
    const lost = (await lossOf(this.db, event))?.holdings.map((row) => row.holding_id) ?? [];
    for (const id of lost) await run(this.db, "update held_holdings set state = 'targeted' where holding_id = ?", [id]);
    return lost.toSorted();
  }

  change(groupId: string, { added = [], removed = [] }: Change): Promise<string[]> {
    return this.when('GroupMembershipChanged', { groupId, added: added.map(refOf), removed: removed.map(refOf) });
  }

  async person(userId: string): Promise<void> {
    await this.when('UserProvisioned', { userId, active: true, dataKeyId: 'k', userNameHash: 'h', sealed: 's' });
  }

  /** @returns itself when it is registered for somebody who may not hold it */
  credential(credentialId: string, userId: string, requiresGroups: string[]): Promise<string[]> {
    const kind = 'api_key';
    const data = { credentialId, kind, providerId: 'p', reference: {}, requiresGroups, userId } as const;
    return this.when('CredentialRegistered', { ...data, requiresGroups });
  }

  isIn(userId: string, groupId: string): Promise<boolean> {
    return isMember(subjectsOf(this.db), 'acme', groupId, userId);
  }
}

let postgres: PrivatePostgres;
beforeAll(async () => {
  postgres = await startPrivatePostgres();
});
afterAll(() => postgres.stop());

let schemas = 0;
const dialects: [string, () => Promise<Kysely<RevocationDb>>][] = [
  ['SQLite', async () => openSqlite<RevocationDb>(':memory:')],
  ['PostgreSQL', () => openPostgres<RevocationDb>(postgres.url, `nested${(schemas += 1)}`)],
];

describe.each(dialects)('a group in a group, on %s', (_, open) => {
  let world: World;
  beforeEach(async () => {
    world = await World.open(await open());
  });
  afterEach(() => world.db.destroy());

  it('makes its members members of those above it, however far', async () => {
    await world.person('a');
    await world.change('TOP', { added: ['MIDDLE'] });
    await world.change('MIDDLE', { added: ['LOW'] });
    await world.change('LOW', { added: ['a'] });
    expect([await world.isIn('a', 'TOP'), await world.isIn('b', 'TOP')]).toEqual([true, false]);
    expect(await world.credential('c', 'a', ['TOP'])).toEqual([]);
    expect(await world.change('MIDDLE', { removed: ['LOW'] })).toEqual(['c']);
    expect(await world.isIn('a', 'TOP')).toBe(false);
  });

  it('takes nothing from who is in the group above in another way', async () => {
    await world.person('a');
    await world.change('TOP', { added: ['LEFT', 'RIGHT', 'a'] });
    for (const group of ['LEFT', 'RIGHT']) await world.change(group, { added: ['a'] });
    await world.credential('c', 'a', ['TOP']);
    expect(await world.change('TOP', { removed: ['a'] })).toEqual([]);
    expect(await world.change('TOP', { removed: ['LEFT'] })).toEqual([]);
    expect(await world.change('RIGHT', { removed: ['a'] })).toEqual(['c']);
  });

  it('takes what the groups above gave when it is deleted', async () => {
    await world.person('a');
    await world.change('TOP', { added: ['LOW'] });
    await world.change('LOW', { added: ['a'] });
    await world.credential('top', 'a', ['TOP']);
    await world.credential('low', 'a', ['LOW']);
    await world.credential('none', 'a', []);
    expect(await world.when('GroupDeleted', { groupId: 'LOW' })).toEqual(['low', 'top']);
  });

  it('connects nothing any more when it is deleted between two', async () => {
    await world.person('a');
    await world.change('TOP', { added: ['MIDDLE'] });
    await world.change('MIDDLE', { added: ['LOW'] });
    await world.change('LOW', { added: ['a'] });
    await world.credential('top', 'a', ['TOP']);
    await world.credential('low', 'a', ['LOW']);
    expect(await world.when('GroupDeleted', { groupId: 'MIDDLE' })).toEqual(['top']);
    expect([await world.isIn('a', 'TOP'), await world.isIn('a', 'LOW')]).toEqual([false, true]);
  });

  it('may be above itself', async () => {
    await world.person('a');
    await world.change('ONE', { added: ['TWO', 'a'] });
    await world.change('TWO', { added: ['ONE'] });
    const subjects = subjectsOf(world.db);
    expect(await groupsAbove(subjects, 'acme', 'ONE')).toEqual(['TWO']);
    expect(await groupsWithin(subjects, 'acme', 'TWO')).toEqual(['TWO', 'ONE']);
    await world.credential('c', 'a', ['TWO']);
    expect(await world.change('ONE', { removed: ['a'] })).toEqual(['c']);
  });

  it('is found in the rows of an earlier version', async () => {
    await world.when('GroupCreated', { groupId: 'LOW', displayName: 'Low', resource: {} });
    await world.change('TOP', { added: ['LOW', 'a'] });
    await world.change('LOW', { added: ['b'] });
    await world.db.schema.dropTable('held_nested').execute();
    await migrateRevocationDb(world.db);
    expect(await world.isIn('b', 'TOP')).toBe(true);
    expect(await groupsWithin(subjectsOf(world.db), 'acme', 'TOP')).toEqual(['TOP', 'LOW']);
  });
});

describe('whatever groups become members of whatever groups', () => {
  const groups = ['A', 'B', 'C', 'D', 'E'];
  const people = ['x', 'y', 'z'];
  const steps = fc.array(
    fc.record({
      group: fc.constantFrom(...groups),
      member: fc.constantFrom(...groups, ...people),
      does: fc.constantFrom('added', 'added', 'removed', 'removed', 'deleted'),
    }),
    { maxLength: 40 },
  );

  /** As the words say it: from group to member, over and over. */
  function isWithin(members: ReadonlyMap<string, ReadonlySet<string>>, group: string, person: string): boolean {
    const seen = new Set([group]);
    for (const one of seen) for (const member of members.get(one) ?? []) seen.add(member);
    return seen.has(person);
  }

  it('exactly those lose a credential who are no longer in the group it requires', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const world = await World.open();
        for (const one of people) await world.person(one);
        const members = new Map(groups.map((group) => [group, new Set<string>()]));
        const held = new Map<string, { person: string; group: string }>();
        let count = 0;
        for (const { group, member, does } of sequence) {
          const of = members.get(group);
          if (of === undefined || (groups.includes(member) && !members.has(member))) continue;
          const change = does === 'deleted' ? undefined : { [does]: [member] };
          if (does === 'added') of.add(member);
          else if (does === 'removed') of.delete(member);
          else {
            members.delete(group);
            for (const other of members.values()) other.delete(group);
          }
          const lost = await (change === undefined
            ? world.when('GroupDeleted', { groupId: group })
            : world.change(group, change));
          const expected = [...held].filter(([, one]) => !isWithin(members, one.group, one.person)).map(([id]) => id);
          expect(lost).toEqual(expected.toSorted());
          for (const id of lost) held.delete(id);
          for (const person of people) {
            for (const one of members.keys()) {
              expect([person, one, await world.isIn(person, one)]).toEqual([
                person,
                one,
                isWithin(members, one, person),
              ]);
              if (
                !isWithin(members, one, person) ||
                [...held.values()].some((h) => h.person === person && h.group === one)
              )
                continue;
              const id = `c${(count += 1)}`;
              expect(await world.credential(id, person, [one])).toEqual([]);
              held.set(id, { person, group: one });
            }
          }
        }
        await world.db.destroy();
      }),
      { numRuns: 30 },
    );
  });
});

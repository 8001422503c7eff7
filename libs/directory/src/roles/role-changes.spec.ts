import { describe, expect, it } from '@jest/globals';
import { Decisions } from '@app/event-log';
import { newId, openSqlite } from '@app/runtime';
import { Directory } from '../directory.fixture.js';
import { context } from '../given-when-then.fixture.js';
import { ActivateMapping, DefineRole, DraftMapping } from '../role.commands.js';
import { RoleMembers } from '../role.queries.js';
import { Conditions } from './conditions.js';
import type { Person } from './membership.js';
import type { People } from './people.js';
import { roleEvents } from './role-changes.js';
import { RoleFollower, type RoleFollowerDb } from './role-follower.js';

/** People in so many groups that one change of all of them is larger than an append. */
const groups = Array.from({ length: 40 }, () => ({ id: newId(), type: 'Group' as const, display: 'Ops' }));
const people: readonly Person[] = Array.from({ length: 500 }, () => ({
  userId: newId(),
  found: { attributes: {}, active: true, groups },
}));
const sources = groups.map(({ id }) => `scim:${id}`);

describe('changes of who has a role', () => {
  it('that do not fit into one append leave a rest, and what takes away comes first', () => {
    const added = people.map(({ userId }) => ({ userId, sources }));
    const removed = people.map(({ userId }) => userId);
    const { events, rest } = roleEvents([{ roleId: 'prod', added, changed: [], removed }], context);
    expect(rest).toBe(true);
    expect(events[0]?.data).toMatchObject({ roleId: 'prod', added: expect.any(Array), removed });
    expect(JSON.stringify(events).length).toBeLessThan(1024 * 1024);
  });

  it('that fit into what is left of an append leave none', () => {
    const change = { roleId: 'prod', added: [{ userId: 'ada', sources }], changed: [], removed: [] };
    expect(roleEvents([change], context, 600_000)).toMatchObject({ events: [{}], rest: false });
    expect(roleEvents([change], context, 700_000)).toMatchObject({ events: [], rest: true });
  });

  it('are all recorded, in as many appends as they need', async () => {
    const directory = await Directory.open({ policy: false });
    const db = openSqlite<RoleFollowerDb>(':memory:');
    try {
      await directory.run(new DefineRole(directory.request(), 'prod', { name: 'prod', kind: 'role' }));
      const rules = [{ role: 'prod', group: { displayName: 'Ops' } }];
      const { mappingId } = await directory.run(new DraftMapping(directory.request(), 'mapping', rules));
      await directory.run(new ActivateMapping(directory.request(), mappingId));
      const follower = new RoleFollower({
        log: directory.log,
        decisions: directory.get(Decisions),
        clock: directory.clock,
        conditions: directory.get(Conditions),
        people: { all: () => [people] } as unknown as People,
      });
      follower.uses({ view: { reached: () => Promise.resolve(true) }, db });
      await follower.migrate(db);
      await follower.apply(db, await directory.events());
      expect((await directory.ask(new RoleMembers('acme', 'prod', 0, 1)))?.total).toBe(people.length);
    } finally {
      await directory.close();
      await db.destroy();
    }
  });
});

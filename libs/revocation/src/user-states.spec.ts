// A run of facts leaves the rows that the same facts leave one by one.
import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@app/events';
import { openSqlite } from '@app/runtime';
import fc from 'fast-check';
import { migrateGateDb, type GateDb } from './gate-db.js';
import { subjectsOf } from './subjects.view.js';
import { applyUserStates, isUserState } from './user-states.js';

const fact = fc.record({
  type: fc.constantFrom('UserProvisioned', 'UserDeactivated', 'UserReactivated', 'UserDeleted'),
  metadata: fc.record({ tenant: fc.constantFrom('acme', 'globex') }),
  data: fc.record({
    userId: fc.constantFrom('ada', 'bob', 'eve'),
    active: fc.boolean(),
    generation: fc.integer({ min: 2, max: 9 }),
  }),
});

async function rowsAfter(runs: readonly unknown[][]): Promise<object[]> {
  const db = openSqlite<GateDb>(':memory:');
  await migrateGateDb(db);
  for (const run of runs) await applyUserStates(subjectsOf(db), (run as RecordedEvent[]).filter(isUserState));
  const rows = await db.selectFrom('held_subjects').selectAll().orderBy('tenant').orderBy('subject_id').execute();
  await db.destroy();
  return rows;
}

describe('a run of facts about users', () => {
  it('leaves what they leave one by one, however it is cut', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fact, { maxLength: 30 }), fc.nat(30), async (facts, cut) => {
        const one = await rowsAfter(facts.map((event) => [event]));
        expect(await rowsAfter([facts.slice(0, cut), facts.slice(cut)])).toEqual(one);
      }),
      { numRuns: 60 },
    ));

  it('may be longer than a statement takes', async () => {
    const facts = Array.from({ length: 1000 }, (_, n) => ({
      type: 'UserProvisioned',
      metadata: { tenant: 'acme' },
      data: { userId: `u-${n}`, active: n % 2 === 0 },
    }));
    const rows = await rowsAfter([facts]);
    expect(rows).toHaveLength(1000);
    expect(rows.filter((row) => (row as { state: string }).state === 'active')).toHaveLength(500);
  });
});

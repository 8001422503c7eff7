import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { evidence, HOUR, World, type Step } from './cascade-world.fixture.js';
import { Bench } from './cascade.fixture.js';
import type { Outcome, ProbeOutcome } from './connectors/connector.port.js';
import type { TargetRow } from './revocation-db.js';

const outcome = fc.oneof<fc.Arbitrary<Outcome | 'throw'>[]>(
  fc.constantFrom<Outcome | 'throw'>(
    { kind: 'revoked', evidence },
    { kind: 'already-gone', evidence },
    { kind: 'connector-broken', code: 'invalid_client', evidence },
    { kind: 'unsupported', evidence },
    { kind: 'collateral-blocked', evidence },
    { kind: 'permanent', reason: 'no', evidence },
    'throw',
  ),
  fc.record({
    kind: fc.constant('retry' as const),
    class: fc.constantFrom('provider-error' as const, 'rate-limited' as const, 'timeout' as const),
    afterMs: fc.integer({ min: 0, max: 10 * HOUR }),
    unknownEffect: fc.boolean(),
    evidence: fc.constant(evidence),
  }),
);

const probe = fc.constantFrom<ProbeOutcome | 'throw'>(
  { kind: 'dead', evidence },
  { kind: 'alive', evidence },
  { kind: 'no-answer', evidence },
  'throw',
);

const person = fc.nat({ max: 2 });
const target = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('work' as const), revoke: outcome, probe }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 48 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('lose the queue', 'follow', 'sweep', 'configure') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), twice: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('retry', 'waive'), target }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('register late', 'deactivate', 'rotate'), person }) },
);

/** What must hold at every moment. */
async function holds(bench: Bench): Promise<void> {
  const rows = await bench.targets();
  for (const row of rows) {
    const settled = row.state === 'settled';
    // Open means due some time; ended means graded. There is nothing in between.
    expect([row.target_id, settled]).toEqual([row.target_id, row.due_at === null]);
    if (settled) expect(['A', 'B', 'C', 'W']).toContain(row.grade);
  }
  for (const cascade of await bench.db.selectFrom('work_cascades').selectAll().execute()) {
    const own = rows.filter((row) => row.cascade_id === cascade.cascade_id);
    expect(own).toHaveLength(cascade.planned_count);
    expect(own.filter((row) => row.state === 'settled')).toHaveLength(cascade.settled_count);
    expect(cascade.planned_count).toBeLessThanOrEqual(cascade.target_count);
  }
}

/** What must hold when everything has ended. */
async function isComplete(bench: Bench): Promise<void> {
  const rows = await bench.targets();
  expect(rows.filter((row) => row.state !== 'settled')).toEqual([]);
  const verdicts = await bench.events('CascadeCompleted');
  const cascades = Map.groupBy(rows, (row: TargetRow) => row.cascade_id);
  expect(verdicts.map((event) => event.data.cascadeId).sort()).toEqual([...cascades.keys()].sort());
  for (const { data } of verdicts) {
    const own = cascades.get(data.cascadeId) ?? [];
    const count = (grade: string) => own.filter((row) => row.grade === grade).length;
    expect(data.counts).toEqual({ A: count('A'), B: count('B'), C: count('C'), W: count('W') });
  }
  const held = await bench.db.selectFrom('held_holdings').selectAll().where('state', '=', 'held').execute();
  const active = new Set(
    (await bench.db.selectFrom('held_subjects').selectAll().where('state', '=', 'active').execute()).map(
      (s) => s.subject_id,
    ),
  );
  expect(held.filter((row) => !active.has(row.user_id ?? ''))).toEqual([]);
}

describe('whatever happens to a few cascades', () => {
  let bench: Bench;
  let world: World;

  beforeEach(async () => {
    await begin();
  });
  afterEach(async () => {
    await end();
  });

  const begin = async () => {
    bench = await Bench.open();
    world = new World(bench);
    await world.open();
  };
  const end = async () => {
    await world.close();
    await bench.close();
  };

  it('no target is lost, the counts add up, all of it ends, and a replay builds the same rows', async () => {
    await fc.assert(
      fc
        .asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 40 }),
          fc.integer({ min: 1, max: 50 }),
          async (steps, batch) => {
            for (const next of steps) {
              await world.take(next);
              await holds(bench);
            }
            await world.settle();
            await holds(bench);
            await isComplete(bench);
            expect(world.errors).toEqual([]);
            const [rows, length] = [await bench.rows(), await bench.length()];
            await world.close();
            await bench.forget();
            bench.batch = batch;
            await bench.follow();
            expect(await bench.rows()).toEqual(rows);
            expect(await bench.length()).toBe(length);
          },
        )
        .beforeEach(async () => {
          await end();
          await begin();
        }),
      { numRuns: 60 },
    );
  });
});

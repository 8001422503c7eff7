import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import { Decisions } from '@app/event-log';
import { Bench } from './cascade.fixture.js';
import { RetryRevocation, TargetSettled, WaiveRevocation } from './operator.commands.js';
import { OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler } from './operator.handlers.js';
import type { TargetRow } from './revocation-db.js';

let bench: Bench;
let row: TargetRow;
let retry: (over?: object) => Promise<bigint | undefined>;
let waive: (over?: object) => Promise<bigint | undefined>;

beforeEach(async () => {
  bench = await Bench.open();
  await bench.user('ada');
  await bench.credential('token', { userId: 'ada' });
  await bench.deactivate('ada');
  await bench.follow();
  row = await target();
  const operator = new OperatorDecisions(new Decisions(bench.log, { soleWriter: true }), bench.clock);
  const data = {
    tenant: 'acme',
    targetId: row.target_id,
    cascadeId: row.cascade_id,
    reason: 'ticket 7',
    actor: 'operator:key-1',
    by: 'Grace Hopper',
    correlationId: 'request-9',
  };
  retry = (over = {}) => new RetryRevocationHandler(operator).execute(new RetryRevocation({ ...data, ...over }));
  waive = (over = {}) => new WaiveRevocationHandler(operator).execute(new WaiveRevocation({ ...data, ...over }));
});

afterEach(() => bench.close());

const target = async () => (await bench.targets())[0] as TargetRow;

/** What a worker appends that made its attempt on the target as `row` says. */
const acknowledge = () => bench.settle(row, 'RevocationAcknowledged');

describe('an operator', () => {
  it('asks for another attempt now: due at once, with the curve anew', async () => {
    const later = bench.clock.now() + 86_400_000;
    const parked = { state: 'parked', last_class: 'exhausted', consumed: 11, due_at: later };
    await bench.db.updateTable('work_targets').set(parked).execute();
    bench.clock.advance(1_000);
    const position = await retry();
    expect(position).toBe(await bench.log.head());
    await bench.follow();
    expect(await target()).toMatchObject({ state: 'due', consumed: 0, due_at: bench.clock.now() });
    const [retried] = await bench.events('RevocationRetried');
    expect(retried?.data).toMatchObject({ by: 'Grace Hopper', reason: 'ticket 7', cascadeId: row.cascade_id });
    expect(retried?.metadata).toMatchObject({ actor: 'operator:key-1', correlationId: 'request-9' });
  });

  it('waives for good: grade W, and a cascade that says so', async () => {
    await waive();
    await bench.follow();
    expect(await target()).toMatchObject({ state: 'settled', grade: 'W' });
    const [completed] = await bench.events('CascadeCompleted');
    expect(completed?.data).toMatchObject({ verdict: 'complete-with-waivers', counts: { A: 0, B: 0, C: 0, W: 1 } });
  });

  it('is told that the target has ended, also when the views do not know it yet', async () => {
    await acknowledge();
    await expect(retry()).rejects.toThrow(TargetSettled);
    await expect(waive()).rejects.toThrow(TargetSettled);
    expect(await bench.events('RevocationWaived')).toEqual([]);
  });

  it('is told so too when an earlier command of his has warmed what is known of the target', async () => {
    await retry();
    const [retried] = await bench.events('RevocationRetried');
    const { metadata } = retried as NonNullable<typeof retried>;
    const data = { targetId: row.target_id, cascadeId: row.cascade_id, expiredAt: bench.clock.iso() };
    const stream = streams.revocation('acme', row.target_id);
    await bench.log.append(stream, 0n, [{ id: 'expired-1', type: 'RevocationExpired', data, metadata }]);
    await expect(waive()).rejects.toThrow(TargetSettled);
  });
});

describe('a race between an operator and a worker', () => {
  it.each(['retry', 'waive'] as const)('%s: one of the two wins, and nothing is lost', async (command) => {
    const outcomes = await Promise.allSettled([acknowledge(), command === 'retry' ? retry() : waive()]);
    await bench.follow();
    const [worker, operator] = outcomes.map((outcome) => outcome.status);
    expect([worker, operator]).toContain('fulfilled');
    expect([worker, operator]).toContain('rejected');
    const after = await target();
    if (worker === 'fulfilled') expect(after).toMatchObject({ state: 'settled', grade: 'B' });
    else if (command === 'waive') expect(after).toMatchObject({ state: 'settled', grade: 'W' });
    else expect(after).toMatchObject({ state: 'due', due_at: bench.clock.now() });
  });

  it('among operators leaves one waiver', async () => {
    const outcomes = await Promise.allSettled([waive(), waive(), waive()]);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(await bench.events('RevocationWaived')).toHaveLength(1);
  });

  it('records each of two retries that are asked for at the same time, and the target is due', async () => {
    await Promise.all([retry(), retry()]);
    await bench.follow();
    expect(await target()).toMatchObject({ state: 'due', consumed: 0 });
    const recorded = (await bench.log.readAll({ max: 1_000 })).filter(({ type }) => type === 'RevocationRetried');
    expect(recorded).toHaveLength(2);
  });
});

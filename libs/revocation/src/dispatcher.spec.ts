import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import type { RevocationJob } from '@app/jobs';
import { Bench, type HeldCredential } from './cascade.fixture.js';
import type { Outcome } from './connectors/connector.port.js';
import { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { decideOutcome, type TargetFact } from './outcome.js';
import type { TargetRow } from './revocation-db.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { noChange, plannedOf, targetOf } from './targets.view.js';

const evidence = { adapter: 'test@1', request: 'none', conclusion: 'said so' };
const REVOKED: Outcome = { kind: 'revoked', evidence };
const BROKEN: Outcome = { kind: 'connector-broken', code: 'invalid_client', evidence };
const MINUTE = 60_000;

let bench: Bench;
let queue: HeldQueue;
let dispatcher: Dispatcher;
let errors: unknown[];

/** Everything that does not wait for the clock or for a job has run. */
const quiet = () => new Promise((resolve) => setImmediate(resolve));

function dispatch(laneConcurrency = 200): void {
  dispatcher = new Dispatcher({
    db: bench.db,
    queue,
    clock: bench.clock,
    laneConcurrency,
    onError: (error) => errors.push(error),
  });
  bench.onWork = (change) => dispatcher.onCommitted(change);
  dispatcher.start();
}

beforeEach(async () => {
  bench = await Bench.open();
  queue = new HeldQueue();
  errors = [];
  await bench.user('ada');
});

afterEach(async () => {
  await dispatcher.stop();
  await bench.close();
});

/** Deactivates somebody who holds so many credentials at a provider. */
async function lose(
  count: number,
  providerId = 'p',
  held: HeldCredential = {},
  prefix = `${providerId}-`,
): Promise<void> {
  const userId = `of-${prefix}`;
  await bench.user(userId);
  await bench.credentials(count, userId, prefix, { providerId, ...held });
  await bench.deactivate(userId);
  await bench.follow();
  await quiet();
}

const rowOf = (targetId: string): Promise<TargetRow> =>
  bench.db.selectFrom('work_targets').selectAll().where('target_id', '=', targetId).executeTakeFirstOrThrow();

function factOf(row: TargetRow, outcome: Outcome, verifyAfterMs?: number): TargetFact {
  const at = bench.clock.iso();
  return decideOutcome(
    {
      cascadeId: row.cascade_id,
      planned: plannedOf(row),
      target: targetOf(row),
      attempt: { number: row.attempts + 1, startedAt: at, endedAt: at },
      policy: { ...DEFAULT_RETRY_POLICY, jitter: 0 },
      verifyAfterMs,
      isDisproved: false,
    },
    outcome,
  );
}

/** A worker records the outcome of an attempt, and the relay sees it. */
async function record(targetId: string, outcome: Outcome): Promise<void> {
  const row = await rowOf(targetId);
  const fact = factOf(row, outcome);
  await bench.append(streams.revocation(row.tenant, targetId), fact.type, fact.data as never, row.tenant);
  dispatcher.onRecorded(row, fact);
}

async function recordAll(jobs: readonly RevocationJob[], outcome: Outcome): Promise<void> {
  for (const { items } of jobs) for (const { targetId } of items) await record(targetId, outcome);
  await bench.follow();
  await quiet();
}

const sizes = (jobs: readonly RevocationJob[]) => jobs.map((job) => job.items.length);
const lanes = (jobs: readonly RevocationJob[]) => jobs.map((job) => job.lane);

describe('the dispatcher hands out', () => {
  it('what is due, in jobs of at most 100 of one lane, with ids that depend on their content', async () => {
    dispatch(300);
    await lose(220);
    expect(sizes(queue.jobs)).toEqual([100, 100, 20]);
    expect(lanes(queue.jobs)).toEqual(['acme.p', 'acme.p', 'acme.p']);
    expect(new Set(queue.jobs.map((job) => job.id)).size).toBe(3);
    expect(queue.jobs[0]?.items[0]).toMatchObject({ generation: 1, attempt: 1 });
    expect(queue.jobs[0]?.id).toMatch(/^job-[0-9a-f]{32}$/);
  });

  it('no more of a lane than may be in flight, and more as outcomes are recorded', async () => {
    dispatch(200);
    await lose(230);
    expect(sizes(queue.jobs)).toEqual([100, 100]);
    await recordAll(queue.jobs.splice(0, 1), REVOKED);
    expect(sizes(queue.jobs)).toEqual([100, 30]);
    expect(dispatcher.status('acme')).toMatchObject([{ providerId: 'p', inFlight: 130, broken: false }]);
  });

  it('more as soon as the provider has said yes to half of them, before that is recorded, and nothing twice', async () => {
    dispatch(100);
    await lose(130);
    const [job] = queue.take();
    const rows = await Promise.all((job?.items ?? []).map(({ targetId }) => rowOf(targetId)));
    const answer = (row: TargetRow, outcome: Outcome) => dispatcher.onAcknowledged(row, factOf(row, outcome));
    for (const row of rows.slice(0, 49)) answer(row, REVOKED);
    for (const row of rows.slice(49)) answer(row, { kind: 'retry', class: 'network', unknownEffect: false, evidence });
    answer(rows[0] as TargetRow, REVOKED);
    await quiet();
    expect(queue.jobs).toEqual([]);
    answer(rows[49] as TargetRow, REVOKED);
    await quiet();
    expect(sizes(queue.jobs)).toEqual([30]);
    const [more] = queue.take();
    const ids = (jobs: readonly (RevocationJob | undefined)[]) =>
      jobs.flatMap((one) => one?.items.map(({ targetId }) => targetId) ?? []);
    expect(new Set(ids([job, more])).size).toBe(130);
    expect(dispatcher.status('acme')).toMatchObject([{ inFlight: 130 }]);
    await recordAll([job as RevocationJob, more as RevocationJob], REVOKED);
    expect(queue.jobs).toEqual([]);
    expect(dispatcher.status('acme')).toMatchObject([{ inFlight: 0 }]);
  });

  it('nothing more for a yes that the worker goes on to prove', async () => {
    dispatch(1);
    await lose(2);
    const [job] = queue.take();
    const row = await rowOf(job?.items[0]?.targetId as string);
    dispatcher.onAcknowledged(row, factOf(row, REVOKED, 0));
    await quiet();
    expect(queue.jobs).toEqual([]);
    dispatcher.onAcknowledged(row, factOf(row, REVOKED, 1));
    await quiet();
    expect(sizes(queue.jobs)).toEqual([1]);
  });

  it('the next target of a narrow lane while another one is still under way', async () => {
    dispatch(2);
    await lose(3);
    const [job] = queue.take();
    const [first] = job?.items ?? [];
    await record(first?.targetId as string, REVOKED);
    await bench.follow();
    await quiet();
    expect(sizes(queue.jobs)).toEqual([1]);
  });

  it('refresh tokens first, and access tokens only once those have an outcome', async () => {
    dispatch();
    await bench.credentials(2, 'ada', 'access');
    await bench.credentials(2, 'ada', 'refresh', { kind: 'oauth_refresh_token' });
    await bench.deactivate('ada');
    await bench.follow();
    await quiet();
    const [refresh] = queue.take();
    expect(refresh?.items).toHaveLength(2);
    const kinds = await Promise.all(refresh?.items.map(async ({ targetId }) => (await rowOf(targetId)).kind) ?? []);
    expect(new Set(kinds)).toEqual(new Set(['oauth_refresh_token']));
    await record(refresh?.items[0]?.targetId as string, REVOKED);
    await bench.follow();
    await quiet();
    expect(queue.jobs).toEqual([]);
    // A refresh token that has to wait for its retry holds nobody up.
    await record(refresh?.items[1]?.targetId as string, {
      kind: 'retry',
      class: 'network',
      unknownEffect: false,
      evidence,
    });
    await bench.follow();
    await quiet();
    expect(sizes(queue.jobs)).toEqual([2]);
  });

  it('nothing before it is started, and then what it took note of', async () => {
    dispatch();
    dispatcher = new Dispatcher({
      db: bench.db,
      queue,
      clock: bench.clock,
      laneConcurrency: 200,
      onError: () => undefined,
    });
    await lose(1);
    await dispatcher.refresh(undefined);
    await quiet();
    expect(queue.accepted).toEqual([]);
    dispatcher.start();
    await quiet();
    expect(sizes(queue.accepted)).toEqual([1]);
  });

  it('nothing once it is stopped', async () => {
    dispatch();
    await dispatcher.stop();
    await lose(1);
    expect(queue.accepted).toEqual([]);
  });

  it('nothing by rows that were read before an outcome was committed', async () => {
    dispatch();
    await lose(1);
    const [job] = queue.take();
    const targetId = job?.items[0]?.targetId as string;
    await dispatcher.stop();
    dispatch();
    // The rows are asked for here; the outcome is committed and noticed before the answer is looked at.
    dispatcher.onCommitted({ ...noChange(), lanes: new Set(['acme.p']) });
    const committed = bench.db.updateTable('work_targets').set({ due_at: null, state: 'settled' }).execute();
    dispatcher.onCommitted({ ...noChange(), lanes: new Set(['acme.p']), touched: [{ lane: 'acme.p', targetId }] });
    await committed;
    await quiet();
    expect(queue.jobs).toEqual([]);
  });
});

describe('lanes', () => {
  it('do not wait for one another: a provider that never answers holds up nobody else', async () => {
    dispatch(200);
    await lose(1_000, 'dead');
    const stuck = queue.take();
    expect(stuck.length).toBe(2);
    await lose(10, 'alive');
    expect(lanes(queue.jobs)).toEqual(['acme.alive']);
    expect(sizes(queue.jobs)).toEqual([10]);
  });

  it('do not share the failure of one', async () => {
    dispatch();
    const { enqueue } = queue;
    queue.enqueue = (jobs) =>
      jobs[0]?.lane === 'acme.a' ? Promise.reject(new Error('a defect')) : enqueue.call(queue, jobs);
    dispatcher.onCommitted(noChange());
    await bench.credentials(1, 'ada', 'a', { providerId: 'a' });
    await bench.credentials(1, 'ada', 'b', { providerId: 'b' });
    await bench.deactivate('ada');
    await bench.follow();
    await quiet();
    expect(lanes(queue.jobs)).toEqual(['acme.b']);
    expect(errors).toHaveLength(1);
  });
});

describe('a lane', () => {
  const limited: Outcome = { kind: 'retry', class: 'rate-limited', afterMs: 90_000, unknownEffect: false, evidence };

  it('that is rate-limited pauses until the provider said, and spends no attempt on it', async () => {
    dispatch(200);
    await lose(201);
    const [first, second] = queue.take();
    await recordAll([first as RevocationJob], limited);
    expect(queue.jobs).toEqual([]);
    expect(dispatcher.status('acme')).toMatchObject([{ pausedUntil: bench.clock.iso(bench.clock.now() + 90_000) }]);
    await recordAll([second as RevocationJob], REVOKED);
    bench.clock.advance(89_999);
    await quiet();
    expect(queue.jobs).toEqual([]);
    bench.clock.advance(1);
    await quiet();
    expect(sizes(queue.jobs)).toEqual([100, 1]);
    expect((await bench.targets()).every((row) => row.consumed === 0)).toBe(true);
  });

  it('whose provider refuses our credentials is closed once, tried with one target, and opened by the first success', async () => {
    dispatch(50);
    await lose(100);
    await recordAll(queue.take(), BROKEN);
    expect(dispatcher.status('acme')).toMatchObject([{ broken: true, pausedUntil: undefined }]);
    expect(sizes(queue.jobs)).toEqual([1]);
    await recordAll(queue.take(), BROKEN);
    expect(queue.jobs).toEqual([]);
    bench.clock.advance(5 * MINUTE);
    await quiet();
    expect(sizes(queue.jobs)).toEqual([1]);
    await recordAll(queue.take(), BROKEN);
    expect(queue.jobs).toEqual([]);
    bench.clock.advance(5 * MINUTE);
    await quiet();
    expect(sizes(queue.jobs)).toEqual([1]);
    await recordAll(queue.take(), REVOKED);
    expect(dispatcher.status('acme')).toMatchObject([{ broken: false, pausedUntil: undefined }]);
    for (let left = queue.take(); left.length > 0; left = queue.take()) await recordAll(left, REVOKED);
    expect((await bench.targets()).filter((row) => row.state !== 'settled')).toEqual([]);
  });

  it('whose provider is configured anew goes on at once, with what was parked for it', async () => {
    dispatch(50);
    await lose(100);
    await recordAll(queue.take(), BROKEN);
    await recordAll(queue.take(), BROKEN);
    expect(queue.jobs).toEqual([]);
    await bench.provider('p', 'rfc7009');
    await bench.follow();
    await quiet();
    expect(sizes(queue.jobs)).toEqual([50]);
    for (let left = queue.take(); left.length > 0; left = queue.take()) await recordAll(left, REVOKED);
    expect((await bench.targets()).filter((row) => row.state !== 'settled')).toEqual([]);
  });

  it('follows the clock: what is deferred is handed out when its time has come', async () => {
    dispatch();
    await lose(1);
    await recordAll(queue.take(), { kind: 'retry', class: 'timeout', unknownEffect: true, evidence });
    bench.clock.advance(4_999);
    await quiet();
    expect(queue.jobs).toEqual([]);
    bench.clock.advance(1);
    await quiet();
    expect(queue.jobs[0]?.items).toMatchObject([{ attempt: 2 }]);
  });
});

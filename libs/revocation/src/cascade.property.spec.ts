import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Evidence } from '@app/events';
import { Decisions } from '@app/event-log';
import fc from 'fast-check';
import { Bench } from './cascade.fixture.js';
import type { Connector, Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { RetryRevocation, TargetSettled, WaiveRevocation } from './operator.commands.js';
import { OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler } from './operator.handlers.js';
import type { TargetRow } from './revocation-db.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { StepRunner } from './run-step.js';
import { Sweep } from './sweep.js';

const evidence: Evidence = { adapter: 'odd@1', request: 'none', conclusion: 'said so' };
const HOUR = 3_600_000;
const http = new OutboundHttp({ allowHttp: false, allowLoopback: false });

/** What may happen next in the life of a few cascades. */
type Step =
  | { readonly do: 'work'; readonly revoke: Outcome | 'throw'; readonly probe: ProbeOutcome | 'throw' }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'lose the queue' | 'follow' | 'sweep' | 'configure' }
  | { readonly do: 'crash'; readonly twice: boolean }
  | { readonly do: 'retry' | 'waive'; readonly target: number }
  | { readonly do: 'register late' | 'deactivate' | 'rotate'; readonly person: number };

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

/** A few people, the engine's parts, and a connector that answers as told. */
class World {
  readonly queue = new HeldQueue();
  readonly errors: unknown[] = [];
  private readonly deactivated = new Set<number>();
  private credentials = 0;
  private answers: { revoke: Outcome | 'throw'; probe: ProbeOutcome | 'throw' } = { revoke: 'throw', probe: 'throw' };
  private readonly dispatcher: Dispatcher;
  private readonly sweep: Sweep;
  private readonly runner: StepRunner;
  private readonly operator: OperatorDecisions;

  constructor(readonly bench: Bench) {
    const { db, clock, log, vault } = bench;
    const { queue } = this;
    const onError = (error: unknown) => this.errors.push(error);
    this.dispatcher = new Dispatcher({ db, queue, clock, laneConcurrency: 50, onError });
    this.dispatcher.start();
    bench.onWork = (change) => this.dispatcher.noticed(change);
    this.sweep = new Sweep({ dispatcher: this.dispatcher, queue, clock, intervalMs: HOUR, onError });
    const connector: Connector = {
      name: 'odd',
      version: 1,
      scope: 'token',
      checkSettings: () => [],
      revoke: () => orThrow(this.answers.revoke),
      probe: () => orThrow(this.answers.probe),
      verifyAfterMs: ({ settings }) => (settings['verifyAfterMs'] ?? undefined) as number | undefined,
    };
    this.runner = new StepRunner({
      db,
      log,
      vault,
      clock,
      http,
      connectors: { get: () => connector },
      policy: DEFAULT_RETRY_POLICY,
      callTimeoutMs: 5_000,
      onFact: (row, fact) => this.dispatcher.learned(row, fact),
      onDefect: () => undefined,
    });
    this.operator = new OperatorDecisions(db, new Decisions(log), clock);
  }

  async open(): Promise<void> {
    for (const i of [0, 1, 2]) await this.bench.user(`person-${i}`);
    await this.configure();
    for (const i of [0, 0, 0, 1, 1, 2]) await this.register(i);
    await this.take({ do: 'deactivate', person: 0 });
  }

  async take(next: Step): Promise<void> {
    switch (next.do) {
      case 'work':
        this.answers = next;
        await this.queue.run((job, signal) => this.runner.run(job, signal));
        return this.follow();
      case 'wait':
        this.bench.clock.advance(next.hours * HOUR);
        return quiet();
      case 'lose the queue':
        this.queue.take();
        return;
      case 'follow':
        return this.follow();
      case 'sweep':
        await this.sweep.once();
        return quiet();
      case 'configure':
        return this.configure();
      case 'crash':
        return this.crash(next.twice);
      case 'retry':
      case 'waive':
        return this.operate(next.do, next.target);
      case 'register late':
        return this.register(next.person);
      case 'rotate':
        return this.rotate(next.person);
      case 'deactivate':
        if (this.deactivated.has(next.person)) return;
        this.deactivated.add(next.person);
        await this.bench.deactivate(`person-${next.person}`);
        return this.follow();
    }
  }

  async follow(): Promise<void> {
    await this.bench.follow();
    await quiet();
  }

  /** Everything answers well from here on: whatever is open comes to its end, by the clock and the sweep alone. */
  async settle(): Promise<void> {
    await this.follow();
    for (let day = 0; day < 60; day += 1) {
      this.answers = { revoke: { kind: 'revoked', evidence }, probe: { kind: 'dead', evidence } };
      await this.sweep.once();
      await quiet();
      await this.queue.run((job, signal) => this.runner.run(job, signal));
      await this.follow();
      if ((await this.bench.targets()).every((row) => row.state === 'settled')) return;
      this.bench.clock.advance(HOUR);
      await quiet();
    }
  }

  async close(): Promise<void> {
    await this.dispatcher.stop();
  }

  private async configure(): Promise<void> {
    this.verifies = !this.verifies;
    await this.bench.provider('p', 'odd', this.verifies ? { verifyAfterMs: 60_000 } : {});
  }
  private verifies = false;

  private async register(i: number): Promise<void> {
    const id = `credential-${this.credentials++}`;
    const day = this.bench.clock.iso(this.bench.clock.now() + 24 * HOUR);
    await this.bench.credential(id, {
      userId: `person-${i}`,
      ...(this.credentials % 2 === 0 ? { expiresAt: day } : {}),
    });
  }

  private async rotate(i: number): Promise<void> {
    const credentialId = `credential-${i}`;
    const rotated = { credentialId, secretId: `secret-${this.credentials++}`, fingerprint: 'f' };
    await this.bench.append(`credential-acme-${credentialId}`, 'CredentialRotated', rotated);
  }

  private async crash(twice: boolean): Promise<void> {
    const events = await this.bench.next();
    if (events.length === 0) return;
    const die = () => {
      throw new Error('the process died here');
    };
    for (let i = 0; i < (twice ? 2 : 1); i += 1)
      await expect(this.bench.applyOnce(events, die)).rejects.toThrow('died');
  }

  private async operate(command: 'retry' | 'waive', n: number): Promise<void> {
    const rows = await this.bench.targets();
    const row = rows[n % Math.max(rows.length, 1)];
    if (row === undefined) return;
    const who = { reason: 'ticket', actor: 'operator:key', by: 'Grace', correlationId: 'request' };
    const data = { tenant: 'acme', targetId: row.target_id, ...who };
    try {
      if (command === 'retry') await new RetryRevocationHandler(this.operator).execute(new RetryRevocation(data));
      else await new WaiveRevocationHandler(this.operator).execute(new WaiveRevocation(data));
    } catch (error) {
      if (!(error instanceof TargetSettled)) throw error;
    }
    await this.follow();
  }
}

const orThrow = <T>(answer: T | 'throw'): Promise<T> =>
  answer === 'throw' ? Promise.reject(new Error('a defect')) : Promise.resolve(answer as T);

const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

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
  afterAll(() => http.close());

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

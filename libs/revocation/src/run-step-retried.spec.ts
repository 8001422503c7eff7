import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventData } from '@app/events';
import { Decisions } from '@app/event-log';
import type { RevocationJob } from '@app/jobs';
import { Bench } from './cascade.fixture.js';
import type { Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import type { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { RetryRevocation } from './operator.commands.js';
import { OperatorDecisions, RetryRevocationHandler } from './operator.handlers.js';
import type { TargetRow } from './revocation-db.js';
import type { StepRunner } from './run-step.js';
import { dispatcherOf, evidence, oddConnector, quiet, runnerOf, tellingOf } from './worker.fixture.js';

let bench: Bench;
let queue: HeldQueue;
let dispatcher: Dispatcher;
let runner: StepRunner;
let http: OutboundHttp;
/** Ends the oldest call that is under way. */
let answers: ((answer: never) => void)[];

beforeEach(async () => {
  bench = await Bench.open();
  queue = new HeldQueue();
  answers = [];
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  dispatcher = dispatcherOf(bench, queue);
  const asked = <T>() => new Promise<T>((resolve) => answers.push(resolve));
  const connector = oddConnector({
    verifyAfterMs: ({ provider: { settings } }) => settings['verifyAfterMs'] as number | undefined,
    revoke: () => asked<Outcome>(),
    probe: () => asked<ProbeOutcome>(),
  });
  runner = runnerOf(bench, http, connector, tellingOf(dispatcher));
});

afterEach(async () => {
  await dispatcher.stop();
  await http.close();
  await bench.close();
});

async function follow(): Promise<void> {
  await bench.follow();
  await quiet();
}

/** A credential that ada loses; @returns the job for it */
async function lose(settings: Record<string, unknown> = {}): Promise<RevocationJob> {
  await bench.user('ada');
  await bench.provider('p', 'odd', settings);
  await bench.credential('token', { userId: 'ada' });
  await bench.deactivate('ada');
  await follow();
  return queue.take()[0] as RevocationJob;
}

async function begin(job: RevocationJob): Promise<() => Promise<void>> {
  const running = runner.run(job, new AbortController().signal);
  await underWay();
  return () => running;
}

async function askForRetry(): Promise<void> {
  const operator = new OperatorDecisions(new Decisions(bench.log), bench.clock);
  const who = { reason: 'ticket', actor: 'operator:key', by: 'Grace', correlationId: 'request' };
  const { target_id: targetId, cascade_id: cascadeId } = await target();
  const command = new RetryRevocation({ tenant: 'acme', targetId, cascadeId, ...who });
  await new RetryRevocationHandler(operator).execute(command);
  await follow();
}

/** The provider answers the oldest call, as soon as there is one. */
async function end(answer: Outcome | ProbeOutcome): Promise<void> {
  await underWay();
  answers.shift()?.(answer as never);
}

async function underWay(): Promise<void> {
  while (answers.length === 0) await quiet();
}

const target = async () => (await bench.targets())[0] as TargetRow;
const inFlight = () => dispatcher.status('acme').map((lane) => lane.inFlight);

describe('a retry that is asked for while an attempt is under way', () => {
  it('loses nothing of that attempt', async () => {
    const ended = await begin(await lose());
    await askForRetry();
    await end({ kind: 'revoked', evidence });
    await ended();
    await follow();
    expect(await target()).toMatchObject({ state: 'settled', grade: 'B', attempts: 1 });
    expect(inFlight()).toEqual([0]);
  });

  it('is a job of its own, of which nothing remains when the first one has the outcome', async () => {
    const first = await lose();
    const ended = await begin(first);
    await askForRetry();
    const [second] = queue.take();
    expect(second?.items).toEqual(first.items);
    expect(second?.id).not.toBe(first.id);
    const endedToo = await begin(second as RevocationJob);
    await end({ kind: 'revoked', evidence });
    await ended();
    await end({ kind: 'already-gone', evidence });
    await endedToo();
    await follow();
    expect(await bench.events('RevocationAcknowledged')).toHaveLength(1);
    expect(inFlight()).toEqual([0]);
  });

  it('starts the curve anew, also for what that attempt comes to', async () => {
    const job = await lose();
    const { target_id: targetId, cascade_id: cascadeId } = await target();
    await bench.db.updateTable('work_targets').set({ consumed: 10 }).execute();
    const ended = await begin(job);
    await askForRetry();
    await end({ kind: 'retry', class: 'network', unknownEffect: false, evidence });
    await ended();
    await follow();
    const [deferred] = await bench.events('RevocationDeferred');
    const until = bench.clock.iso(bench.clock.now() + 5_000);
    expect(deferred?.data).toMatchObject({ targetId, cascadeId, until } satisfies Partial<
      EventData['RevocationDeferred']
    >);
    expect(await bench.events('RevocationParked')).toEqual([]);
  });

  it('proves what is acknowledged, and comes before a probe without an answer', async () => {
    const ended = await begin(await lose({ verifyAfterMs: 0 }));
    await askForRetry();
    await end({ kind: 'revoked', evidence });
    await underWay();
    await askForRetry();
    await end({ kind: 'no-answer', evidence });
    await ended();
    await follow();
    expect(await bench.events('VerificationDeferred')).toEqual([]);
    expect(await target()).toMatchObject({ state: 'due', grade: null, due_at: bench.clock.now() });
  });
});

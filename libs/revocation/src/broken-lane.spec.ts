import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench } from './cascade.fixture.js';
import type { Connector, Outcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { StepRunner } from './run-step.js';
import { Sweep } from './sweep.js';

const evidence = { adapter: 'odd@1', request: 'none', conclusion: 'said so' };
const REVOKED: Outcome = { kind: 'revoked', evidence };
const REFUSED: Outcome = { kind: 'connector-broken', code: 'forbidden', evidence };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let bench: Bench;
let queue: HeldQueue;
let dispatcher: Dispatcher;
let sweep: Sweep;
let runner: StepRunner;
let http: OutboundHttp;
/** What the provider answers for a holding. */
let answer: (holdingId: string) => Outcome;
let asked: string[];

/** Everything that does not wait for the clock or for a job has run. */
const quiet = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
};

beforeEach(async () => {
  bench = await Bench.open();
  queue = new HeldQueue();
  asked = [];
  const { db, clock, log, vault } = bench;
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  const onError = (error: unknown) => {
    throw error;
  };
  dispatcher = new Dispatcher({ db, queue, clock, laneConcurrency: 50, onError });
  dispatcher.start();
  bench.onWork = (change) => dispatcher.onCommitted(change);
  sweep = new Sweep({ dispatcher, queue, clock, intervalMs: 30_000, onError });
  const connector: Connector = {
    name: 'odd',
    version: 1,
    scope: 'token',
    checkSettings: () => [],
    verifyAfterMs: () => undefined,
    revoke: async ({ target }) => {
      asked.push(target.holdingId);
      return answer(target.holdingId);
    },
  };
  runner = new StepRunner({
    db,
    log,
    vault,
    clock,
    http,
    connectors: { get: () => connector },
    policy: { ...DEFAULT_RETRY_POLICY, jitter: 0 },
    callTimeoutMs: 5_000,
    isDisproved: (row) => dispatcher.isDisproved(row),
    onAnswer: (row, fact) => dispatcher.onAcknowledged(row, fact),
    onFact: (row, fact) => dispatcher.onRecorded(row, fact),
    onDefect: () => undefined,
  });
  await bench.user('ada');
  await bench.user('bob');
  await bench.provider('p', 'odd');
});

afterEach(async () => {
  await dispatcher.stop();
  await http.close();
  await bench.close();
});

/** Workers do what there is to do, until only time can bring more. */
async function work(): Promise<void> {
  await bench.follow();
  await quiet();
  while (queue.jobs.length > 0) {
    await queue.run((job, signal) => runner.run(job, signal));
    await bench.follow();
    await quiet();
  }
}

async function pass(ms: number, step = MINUTE): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    bench.clock.advance(step);
    await sweep.once();
    await quiet();
    await work();
  }
}

const open = async () => (await bench.targets()).filter((row) => row.state !== 'settled').map((row) => row.holding_id);
const times = (holdingId: string) => asked.filter((id) => id === holdingId).length;

describe('a refresh token that its provider always refuses', () => {
  beforeEach(async () => {
    answer = (id) => (id === 'refused' ? REFUSED : REVOKED);
    await bench.credential('refused', { userId: 'ada', kind: 'oauth_refresh_token' });
  });

  it('holds up nothing else of its provider: the next is tried at once, and its yes opens the lane', async () => {
    await bench.credentials(5, 'ada', 'access');
    await bench.deactivate('ada');
    await work();
    expect(await open()).toEqual(['refused']);
    expect(dispatcher.status('acme')).toMatchObject([{ broken: false, pausedUntil: undefined }]);
  });

  it('holds up nobody who leaves later', async () => {
    await bench.deactivate('ada');
    await work();
    expect(dispatcher.status('acme')).toMatchObject([{ broken: true }]);
    await pass(HOUR);
    await bench.credential('of-bob', { userId: 'bob' });
    await bench.deactivate('bob');
    await work();
    expect(await open()).toEqual(['refused']);
  });

  it('no longer closes the lane once another was accepted, and is parked when its own curve is over', async () => {
    await bench.credentials(1, 'ada', 'access');
    await bench.deactivate('ada');
    await work();
    await pass(10 * MINUTE);
    expect((await bench.targets()).find((row) => row.holding_id === 'refused')).toMatchObject({
      state: 'due',
      last_class: 'provider-error',
    });
    expect(dispatcher.status('acme')).toMatchObject([{ broken: false }]);
    await pass(10 * 24 * HOUR, HOUR);
    expect((await bench.targets()).find((row) => row.holding_id === 'refused')).toMatchObject({
      state: 'parked',
      last_class: 'exhausted',
    });
    expect(times('refused')).toBeLessThan(30);
  });
});

it('a provider that refuses everything is asked with one target in five minutes, another one each time', async () => {
  answer = () => REFUSED;
  await bench.credentials(60, 'ada', 'access');
  await bench.deactivate('ada');
  await work();
  expect(asked).toHaveLength(51);
  await pass(45 * MINUTE);
  expect(asked).toHaveLength(60);
  expect(new Set(asked).size).toBe(60);
  answer = () => REVOKED;
  await pass(5 * MINUTE);
  expect(await open()).toEqual([]);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench } from './cascade.fixture.js';
import type { Outcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import type { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import type { StepRunner } from './run-step.js';
import { Sweep } from './sweep.js';
import { dispatcherOf, evidence, oddConnector, quiet, runnerOf, tellingOf } from './worker.fixture.js';

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

beforeEach(async () => {
  bench = await Bench.open();
  queue = new HeldQueue();
  asked = [];
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  dispatcher = dispatcherOf(bench, queue);
  const onError = (error: unknown) => {
    throw error;
  };
  sweep = new Sweep({ dispatcher, queue, clock: bench.clock, intervalMs: 30_000, onError });
  const connector = oddConnector({
    revoke: async ({ target }) => {
      asked.push(target.holdingId);
      return answer(target.holdingId);
    },
  });
  runner = runnerOf(bench, http, connector, tellingOf(dispatcher));
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

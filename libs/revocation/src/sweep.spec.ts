import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench } from './cascade.fixture.js';
import { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { Sweep } from './sweep.js';

const INTERVAL = 5_000;

let bench: Bench;
let queue: HeldQueue;
let dispatcher: Dispatcher;
let sweep: Sweep;
let errors: unknown[];

const quiet = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(async () => {
  bench = await Bench.open();
  queue = new HeldQueue();
  errors = [];
  const { db, clock } = bench;
  const onError = (error: unknown) => errors.push(error);
  dispatcher = new Dispatcher({ db, queue, clock, laneConcurrency: 400, onError });
  bench.onWork = (change) => dispatcher.onCommitted(change);
  dispatcher.start();
  sweep = new Sweep({ dispatcher, queue, clock, intervalMs: INTERVAL, onError });
  await bench.user('ada');
  await bench.credentials(110, 'ada');
  await bench.deactivate('ada');
  await bench.follow();
  await quiet();
});

afterEach(async () => {
  await sweep.stop();
  await dispatcher.stop();
  await bench.close();
});

const handedOut = () => queue.jobs.reduce((sum, job) => sum + job.items.length, 0);

const sweepAfter = async (ms: number) => {
  bench.clock.advance(ms);
  await sweep.once();
  await quiet();
};

describe('the sweep', () => {
  it('hands out again what a queue that lost everything does not know any more', async () => {
    expect(handedOut()).toBe(110);
    queue.take();
    await sweepAfter(1);
    expect(handedOut()).toBe(0);
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(110);
  });

  it('sees an empty queue as lost only for what was handed over before it was first seen empty', async () => {
    queue.take();
    await sweepAfter(1);
    bench.clock.advance(1);
    await bench.user('bob');
    await bench.credentials(5, 'bob', 'late');
    await bench.deactivate('bob');
    await bench.follow();
    await quiet();
    expect(handedOut()).toBe(5);
    queue.take();
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(110);
  });

  it('leaves alone what a worker is busy with', async () => {
    queue.take();
    queue.active = 1;
    await sweepAfter(1);
    await sweepAfter(INTERVAL);
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(0);
  });

  it('leaves a queue that lost only a part to the lease of five minutes', async () => {
    queue.jobs.pop();
    await sweepAfter(1);
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(100);
    await sweepAfter(300_000);
    expect(handedOut()).toBe(110);
  });

  it('takes nothing for lost while the queue cannot be reached', async () => {
    queue.take();
    await sweepAfter(1);
    queue.reachable = false;
    await sweepAfter(INTERVAL);
    expect(errors).toHaveLength(1);
    queue.reachable = true;
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(0);
    await sweepAfter(INTERVAL);
    expect(handedOut()).toBe(110);
  });

  it('repeats itself by the clock until it is stopped', async () => {
    queue.take();
    bench.clock.advance(1);
    sweep.start();
    await quiet();
    bench.clock.advance(INTERVAL);
    await quiet();
    expect(handedOut()).toBe(110);
    await sweep.stop();
    queue.take();
    bench.clock.advance(10 * INTERVAL);
    await quiet();
    expect(handedOut()).toBe(0);
  });
});

describe('a refresh of the dispatcher', () => {
  it('hands out again what could not be handed over while the queue was unavailable', async () => {
    queue.take();
    queue.reachable = false;
    await bench.user('bob');
    await bench.credentials(3, 'bob', 'late');
    await bench.deactivate('bob');
    await bench.follow();
    await quiet();
    expect(errors).toHaveLength(1);
    expect(dispatcher.status('acme')).toMatchObject([{ inFlight: 110 }]);
    queue.reachable = true;
    await dispatcher.refresh(undefined);
    await quiet();
    expect(handedOut()).toBe(3);
  });

  it('gives up on what is in flight after five minutes without a record, not before', async () => {
    queue.take();
    bench.clock.advance(300_000);
    await dispatcher.refresh(undefined);
    await quiet();
    expect(handedOut()).toBe(0);
    bench.clock.advance(1);
    await dispatcher.refresh(undefined);
    await quiet();
    expect(handedOut()).toBe(110);
  });

  it('after a restart finds everything that is due', async () => {
    queue.take();
    await dispatcher.stop();
    const { db, clock } = bench;
    dispatcher = new Dispatcher({ db, queue, clock, laneConcurrency: 400, onError: () => undefined });
    dispatcher.start();
    await dispatcher.refresh(undefined);
    await quiet();
    expect(handedOut()).toBe(110);
  });
});

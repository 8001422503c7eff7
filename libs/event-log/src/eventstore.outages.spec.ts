// The EventStoreDB log outlives every failure of its server: nothing is lost, nothing is there twice, nothing hangs.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startEventStoreServer, type EventStoreServer, type Fault } from '@app/testkit';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLogUnavailable, InvalidAppend, type Appended, type LogBatch } from './event-log.port.js';
import { EventStoreLog } from './eventstore.adapter.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';

const TIMEOUT_MS = 1_000;
/** What a busy machine may add: less than the ten seconds after which the client itself would give up. */
const GRACE_MS = 8_000;

jest.setTimeout(30_000);

let server: EventStoreServer;
let log: EventStoreLog;
beforeEach(async () => {
  server = await startEventStoreServer();
  log = EventStoreLog.connect({ url: server.url, timeoutMs: TIMEOUT_MS });
});
afterEach(async () => {
  await log.close();
  await server.stop();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await nextTurn();
};

/** The call fails as unavailable, and does so in time. */
async function expectUnavailable(call: () => Promise<unknown>): Promise<void> {
  const before = performance.now();
  await expect(call()).rejects.toBeInstanceOf(EventLogUnavailable);
  expect(performance.now() - before).toBeLessThan(TIMEOUT_MS + GRACE_MS);
}

/** Takes batches until `count` events have come or the subscription ends with an error, which is returned. */
async function follow(after: bigint | undefined, count: number): Promise<{ batches: LogBatch[]; error: unknown }> {
  const stop = new AbortController();
  const batches: LogBatch[] = [];
  try {
    for await (const batch of log.subscribe({ ...(after === undefined ? {} : { after }), signal: stop.signal })) {
      batches.push(batch);
      if (batches.flatMap(({ events }) => events).length >= count) stop.abort();
    }
    return { batches, error: undefined };
  } catch (error) {
    return { batches, error };
  }
}

describe('an append', () => {
  it.each<[Fault, number]>([
    ['mute', 0],
    ['internal', 0],
    ['not-leader', 0],
    ['cut', 0],
    ['lost-answer', 1],
  ])('that meets "%s" fails in time, and its verbatim retry is stored once', async (fault, stored) => {
    const stream = newStream();
    const first = await log.append(stream, 'no-stream', [runEnded('before')]);
    const events = runsEnded(2);
    const before = server.size;
    server.fault(fault);
    await expectUnavailable(() => log.append(stream, first.revision, events));
    expect(server.size).toBe(before + 2 * stored);
    const { revision, position } = await log.append(stream, first.revision, events);
    expect([revision, position]).toEqual([2n, await log.head()]);
    expect(runIds(await log.readStream(stream))).toEqual(['before', 'run-0', 'run-1']);
  });

  it('during an outage fails in time, and succeeds verbatim as soon as the server is back', async () => {
    const stream = newStream();
    const events = [runEnded('a')];
    await log.append(stream, 'no-stream', [runEnded('before')]);
    await server.stop();
    await expectUnavailable(() => log.append(stream, 0n, events));
    await expectUnavailable(() => log.append(stream, 0n, events));
    await server.restart();
    expect((await log.append(stream, 0n, events)).revision).toBe(1n);
  });

  it('that the server does not lead for says what to do', async () => {
    server.fault('not-leader');
    await expect(log.append(newStream(), 'no-stream', [runEnded('a')])).rejects.toThrow(/name all nodes/);
  });

  it('finds its position when the server does not tell it', async () => {
    const stream = newStream();
    const events = runsEnded(3);
    const { position } = await log.append(stream, 'no-stream', events);
    server.fault('no-position');
    expect(await log.append(stream, 'no-stream', events)).toEqual({ revision: 2n, position });
  });

  it('to a stream that an operator deleted for good is invalid', async () => {
    const stream = newStream();
    await log.append(stream, 'no-stream', [runEnded('a')]);
    server.tombstone(stream);
    await expect(log.append(stream, 0n, [runEnded('b')])).rejects.toBeInstanceOf(InvalidAppend);
  });

  it('that fails beside 300 others brings no other down for ever and crashes nothing', async () => {
    const crashes: unknown[] = [];
    const crash = (reason: unknown) => crashes.push(reason);
    process.on('unhandledRejection', crash).on('uncaughtException', crash);
    // Patient: what fails here fails because of the cut.
    const patient = EventStoreLog.connect({ url: server.url, timeoutMs: 20_000 });
    const writes = Array.from({ length: 300 }, () => ({ stream: newStream(), events: [runEnded('a')] }));
    const write = ({ stream, events }: (typeof writes)[number]) => patient.append(stream, 'no-stream', events);
    const writing = Promise.allSettled(writes.map(write));
    await until(() => server.size > 50);
    server.cut();
    const settled = await writing;
    const failed = writes.filter((_, i) => settled[i]?.status === 'rejected');
    for (const one of settled) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(EventLogUnavailable);
    expect(failed.length).toBeGreaterThan(0);
    await Promise.all(failed.map(write));
    expect(await patient.readAll()).toHaveLength(300);
    await patient.close();
    process.off('unhandledRejection', crash).off('uncaughtException', crash);
    expect(crashes).toEqual([]);
  });
});

describe('a read', () => {
  it.each<Fault>(['mute', 'internal'])('that meets "%s" fails in time, and the next one succeeds', async (fault) => {
    const stream = newStream();
    const { position } = await log.append(stream, 'no-stream', runsEnded(200));
    for (const read of [() => log.readStream(stream), () => log.readAll(), () => log.head()]) {
      server.fault(fault, 1, 'read');
      await expectUnavailable(read);
    }
    expect(await log.readStream(stream)).toHaveLength(200);
    expect(await log.head()).toBe(position);
  });

  it('that is cut off in the middle fails instead of answering with a part', async () => {
    const stream = newStream();
    await log.append(stream, 'no-stream', runsEnded(200));
    for (const read of [() => log.readStream(stream), () => log.readAll()]) {
      server.fault('cut', 1, 'read');
      await expectUnavailable(read);
      expect(await read()).toHaveLength(200);
    }
  });

  it('during an outage fails in time', async () => {
    await server.stop();
    await expectUnavailable(() => log.readStream(newStream()));
    await expectUnavailable(() => log.readAll());
    await expectUnavailable(() => log.head());
    await server.restart();
    expect(await log.head()).toBeUndefined();
  });
});

describe('a subscriber', () => {
  it.each<Fault>(['mute', 'internal', 'not-leader'])('that meets "%s" is told in time', async (fault) => {
    server.fault(fault, 1, 'read');
    const before = performance.now();
    expect((await follow(undefined, 1)).error).toBeInstanceOf(EventLogUnavailable);
    expect(performance.now() - before).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  });

  it('that is cut off in the middle is told, and misses nothing when created again from its position', async () => {
    await log.append(newStream(), 'no-stream', runsEnded(100));
    server.fault('cut', 1, 'read');
    const first = await follow(undefined, 100);
    expect(first.error).toBeInstanceOf(EventLogUnavailable);
    const seen = first.batches.flatMap(({ events }) => events);
    expect(seen.length).toBeLessThan(100);
    const second = await follow(first.batches.at(-1)?.position, 100 - seen.length);
    seen.push(...second.batches.flatMap(({ events }) => events));
    expect(runIds(seen)).toEqual(runIds(runsEnded(100)));
  });

  it('that waits for events is told when the server goes away', async () => {
    const { position } = await log.append(newStream(), 'no-stream', [runEnded('a')]);
    const following = follow(position, 1);
    await until(() => server.openConnections === 2);
    await server.stop();
    expect((await following).error).toBeInstanceOf(EventLogUnavailable);
  });

  it("sees none of the server's own events, and its position advances over them", async () => {
    const first = await log.append(newStream(), 'no-stream', [runEnded('a')]);
    for (let i = 0; i < 5; i += 1) server.writeSystemEvent();
    const stop = new AbortController();
    let last: LogBatch | undefined;
    let system = 0;
    for await (const batch of log.subscribe({ after: first.position, signal: stop.signal })) {
      last = batch;
      expect(batch.events).toEqual([]);
      system += 1;
      if (system === 1) server.writeSystemEvent();
      if (system > 1) stop.abort();
    }
    expect(last?.position).toBeGreaterThan(first.position);
    expect(await log.head()).toBe(first.position);
    expect(await log.readAll()).toHaveLength(1);
    const next = await log.append(newStream(), 'no-stream', [runEnded('b')]);
    expect((await follow(last?.position, 1)).batches.at(-1)?.events[0]?.position).toBe(next.position);
  });
});

describe('writers and a subscriber in a storm of outages', () => {
  const WRITERS = 16;
  const APPENDS = 25;

  it('lose no acknowledged append, write none twice, and see each once in order', async () => {
    const acknowledged = new Map<string, Appended[]>();
    const write = async () => {
      const stream = newStream();
      const mine: Appended[] = [];
      acknowledged.set(stream, mine);
      for (let i = 0; i < APPENDS; i += 1) {
        const events = [runEnded(`${i}`)];
        mine.push(await persist(() => log.append(stream, i === 0 ? 'no-stream' : BigInt(i - 1), events)));
      }
    };
    const written = Promise.all(Array.from({ length: WRITERS }, write));
    const seen: LogBatch['events'][number][] = [];
    const subscribed = (async () => {
      let after: bigint | undefined;
      while (seen.length < WRITERS * APPENDS) {
        const { batches } = await follow(after, WRITERS * APPENDS - seen.length);
        seen.push(...batches.flatMap(({ events }) => events));
        after = batches.at(-1)?.position ?? after;
      }
    })();
    for (const [round, fault] of (['lost-answer', 'mute', 'internal', 'cut', 'not-leader'] as const).entries()) {
      await until(() => server.size >= 60 * (round + 1));
      server.fault(fault, 4, 'append');
      await until(() => server.faultsLeft === 0);
      await server.stop();
      await server.restart();
    }
    await written;
    await subscribed;
    const positions = seen.map((event) => event.position);
    expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
    for (const [stream, appended] of acknowledged) {
      const events = await log.readStream(stream);
      expect(runIds(events)).toEqual(Array.from({ length: APPENDS }, (_, i) => `${i}`));
      expect(events.map(({ revision, position }) => ({ revision, position }))).toEqual(appended);
      expect(seen.filter((event) => event.stream === stream)).toEqual(events);
    }
  });

  /** As callers do it: the same append again for as long as its outcome is unknown. */
  async function persist<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        expect(error).toBeInstanceOf(EventLogUnavailable);
        await nextTurn();
      }
    }
  }
});

// What every adapter of the event log promises about appending; the reading half is in reading.contract.ts.
import type { AnyEvent } from '@app/events';
import { newId } from '@app/runtime';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  EventLogUnavailable,
  InvalidAppend,
  WrongExpectedRevision,
  type EventLog,
  type ExpectedRevision,
} from './event-log.port.js';
import { readingContract } from './reading.contract.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';

/** The log of an adapter; `open` gives one more on the same data where `log` is closed. It need not be empty. */
export interface LogUnderTest {
  readonly log: EventLog;
  reopen(): Promise<EventLog>;
  stop(): Promise<void>;
}

export const conflict = (stream: string, expected: ExpectedRevision, actual: ExpectedRevision) =>
  expect.objectContaining({ name: 'WrongExpectedRevision', stream, expected, actual });

/** Runs the whole suite: appending, reading, following, closing. */
export function eventLogContract(open: () => Promise<LogUnderTest>): void {
  let opened: LogUnderTest;
  let log: EventLog;
  const current = (): EventLog => log;

  beforeAll(async () => {
    opened = await open();
    log = opened.log;
  });
  afterAll(() => opened.stop());

  describe('appending', () => appendingContract(current));
  describe('refusing', () => refusingContract(current));
  describe('reading', () => readingContract(current));

  describe('closing', () => {
    it('ends subscribers, refuses every call from then on, and loses nothing', async () => {
      const stream = newStream();
      const { position } = await log.append(stream, 'no-stream', runsEnded(2));
      const { signal } = new AbortController();
      const following = (async () => {
        for await (const _ of log.subscribe({ after: position, signal }));
      })();
      const pending = log.append(stream, 1n, [runEnded('at the last moment')]);
      const settled = Promise.allSettled([pending, following]);
      await pending.catch(() => undefined);
      await log.close();
      await log.close();
      expect((await settled)[1]).toMatchObject({ status: 'rejected', reason: { name: 'EventLogUnavailable' } });
      await expect(log.append(stream, 2n, [runEnded('late')])).rejects.toBeInstanceOf(EventLogUnavailable);
      await expect(log.readStream(stream)).rejects.toBeInstanceOf(EventLogUnavailable);
      await expect(log.readAll()).rejects.toBeInstanceOf(EventLogUnavailable);
      await expect(log.head()).rejects.toBeInstanceOf(EventLogUnavailable);
      log = await opened.reopen();
      expect(runIds(await log.readStream(stream))).toEqual(['run-0', 'run-1', 'at the last moment']);
    });
  });
}

function appendingContract(log: () => EventLog): void {
  it('creates a stream and answers with the revision and position of the last event', async () => {
    const stream = newStream();
    const one = await log().append(stream, 'no-stream', [runEnded('a')]);
    const more = await log().append(stream, one.revision, runsEnded(3));
    expect([one.revision, more.revision]).toEqual([0n, 3n]);
    const events = await log().readStream(stream);
    expect(events.map((e) => e.revision)).toEqual([0n, 1n, 2n, 3n]);
    expect([events[0]?.position, events[3]?.position]).toEqual([one.position, more.position]);
    expect(await log().head()).toBe(more.position);
  });

  it('refuses to create a stream twice and tells where it stands', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', runsEnded(2));
    await expect(log().append(stream, 'no-stream', [runEnded('b')])).rejects.toEqual(conflict(stream, 'no-stream', 1n));
    expect(await log().readStream(stream)).toHaveLength(2);
  });

  it('refuses stale, future and invented revisions', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', runsEnded(3));
    await expect(log().append(stream, 1n, [runEnded('x')])).rejects.toEqual(conflict(stream, 1n, 2n));
    await expect(log().append(stream, 3n, [runEnded('x')])).rejects.toEqual(conflict(stream, 3n, 2n));
    const missing = newStream();
    await expect(log().append(missing, 0n, [runEnded('x')])).rejects.toEqual(conflict(missing, 0n, 'no-stream'));
    expect(await log().readStream(missing)).toEqual([]);
  });

  it('answers a verbatim retry with the same revision and position and adds nothing', async () => {
    const stream = newStream();
    const created = runsEnded(2);
    const batch = runsEnded(3, 'batch');
    const first = await log().append(stream, 'no-stream', created);
    const second = await log().append(stream, 1n, batch);
    expect(await log().append(stream, 1n, batch)).toEqual(second);
    expect(await log().append(stream, 'no-stream', created)).toEqual(first);
    await log().append(stream, 4n, [runEnded('later')]);
    expect(await log().append(stream, 1n, batch)).toEqual(second);
    expect(await log().readStream(stream)).toHaveLength(6);
  });

  it('takes the first events of a batch that is there for a retry of them', async () => {
    const stream = newStream();
    const batch = runsEnded(3);
    await log().append(stream, 'no-stream', batch);
    const events = await log().readStream(stream);
    expect(await log().append(stream, 'no-stream', batch.slice(0, 2))).toEqual({
      revision: 1n,
      position: events[1]?.position,
    });
  });

  it('compares ids only: the same id with another body keeps the old one', async () => {
    const stream = newStream();
    const id = newId();
    await log().append(stream, 'no-stream', [runEnded('old', id)]);
    expect((await log().append(stream, 'no-stream', [runEnded('new', id)])).revision).toBe(0n);
    expect(runIds(await log().readStream(stream))).toEqual(['old']);
  });

  it('refuses a batch that is there in part, or in another order, and writes nothing of it', async () => {
    const stream = newStream();
    const [a, b] = runsEnded(2) as [AnyEvent, AnyEvent];
    await log().append(stream, 'no-stream', [a, b]);
    for (const batch of [
      [a, b, runEnded('c')],
      [a, runEnded('c')],
      [b, a],
    ]) {
      await expect(log().append(stream, 'no-stream', batch)).rejects.toEqual(conflict(stream, 'no-stream', 1n));
    }
    expect(await log().readStream(stream)).toHaveLength(2);
  });

  it('lets exactly one of 100 racing appends win', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', [runEnded('start')]);
    const racers = runsEnded(100).map((event) => log().append(stream, 0n, [event]));
    const settled = await Promise.allSettled(racers);
    const lost = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(lost).toHaveLength(99);
    for (const reason of lost) expect(reason).toEqual(conflict(stream, 0n, 1n));
    expect(await log().readStream(stream)).toHaveLength(2);
  });

  it('writes a batch of 1,000 events as one, contiguous within its stream', async () => {
    const stream = newStream();
    const batches = ['x', 'y'].map((name) => log().append(stream, 'no-stream', runsEnded(1000, name)));
    const settled = await Promise.allSettled(batches);
    const winner = settled[0]?.status === 'fulfilled' ? 'x' : 'y';
    expect(settled.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    const events = await log().readStream(stream, { max: 2000 });
    expect(runIds(events)).toEqual(runIds(runsEnded(1000, winner)));
  });

  it('writes to several streams in order and stops at the first that conflicts', async () => {
    const [a, b, taken, never] = [newStream(), newStream(), newStream(), newStream()];
    const write = (stream: string) => ({ stream, expected: 'no-stream' as const, events: runsEnded(2) });
    const results = await log().appendAll([write(b), write(a), write(taken)]);
    expect(results.map((one) => one.revision)).toEqual([1n, 1n, 1n]);
    const positions = results.map((one) => one.position);
    expect(positions).toEqual([...positions].sort((x, y) => Number(x - y)));
    await expect(log().appendAll([write(taken), write(never)])).rejects.toBeInstanceOf(WrongExpectedRevision);
    expect(await log().readStream(never)).toEqual([]);
  });

  it('keeps odd stream names apart', async () => {
    const id = newId();
    const names = ['with space', 'a/b', 'a:b', 'äöü', '🦆', "it's", 'A', 'a', '%41', 'x'.repeat(1_900)];
    for (const name of names) await log().append(`${name}-${id}`, 'no-stream', [runEnded(name)]);
    for (const name of names) {
      const [event, ...others] = await log().readStream(`${name}-${id}`);
      expect([event?.stream, event?.data, others]).toEqual([`${name}-${id}`, { runId: name }, []]);
    }
  });

  it('writes 1,000,000 bytes and refuses what is above the limit', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', [runEnded('x'.repeat(1_000_000))]);
    const over = [runEnded('x'.repeat(600_000)), runEnded('x'.repeat(600_000))];
    await expect(log().append(stream, 0n, over)).rejects.toBeInstanceOf(InvalidAppend);
    await log().append(stream, 0n, [runEnded('the log goes on')]);
    expect(await log().readStream(stream)).toHaveLength(2);
  });
}

function refusingContract(log: () => EventLog): void {
  const cyclic: Record<string, unknown> = {};
  cyclic.itself = cyclic;
  const cases: [string, (stream: string) => [string, ExpectedRevision, AnyEvent[]]][] = [
    ['an append without events', (stream) => [stream, 'no-stream', []]],
    ['a stream without a name', () => ['', 'no-stream', [runEnded('a')]]],
    ['a stream that is named like those of the server', () => ['$settings', 'no-stream', [runEnded('a')]]],
    ['a negative revision', (stream) => [stream, -1n, [runEnded('a')]]],
    ['data that refers to itself', (stream) => [stream, 'no-stream', [runEnded(cyclic as never)]]],
    ['data that JSON cannot say', (stream) => [stream, 'no-stream', [runEnded('a'), runEnded(1n as never)]]],
    ['an event of 17 MB', (stream) => [stream, 'no-stream', [runEnded('x'.repeat(17 * 1024 * 1024))]]],
  ];

  it.each(cases)('%s is invalid at once and writes nothing', async (_name, make) => {
    const fresh = newStream();
    const [stream, expected, events] = make(fresh);
    await expect(log().append(stream, expected, events)).rejects.toBeInstanceOf(InvalidAppend);
    expect(await log().readStream(fresh)).toEqual([]);
  });

  it('one invalid write of several keeps all of them out', async () => {
    const stream = newStream();
    const valid = { stream, expected: 'no-stream' as const, events: [runEnded('a')] };
    const invalid = { stream: newStream(), expected: 'no-stream' as const, events: [] };
    await expect(log().appendAll([valid, invalid])).rejects.toBeInstanceOf(InvalidAppend);
    expect(await log().readStream(stream)).toEqual([]);
  });
}

// What every adapter of the event log promises about reading and following; run by event-log.contract.ts.
import type { RecordedEvent } from '@app/events';
import { expect, it } from '@jest/globals';
import type { Appended, EventLog } from './event-log.port.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';

type Log = () => EventLog;
const key = (event: RecordedEvent): string => `${event.position} ${event.stream}@${event.revision}`;

/** Follows until `count` events of the chosen streams have come; @returns them and the position to resume after. */
async function follow(
  log: EventLog,
  after: bigint | undefined,
  count: number,
  isOurs: (event: RecordedEvent) => boolean = () => true,
): Promise<{ events: RecordedEvent[]; position: bigint }> {
  const stop = new AbortController();
  const events: RecordedEvent[] = [];
  let position = after ?? -1n;
  for await (const batch of log.subscribe({ ...(after === undefined ? {} : { after }), signal: stop.signal })) {
    events.push(...batch.events.filter(isOurs));
    expect(batch.position).toBeGreaterThan(position);
    position = batch.position;
    if (events.length >= count) stop.abort();
  }
  return { events, position };
}

/** `writers` at once, each appending `appends` events to a stream of its own, one after the other. */
async function writeAtOnce(log: EventLog, writers: number, appends: number): Promise<Map<string, Appended[]>> {
  const written = new Map<string, Appended[]>();
  const write = async () => {
    const stream = newStream('writer');
    const mine: Appended[] = [];
    written.set(stream, mine);
    for (let i = 0; i < appends; i += 1) {
      mine.push(await log.append(stream, i === 0 ? 'no-stream' : BigInt(i - 1), [runEnded(`${i}`)]));
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return written;
}

export function readingContract(log: Log): void {
  streamContract(log);
  orderContract(log);
  followContract(log);
}

function streamContract(log: Log): void {
  it('a stream that does not exist is empty, however it is read', async () => {
    const stream = newStream();
    expect(await log().readStream(stream)).toEqual([]);
    expect(await log().readStream(stream, { direction: 'backwards', max: 1 })).toEqual([]);
    expect(await log().readStream(stream, { from: 7n })).toEqual([]);
  });

  it('a stream is read forwards and backwards, from a revision, up to a number of events', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', runsEnded(5));
    const read = async (...options: Parameters<EventLog['readStream']> extends [string, ...infer O] ? O : never) =>
      (await log().readStream(stream, ...options)).map((event) => Number(event.revision));
    expect(await read()).toEqual([0, 1, 2, 3, 4]);
    expect(await read({ direction: 'backwards' })).toEqual([4, 3, 2, 1, 0]);
    expect(await read({ from: 3n })).toEqual([3, 4]);
    expect(await read({ from: 1n, max: 2 })).toEqual([1, 2]);
    expect(await read({ from: 2n, direction: 'backwards' })).toEqual([2, 1, 0]);
    expect(await read({ direction: 'backwards', max: 1 })).toEqual([4]);
    expect(await read({ from: 5n })).toEqual([]);
    expect(await read({ max: 0 })).toEqual([]);
  });

  it('an event comes back as it was appended, with the bytes that name its stream and revision', async () => {
    const stream = newStream();
    const event = runEnded('ä "quoted" 🦆');
    const before = await log().append(newStream(), 'no-stream', [runEnded('before')]);
    const { position } = await log().append(stream, 'no-stream', [event]);
    const [recorded] = (await log().readStream(stream)) as [RecordedEvent];
    expect(recorded).toEqual({ ...event, stream, revision: 0n, position, bytes: recorded.bytes });
    const stored = JSON.parse(Buffer.from(recorded.bytes).toString('utf8')) as unknown;
    expect(stored).toEqual({ ...event, stream, revision: 0 });
    const [fromAll] = await log().readAll({ after: before.position, max: 1 });
    expect(Buffer.from((fromAll as RecordedEvent).bytes).equals(Buffer.from(recorded.bytes))).toBe(true);
  });

  it('an event is held at its own place only, and by the log it was read from', async () => {
    const stream = newStream();
    await log().append(stream, 'no-stream', runsEnded(2));
    const [first, second] = (await log().readStream(stream)) as [RecordedEvent, RecordedEvent];
    expect(await log().holds(first)).toBe(true);
    expect(await log().holds({ ...second, id: first.id })).toBe(false);
    expect(await log().holds({ ...first, position: second.position + 1_000n, revision: 7n })).toBe(false);
    expect(await log().holds({ ...first, position: second.position + 1_000n, stream: newStream() })).toBe(false);
  });
}

function orderContract(log: Log): void {
  it('all streams are read in commit order under concurrent writers, without a gap or a duplicate', async () => {
    const before = await log().append(newStream(), 'no-stream', [runEnded('before')]);
    const written = await writeAtOnce(log(), 50, 6);
    const events = await log().readAll({ after: before.position });
    const positions = events.map((event) => event.position);
    expect(events).toHaveLength(300);
    expect(new Set(positions).size).toBe(300);
    expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
    for (const [stream, appended] of written) {
      const mine = events.filter((event) => event.stream === stream);
      expect(mine.map(({ revision, position }) => ({ revision, position }))).toEqual(appended);
    }
  });

  it('pages of all streams join without overlap', async () => {
    const before = await log().append(newStream(), 'no-stream', [runEnded('before')]);
    for (let i = 0; i < 4; i += 1) await log().append(newStream(), 'no-stream', runsEnded(5, `${i}`));
    const paged: RecordedEvent[] = [];
    let after = before.position;
    for (;;) {
      const page = await log().readAll({ after, max: 7 });
      paged.push(...page);
      if (page.length < 7) break;
      after = (page.at(-1) as RecordedEvent).position;
    }
    expect(paged.map(key)).toEqual((await log().readAll({ after: before.position })).map(key));
    expect(paged).toHaveLength(20);
    expect(await log().readAll({ after: (await log().head()) as bigint })).toEqual([]);
    expect(await log().readAll({ max: 1 })).toHaveLength(1);
  });
}

function followContract(log: Log): void {
  it('a subscriber catches up, then follows live, in the order of the log', async () => {
    const before = await log().append(newStream(), 'no-stream', [runEnded('before')]);
    const early = writeAtOnce(log(), 10, 10);
    const following = follow(log(), before.position, 300);
    await early;
    await writeAtOnce(log(), 20, 10);
    const { events, position } = await following;
    expect(events.map(key)).toEqual((await log().readAll({ after: before.position })).map(key));
    expect(position).toBe(await log().head());
  });

  it('a subscriber that starts at the beginning sees what was there before it', async () => {
    const stream = newStream();
    const appended = await log().append(stream, 'no-stream', runsEnded(2));
    const { events } = await follow(log(), undefined, 2, (event) => event.stream === stream);
    expect(events.at(-1)?.position).toBe(appended.position);
    expect(runIds(events)).toEqual(['run-0', 'run-1']);
  });

  it('a subscriber that is stopped half-way and resumed loses nothing and repeats nothing', async () => {
    const before = await log().append(newStream(), 'no-stream', [runEnded('before')]);
    const writing = writeAtOnce(log(), 20, 20);
    const seen: RecordedEvent[] = [];
    let after = before.position;
    while (seen.length < 400) {
      const { events, position } = await follow(log(), after, 1);
      seen.push(...events);
      after = position;
    }
    await writing;
    expect(seen.map(key)).toEqual((await log().readAll({ after: before.position })).map(key));
  });

  it('a subscription ends without an error when it is told to, also while nothing comes', async () => {
    const { position } = await log().append(newStream(), 'no-stream', [runEnded('last')]);
    const stop = new AbortController();
    const following = follow(log(), position, 1);
    const idle = (async () => {
      for await (const _ of log().subscribe({ after: position, signal: stop.signal }));
      return 'ended';
    })();
    await log().append(newStream(), 'no-stream', [runEnded('wakes the other')]);
    await following;
    stop.abort();
    expect(await idle).toBe('ended');
    const aborted = log().subscribe({ after: position, signal: AbortSignal.abort() });
    expect(await aborted[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
  });
}

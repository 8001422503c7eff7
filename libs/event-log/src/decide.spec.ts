// Decisions are made on the newest state and recorded exactly once, whoever else decides and whatever fails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEventStoreServer, type EventStoreServer } from '@app/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Decisions, STATE_BYTES, type Aggregate, type Decision } from './decide.js';
import { EventLogUnavailable, InvalidAppend, WrongExpectedRevision } from './event-log.port.js';
import { EventStoreLog } from './eventstore.adapter.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';
import { SqliteEventLog } from './sqlite.adapter.js';

/** The run ids of a stream. The state is changed in place, as aggregates may do. */
const runs: Aggregate<string[]> = {
  initial: () => [],
  evolve: (state, event) => {
    state.push(...runIds([event]));
    return state;
  },
};

/** Adds `runId` unless it is there. */
const add =
  (runId: string) =>
  (state: string[]): Decision<number> => ({
    events: state.includes(runId) ? [] : [runEnded(runId)],
    result: state.length,
  });

describe('Decisions', () => {
  let directory: string;
  let log: SqliteEventLog;
  let decisions: Decisions;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'decide-'));
    log = SqliteEventLog.open({ directory });
    decisions = new Decisions(log);
  });
  afterEach(async () => {
    await log.close();
    await rm(directory, { recursive: true });
  });

  it('answers with the state, the revision and the position after the decision', async () => {
    const stream = newStream();
    const decided = await decisions.execute(stream, runs, add('a'));
    expect(decided).toEqual({ state: ['a'], result: 0, revision: 0n, position: await log.head(), appended: true });
    await decisions.execute(stream, runs, add('b'));
    expect(await decisions.load(stream, runs)).toEqual({ state: ['a', 'b'], revision: 1n });
    expect(await decisions.load(newStream(), runs)).toEqual({ state: [], revision: undefined });
  });

  it('appends nothing when nothing changes', async () => {
    const stream = newStream();
    expect(await decisions.execute(stream, runs, () => ({ events: [], result: 'nothing' }))).toEqual({
      state: [],
      result: 'nothing',
      revision: undefined,
      position: undefined,
      appended: false,
    });
    await decisions.execute(stream, runs, add('a'));
    const again = await decisions.execute(stream, runs, add('a'));
    expect(again).toMatchObject({ result: 1, revision: 0n, appended: false });
    expect(await log.readAll()).toHaveLength(1);
  });

  it('decides again on the newer state after a conflict', async () => {
    const stream = newStream();
    const seen: string[][] = [];
    const decided = await decisions.execute(stream, runs, async (state, revision) => {
      seen.push([...state]);
      if (seen.length === 1) await log.append(stream, revision ?? 'no-stream', runsEnded(2, 'other'));
      return add('mine')(state);
    });
    expect(seen).toEqual([[], ['other-0', 'other-1']]);
    expect(decided).toMatchObject({ state: ['other-0', 'other-1', 'mine'], revision: 2n });
    expect(runIds(await log.readStream(stream))).toEqual(['other-0', 'other-1', 'mine']);
  });

  it('lets 100 racing decisions of four processes all come true, each on the state that it saw', async () => {
    const stream = newStream();
    const processes = Array.from({ length: 4 }, () => new Decisions(log));
    const racing = Array.from({ length: 100 }, (_, i) =>
      (processes[i % 4] as Decisions).execute(stream, runs, add(`${i}`)),
    );
    const decided = await Promise.all(racing);
    const written = runIds(await log.readStream(stream));
    expect(written.length).toBe(100);
    for (const [i, { result, revision }] of decided.entries()) {
      expect(revision).toBe(BigInt(result));
      expect(written[result]).toBe(`${i}`);
    }
  });

  it('carries out one of 100 racing decisions where only one can be true', async () => {
    const stream = newStream();
    const racing = Array.from({ length: 100 }, () => new Decisions(log).execute(stream, runs, add('the one')));
    const decided = await Promise.all(racing);
    expect(decided.filter((one) => one.appended)).toHaveLength(1);
    expect(await log.readStream(stream)).toHaveLength(1);
  });

  it('passes on what the decision throws, and the next one is not harmed', async () => {
    const stream = newStream();
    const refusing = decisions.execute(stream, runs, () => {
      throw new Error('not allowed');
    });
    await expect(refusing).rejects.toThrow('not allowed');
    const invalid = decisions.execute(stream, runs, () => ({ events: [runEnded('x'.repeat(2_000_000))], result: 0 }));
    await expect(invalid).rejects.toBeInstanceOf(InvalidAppend);
    expect((await decisions.execute(stream, runs, add('a'))).state).toEqual(['a']);
  });

  it('folds streams of any length and forgets none of it when the cache is full', async () => {
    const small = new Decisions(log, { cacheBytes: STATE_BYTES });
    const [long, other] = [newStream(), newStream()];
    await log.append(long, 'no-stream', runsEnded(2_500));
    for (let i = 0; i < 3; i += 1) {
      expect((await small.execute(long, runs, add(`more-${i}`))).result).toBe(2_500 + i);
      await small.execute(other, runs, add('a'));
    }
    expect((await small.load(long, runs)).revision).toBe(2_502n);
  });

  it('keeps as many states as fit into its memory, also while they grow', async () => {
    const weighed: Aggregate<string[]> = { ...runs, sizeOf: (state) => (1 + state.length) * STATE_BYTES };
    const sole = new Decisions(log, { soleWriter: true, cacheBytes: 5 * STATE_BYTES });
    const [small, growing] = [newStream(), newStream()];
    await sole.execute(small, weighed, add('a'));
    await sole.execute(growing, weighed, add('a'));
    await log.append(small, 0n, [runEnded('seen when it is read again')]);
    await sole.execute(growing, weighed, add('b'));
    expect((await sole.load(small, weighed)).state).toEqual(['a']);
    await sole.execute(growing, weighed, add('c'));
    expect((await sole.load(small, weighed)).state).toEqual(['a', 'seen when it is read again']);
  });

  it('as the sole writer, knows its streams without reading them again', async () => {
    const sole = new Decisions(log, { soleWriter: true });
    const stream = newStream();
    await sole.execute(stream, runs, add('a'));
    await log.append(stream, 0n, [runEnded('written behind its back')]);
    expect((await sole.load(stream, runs)).state).toEqual(['a']);
    const decided = await sole.execute(stream, runs, add('b'));
    expect(decided.state).toEqual(['a', 'written behind its back', 'b']);
  });

  describe('on several streams', () => {
    const reserve = (first: string, after: string) => (): Decision<string> => ({
      events: [runEnded('user')],
      result: 'done',
      alsoFirst: [{ stream: first, expected: 'no-stream', events: runsEnded(2, 'first') }],
      alsoAfter: [{ stream: after, expected: 'no-stream', events: [runEnded('after')] }],
    });

    it('writes what comes first and after in this order, and waits for the last of them', async () => {
      const [first, stream, after] = [newStream(), newStream(), newStream()];
      const decided = await decisions.execute(stream, runs, reserve(first, after));
      expect(runIds(await log.readAll())).toEqual(['first-0', 'first-1', 'user', 'after']);
      expect(decided).toMatchObject({ revision: 0n, position: await log.head(), state: ['user'] });
    });

    it('leaves a conflict on another stream to the caller, and writes nothing', async () => {
      const [first, stream, after] = [newStream(), newStream(), newStream()];
      await log.append(first, 'no-stream', [runEnded('taken')]);
      const deciding = decisions.execute(stream, runs, reserve(first, after));
      await expect(deciding).rejects.toMatchObject({ name: 'WrongExpectedRevision', stream: first });
      expect(await log.readAll()).toHaveLength(1);
      expect((await decisions.load(stream, runs)).state).toEqual([]);
    });
  });
});

describe('Decisions on a log that fails', () => {
  let server: EventStoreServer;
  let log: EventStoreLog;
  let decisions: Decisions;
  beforeEach(async () => {
    server = await startEventStoreServer();
    log = EventStoreLog.connect({ url: server.url, timeoutMs: 1_000 });
    decisions = new Decisions(log);
  });
  afterEach(async () => {
    await log.close();
    await server.stop();
  });

  it('tries the same append again when the answer was lost: decided once, recorded once', async () => {
    const stream = newStream();
    let decided = 0;
    server.fault('lost-answer', 1, 'append');
    const { revision } = await decisions.execute(stream, runs, (state) => {
      decided += 1;
      return add('a')(state);
    });
    expect([decided, revision, server.faultsLeft]).toEqual([1, 0n, 0]);
    expect(runIds(await log.readStream(stream))).toEqual(['a']);
  });

  it('tells the caller after the second failure, and the next decision sees what was written', async () => {
    const stream = newStream();
    server.fault('lost-answer', 2, 'append');
    await expect(decisions.execute(stream, runs, add('a'))).rejects.toBeInstanceOf(EventLogUnavailable);
    const next = await decisions.execute(stream, runs, add('a'));
    expect(next).toMatchObject({ state: ['a'], appended: false });
  });

  it('repeats writes to several streams from the first that is missing', async () => {
    const [first, stream] = [newStream(), newStream()];
    server.fault('lost-answer', 1, 'append');
    const decision = (): Decision<undefined> => ({
      events: [runEnded('user')],
      result: undefined,
      alsoFirst: [{ stream: first, expected: 'no-stream', events: [runEnded('reserved')] }],
    });
    await decisions.execute(stream, runs, decision);
    expect(runIds(await log.readAll())).toEqual(['reserved', 'user']);
    await expect(decisions.execute(newStream(), runs, decision)).rejects.toBeInstanceOf(WrongExpectedRevision);
  });
});

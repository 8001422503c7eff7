// The events of a stream are found whatever became of the index: lost, from another time, of another log, or not written.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventLogUnavailable, WrongExpectedRevision } from './event-log.port.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';
import { StreamIndex } from './sqlite-index.js';
import { SqliteEventLog } from './sqlite.adapter.js';

const LAST = 2n ** 63n - 1n;

describe('The streams of an embedded log', () => {
  let directory: string;
  let log: SqliteEventLog;
  const file = (name: string) => join(directory, name);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streams-'));
    log = SqliteEventLog.open({ directory });
  });
  afterEach(async () => {
    await log.close();
    await rm(directory, { recursive: true });
  });

  async function reopenAfter(change: () => Promise<unknown> | void): Promise<void> {
    await log.close();
    await change();
    log = SqliteEventLog.open({ directory });
  }

  it('are found again without their index, and in a log that was made with one of its own', async () => {
    const stream = newStream();
    await log.append(stream, 'no-stream', runsEnded(3));
    await reopenAfter(async () => {
      await rm(file('streams.db'));
      const earlier = new DatabaseSync(file('events.db'));
      earlier.exec('CREATE UNIQUE INDEX events_stream ON events (stream, revision)');
      earlier.close();
    });
    expect(runIds(await log.readStream(stream))).toEqual(['run-0', 'run-1', 'run-2']);
    await expect(log.append(stream, 1n, [runEnded('again')])).rejects.toBeInstanceOf(WrongExpectedRevision);
    expect((await log.append(stream, 2n, [runEnded('next')])).revision).toBe(3n);
  });

  it('are those of the log that was restored from a copy, whose index is newer', async () => {
    const stream = newStream();
    await log.append(stream, 'no-stream', runsEnded(2));
    await reopenAfter(() => cp(file('events.db'), file('copy.db')));
    await log.append(stream, 1n, runsEnded(2, 'lost'));
    await reopenAfter(() => cp(file('copy.db'), file('events.db')));
    expect(runIds(await log.readStream(stream))).toEqual(['run-0', 'run-1']);
    expect((await log.append(stream, 1n, [runEnded('next')])).revision).toBe(2n);
  });

  it('are those of the log, not of another one whose index was put in its place', async () => {
    const [here, elsewhere] = [newStream(), newStream()];
    await log.append(here, 'no-stream', [runEnded('here')]);
    await reopenAfter(async () => {
      const other = SqliteEventLog.open({ directory: file('other') });
      await other.append(elsewhere, 'no-stream', [runEnded('elsewhere')]);
      await other.close();
      await cp(join(file('other'), 'streams.db'), file('streams.db'));
    });
    expect(runIds(await log.readStream(here))).toEqual(['here']);
    expect(await log.readStream(elsewhere)).toEqual([]);
  });

  it('are not blamed for a log or a lock that is damaged', async () => {
    for (let i = 0; i < 50; i += 1) await log.append(newStream(), 'no-stream', runsEnded(20));
    await reopenAfter(() => cp(file('events.db'), file('copy.db')));
    await log.close();
    const open = () => SqliteEventLog.open({ directory });
    for (const bytes of [await broken('copy.db'), Buffer.from('not a database, whatever it is called')]) {
      await writeFile(file('events.db'), bytes);
      await rm(file('streams.db'));
      expect(open).toThrow(/events\.db cannot be read: .*restore it from a backup/);
    }
    await cp(file('copy.db'), file('events.db'));
    await writeFile(file('events.lock'), 'not a database, whatever it is called');
    expect(open).toThrow(/events\.lock cannot be used: .*Delete it/);
    await rm(file('events.lock'));
    log = open();
  });

  /** Nothing readable between the first page and the last. */
  async function broken(name: string): Promise<Buffer> {
    const page = 16 * 1024;
    const bytes = await readFile(file(name));
    return bytes.fill(0xa5, page, bytes.length - page);
  }

  it('say what to do when their index cannot be opened', async () => {
    await log.close();
    await cp(import.meta.filename, file('streams.db'));
    expect(() => SqliteEventLog.open({ directory })).toThrow(
      /streams\.db cannot be used: .*Delete it: it is made again/,
    );
    await rm(file('streams.db'));
    log = SqliteEventLog.open({ directory });
  });
});

describe('StreamIndex', () => {
  let log: DatabaseSync;
  let db: DatabaseSync;
  let index: StreamIndex;
  let errors: unknown[];
  beforeEach(() => {
    jest.useFakeTimers();
    log = new DatabaseSync(':memory:');
    log.exec('CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, id TEXT, bytes BLOB)');
    db = new DatabaseSync(':memory:');
    errors = [];
    index = new StreamIndex(log, db, (error) => errors.push(error));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** As the log does: the event, then its place. */
  function append(stream: string, revision: bigint): void {
    index.catchUp();
    const insertion = log.prepare('INSERT INTO events (stream, revision) VALUES (?, ?)');
    index.add(stream, revision, BigInt(insertion.run(stream, revision).lastInsertRowid));
  }

  const progress = () => Number(db.prepare('SELECT position FROM progress').get()?.['position']);
  const all = { from: 0n, direction: 'forwards', max: 10 } as const;

  it('knows at once what is added, and writes it after a while with all that came meanwhile', () => {
    append('a', 0n);
    append('b', 0n);
    append('a', 1n);
    expect(index.last('a')).toBe(1n);
    expect(index.positionOf('a', 1n)).toBe(3n);
    expect(index.positions('a', all)).toEqual([1n, 3n]);
    expect(index.positions('a', { from: LAST, direction: 'backwards', max: 1 })).toEqual([3n]);
    expect([db.isTransaction, progress()]).toEqual([true, -1]);
    jest.runAllTimers();
    expect([db.isTransaction, progress()]).toEqual([false, 3]);
    expect([index.last('c'), index.positionOf('a', 2n)]).toEqual([undefined, undefined]);
  });

  it('forgets what the log did not commit, and nothing that it did', () => {
    append('a', 0n);
    log.exec('BEGIN');
    append('a', 1n);
    log.exec('ROLLBACK');
    index.forget();
    expect(index.last('a')).toBe(0n);
    append('a', 1n);
    expect(index.positions('a', all)).toEqual([1n, 2n]);
  });

  it('reads from the log what it could not write', () => {
    append('a', 0n);
    jest.spyOn(db, 'exec').mockImplementationOnce(() => {
      throw new Error('database or disk is full');
    });
    jest.runAllTimers();
    expect(progress()).toBe(-1);
    expect(errors).toEqual([new Error('database or disk is full')]);
    append('a', 1n);
    expect(index.positions('a', all)).toEqual([1n, 2n]);
  });

  it('answers nothing while it is behind and cannot write, and all of it afterwards', () => {
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
    const stream = (i: number) => `${i}-`.padEnd(500, 'x');
    db.exec(`PRAGMA max_page_count=${pages + 2}`);
    const fill = () => {
      for (let i = 0; i < 100; i += 1) append(stream(i), 0n);
    };
    expect(fill).toThrow('database or disk is full');
    index.forget();
    expect(() => index.last(stream(0))).toThrow(EventLogUnavailable);
    expect(() => append('next', 0n)).toThrow(EventLogUnavailable);
    db.exec('PRAGMA max_page_count=1000');
    expect(index.last(stream(0))).toBe(0n);
    expect(index.last('next')).toBeUndefined();
  });

  it('does not take a stream to be at two places in one revision', () => {
    append('a', 0n);
    expect(() => append('a', 0n)).toThrow('UNIQUE constraint failed');
  });
});

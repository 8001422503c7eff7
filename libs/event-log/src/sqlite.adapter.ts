// The embedded event log: node:sqlite, where all appends of one tick are made durable by one commit.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AnyEvent, RecordedEvent } from '@app/events';
import { decode, encode, firstRevision, recorded } from './codec.js';
import { CommitTiming } from './commit-timing.js';
import {
  EventLog,
  EventLogUnavailable,
  InvalidAppend,
  WrongExpectedRevision,
  type AppendOptions,
  type Appended,
  type ExpectedRevision,
  type LogBatch,
  type ReadStreamOptions,
  type StreamWrite,
} from './event-log.port.js';
import { takeLock } from './lock-file.js';
import { Tail } from './tail.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    bytes BLOB NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS events_stream ON events (stream, revision);
`;

/** Events per batch handed to a subscriber. */
const BATCH = 512;
const DEFAULT_MAX = 1000;
/** Pages (4 KiB) of write-ahead log before they are moved: what is written again and again is moved once. */
const WAL_PAGES = 8_000;
/** A commit looks through the whole cache once: a larger one costs more than it saves. */
const CACHE_KIB = 16 * 1024;
/** How often a reader looks for new events. */
const POLL_MS = 25;

interface Pending {
  readonly writes: readonly StreamWrite[];
  readonly encoded: readonly Buffer[][];
  readonly resolve: (appended: Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Row {
  position: bigint;
  bytes: Uint8Array;
}

export class SqliteEventLog extends EventLog {
  private readonly statements;
  private pending: Pending[] = [];
  private readonly timing = new CommitTiming(
    () => this.pending.length,
    () => this.commit(),
  );
  private readonly waiting = new Set<() => void>();
  private readonly tail = new Tail();
  private closed = false;

  private constructor(
    private readonly db: DatabaseSync,
    /** Undefined for a reader. */
    private readonly releaseLock: (() => void) | undefined,
  ) {
    super();
    const prepare = (text: string) => {
      const statement = db.prepare(text);
      statement.setReadBigInts(true);
      return statement;
    };
    this.statements = {
      insert: prepare('INSERT INTO events (stream, revision, id, bytes) VALUES (?, ?, ?, ?)'),
      last: prepare('SELECT max(revision) AS revision FROM events WHERE stream = ?'),
      at: prepare('SELECT id, position FROM events WHERE stream = ? AND revision = ?'),
      forwards: prepare(
        'SELECT position, bytes FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?',
      ),
      backwards: prepare(
        'SELECT position, bytes FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?',
      ),
      all: prepare('SELECT position, bytes FROM events WHERE position > ? ORDER BY position LIMIT ?'),
      head: prepare('SELECT max(position) AS position FROM events'),
    };
  }

  /**
   * Opens the log in `directory`, creating it when missing.
   * @throws if another live process has it open: one process writes
   */
  static open({ directory }: { directory: string }): SqliteEventLog {
    mkdirSync(directory, { recursive: true });
    const releaseLock = takeLock(join(directory, 'events.lock'));
    try {
      const db = new DatabaseSync(join(directory, 'events.db'));
      db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000');
      db.exec(`PRAGMA wal_autocheckpoint=${WAL_PAGES}; PRAGMA cache_size=-${CACHE_KIB}`);
      db.exec(SCHEMA);
      return new SqliteEventLog(db, releaseLock);
    } catch (error) {
      releaseLock();
      throw error;
    }
  }

  /**
   * Opens a log that this or another process writes, to read it on another thread. A subscription looks for new events
   * every 25 ms; an append is refused.
   */
  static openReader({ directory }: { directory: string }): SqliteEventLog {
    return new SqliteEventLog(new DatabaseSync(join(directory, 'events.db'), { readOnly: true }), undefined);
  }

  override async appendAll(writes: readonly StreamWrite[], { patient }: AppendOptions = {}): Promise<Appended[]> {
    if (this.releaseLock === undefined) throw new InvalidAppend('this event log was opened for reading');
    if (this.closed) throw new EventLogUnavailable('the event log is closed');
    const encoded = writes.map(({ stream, expected, events }) => encode(stream, firstRevision(expected), events));
    return new Promise((resolve, reject) => {
      this.pending.push({ writes, encoded, resolve, reject });
      if (patient === true) this.timing.patiently();
      else this.timing.soon();
    });
  }

  /** One transaction for all that waits; a conflict is found before its caller has written anything. */
  private commit(): void {
    const batch = this.pending;
    this.pending = [];
    this.timing.begun();
    // Closing has committed it already.
    if (batch.length === 0) return;
    const answers: (() => void)[] = [];
    try {
      this.db.exec('BEGIN IMMEDIATE');
      for (const pending of batch) answers.push(this.write(pending));
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      this.tail.forget();
      const reason = new EventLogUnavailable(`the event log could not be written: ${(error as Error).message}`);
      for (const { reject } of batch) reject(reason);
      return;
    }
    for (const answer of answers) answer();
    this.tail.commit();
    this.announce();
  }

  private write({ writes, encoded, resolve, reject }: Pending): () => void {
    try {
      const appended = this.check(writes);
      for (const [i, { stream, expected, events }] of writes.entries()) {
        appended[i] ??= this.insert(stream, firstRevision(expected), events, encoded[i] as Buffer[]);
      }
      return () => resolve(appended as Appended[]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      return () => reject(error);
    }
  }

  /**
   * Before anything is written, so that a conflict leaves nothing to undo.
   * @returns for each write what it came to when it is there already, undefined when it is to be inserted
   */
  private check(writes: readonly StreamWrite[]): (Appended | undefined)[] {
    const written = new Map<string, bigint>();
    return writes.map(({ stream, expected, events }) => {
      const last = written.get(stream) ?? (this.statements.last.get(stream) as { revision: bigint | null }).revision;
      const first = firstRevision(expected);
      if ((last ?? -1n) !== first - 1n) return this.alreadyThere(stream, expected, first, events, last);
      written.set(stream, first + BigInt(events.length) - 1n);
      return undefined;
    });
  }

  private insert(stream: string, first: bigint, events: StreamWrite['events'], encoded: readonly Buffer[]): Appended {
    let position = 0n;
    for (const [i, bytes] of encoded.entries()) {
      const event = events[i] as AnyEvent;
      const revision = first + BigInt(i);
      position = this.statements.insert.run(stream, revision, event.id, bytes).lastInsertRowid as bigint;
      this.tail.add(recorded(event, { stream, revision, position, bytes }));
    }
    return { revision: first + BigInt(encoded.length) - 1n, position };
  }

  /** A verbatim retry finds its own ids, in order, where it would write them. Only ids are compared. */
  private alreadyThere(
    stream: string,
    expected: ExpectedRevision,
    first: bigint,
    events: StreamWrite['events'],
    last: bigint | null,
  ): Appended {
    let position = 0n;
    for (const [i, { id }] of events.entries()) {
      const row = this.statements.at.get(stream, first + BigInt(i)) as { id: string; position: bigint } | undefined;
      if (row?.id !== id) throw new WrongExpectedRevision(stream, expected, last ?? 'no-stream');
      position = row.position;
    }
    return { revision: first + BigInt(events.length) - 1n, position };
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { direction = 'forwards', max = DEFAULT_MAX } = options;
    this.mustBeOpen();
    const from = options.from ?? (direction === 'forwards' ? 0n : LAST_REVISION);
    return this.rows(this.statements[direction].all(stream, from, max));
  }

  override async readAll({ after, max = DEFAULT_MAX }: { after?: bigint; max?: number } = {}): Promise<
    RecordedEvent[]
  > {
    this.mustBeOpen();
    return this.tail.after(after ?? -1n, max) ?? this.rows(this.statements.all.all(after ?? -1n, max));
  }

  override async *subscribe({ after, signal }: { after?: bigint; signal: AbortSignal }): AsyncIterable<LogBatch> {
    let position = after ?? -1n;
    while (!signal.aborted) {
      const events = await this.readAll({ after: position, max: BATCH });
      const last = events.at(-1);
      if (last === undefined) {
        await this.nextCommit(signal);
        continue;
      }
      position = last.position;
      yield { events, position };
    }
  }

  override async head(): Promise<bigint | undefined> {
    this.mustBeOpen();
    return (this.statements.head.get() as { position: bigint | null }).position ?? undefined;
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.pending.length > 0) this.commit();
    this.announce();
    this.db.close();
    this.releaseLock?.();
  }

  private nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // A signal that was aborted while the subscription read tells nobody any more.
      if (signal.aborted) return resolve();
      const poll = this.releaseLock === undefined ? setTimeout(() => wake(), POLL_MS) : undefined;
      const wake = () => {
        clearTimeout(poll);
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  private announce(): void {
    for (const wake of [...this.waiting]) wake();
  }

  private rows(rows: unknown[]): RecordedEvent[] {
    return (rows as Row[]).map(({ bytes, position }) => decode(bytes, position));
  }

  private mustBeOpen(): void {
    if (this.closed) throw new EventLogUnavailable('the event log is closed');
  }
}

/** The largest revision that SQLite can hold. */
const LAST_REVISION = 2n ** 63n - 1n;

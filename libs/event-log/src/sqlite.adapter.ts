// The embedded event log: node:sqlite, where all appends of one tick are made durable by one commit.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AnyEvent, RecordedEvent } from '@app/events';
import { encode, firstRevision, recorded } from './codec.js';
import { CommitTiming } from './commit-timing.js';
import {
  EventLogUnavailable,
  EVENTS_PER_READ,
  WrongExpectedRevision,
  type AppendOptions,
  type Appended,
  type ExpectedRevision,
  type ReadStreamOptions,
  type StreamWrite,
} from './event-log.port.js';
import { EmbeddedLog } from './embedded-log.js';
import { takeLock } from './lock-file.js';
import { StreamIndex, UnreadableEvents } from './sqlite-index.js';
import { prepare, SqliteReader } from './sqlite-reader.js';
import { Tail } from './tail.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    bytes BLOB NOT NULL
  );
  DROP INDEX IF EXISTS events_stream;
`;

/** Events are written one after another: in large pages a commit writes fewer of them. Of a new file; one that exists keeps its own. */
const PAGE_BYTES = 16 * 1024;
/** Of write-ahead log before its pages are moved. Once it is so long it grows no more, which makes a flush cheaper. */
const WAL_BYTES = 8 * 1024 * 1024;
/** A commit looks through the whole cache once: a larger one costs more than it saves. */
const CACHE_KIB = 16 * 1024;

interface Pending {
  readonly writes: readonly StreamWrite[];
  readonly encoded: readonly Buffer[][];
  readonly resolve: (appended: Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface SqliteEventLogOptions {
  readonly directory: string;
  /** Told of what the log mends by itself. */
  readonly onError?: (error: unknown) => void;
}

export class SqliteEventLog extends EmbeddedLog {
  private readonly insertion;
  private readonly idAt;
  private pending: Pending[] = [];
  private readonly timing = new CommitTiming(
    () => this.pending.length,
    () => this.commit(),
  );
  private readonly tail = new Tail();
  protected readonly reader: SqliteReader;

  private constructor(
    private readonly db: DatabaseSync,
    private readonly index: StreamIndex,
    private readonly releaseLock: () => void,
  ) {
    super();
    this.insertion = prepare(db, 'INSERT INTO events (stream, revision, id, bytes) VALUES (?, ?, ?, ?)');
    this.idAt = prepare(db, 'SELECT id FROM events WHERE position = ?');
    this.reader = new SqliteReader(db, { tail: this.tail });
  }

  /**
   * Opens the log in `directory`, creating it when missing.
   * @throws if another live process has it open: one process writes
   */
  static open({ directory, onError = () => undefined }: SqliteEventLogOptions): SqliteEventLog {
    mkdirSync(directory, { recursive: true });
    const releaseLock = takeLock(join(directory, 'events.lock'));
    const file = join(directory, 'events.db');
    try {
      const db = openEvents(file);
      return new SqliteEventLog(db, openIndex(join(directory, 'streams.db'), db, file, onError), releaseLock);
    } catch (error) {
      releaseLock();
      throw error;
    }
  }

  override async appendAll(writes: readonly StreamWrite[], { patient }: AppendOptions = {}): Promise<Appended[]> {
    this.reader.mustBeOpen();
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
      this.index.catchUp();
      this.db.exec('BEGIN IMMEDIATE');
      for (const pending of batch) answers.push(this.write(pending));
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      this.index.forget();
      this.tail.forget();
      const reason = new EventLogUnavailable(`the event log could not be written: ${(error as Error).message}`);
      for (const { reject } of batch) reject(reason);
      return;
    }
    for (const answer of answers) answer();
    this.tail.commit();
    this.reader.announce();
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
      const last = written.get(stream) ?? this.index.last(stream);
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
      position = this.insertion.run(stream, revision, event.id, bytes).lastInsertRowid as bigint;
      this.index.add(stream, revision, position);
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
    last: bigint | undefined,
  ): Appended {
    let position = 0n;
    for (const [i, { id }] of events.entries()) {
      const found = this.index.positionOf(stream, first + BigInt(i));
      if (found === undefined || this.idAt.get(found)?.['id'] !== id)
        throw new WrongExpectedRevision(stream, expected, last ?? 'no-stream');
      position = found;
    }
    return { revision: first + BigInt(events.length) - 1n, position };
  }

  override async readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { direction = 'forwards', max = EVENTS_PER_READ } = options;
    this.reader.mustBeOpen();
    const from = options.from ?? (direction === 'forwards' ? 0n : LAST_REVISION);
    return this.reader.at(this.index.positions(stream, { from, direction, max }));
  }

  override async close(): Promise<void> {
    if (this.reader.isClosed) return;
    if (this.pending.length > 0) this.commit();
    this.index.close();
    await this.reader.close();
    this.releaseLock();
  }
}

const unusable = (file: string, error: unknown): Error =>
  new Error(`${file} cannot be read: ${(error as Error).message}. It is the event log: restore it from a backup.`);

function openEvents(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file);
    db.exec(`PRAGMA page_size=${PAGE_BYTES}`);
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000');
    const { page_size } = db.prepare('PRAGMA page_size').get() as { page_size: number };
    db.exec(`PRAGMA wal_autocheckpoint=${WAL_BYTES / page_size}; PRAGMA cache_size=-${CACHE_KIB}`);
    db.exec(SCHEMA);
    return db;
  } catch (error) {
    throw unusable(file, error);
  }
}

function openIndex(file: string, log: DatabaseSync, logFile: string, onError: (error: unknown) => void): StreamIndex {
  try {
    return new StreamIndex(log, new DatabaseSync(file), onError);
  } catch (error) {
    if (error instanceof UnreadableEvents) throw unusable(logFile, error);
    throw new Error(`${file} cannot be used: ${(error as Error).message}. Delete it: it is made again from the log.`);
  }
}

/** The largest revision that SQLite can hold. */
const LAST_REVISION = 2n ** 63n - 1n;

// Where the events of each stream are: a view of the embedded log in a database of its own, for which no append waits.
import type { DatabaseSync } from 'node:sqlite';
import { EventLogUnavailable, type ReadStreamOptions } from './event-log.port.js';
import { prepare } from './sqlite-reader.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS revisions (
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, revision)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS progress (position INTEGER NOT NULL);
  INSERT INTO progress SELECT -1 WHERE NOT EXISTS (SELECT 1 FROM progress);
`;

/**
 * Rows of these ms are one commit. Each event of another stream is in another page: the longer it takes, the more events
 * share one, and the more of them are indexed again after a crash.
 */
const GATHER_MS = 5_000;
/** Pages (4 KiB) of write-ahead log before they are moved. */
const WAL_PAGES = 8_000;
const CACHE_KIB = 64 * 1024;

interface EventRow {
  readonly position: bigint;
  readonly stream: string;
  readonly revision: bigint;
}

/** It is the log that cannot be read, not its index. */
export class UnreadableEvents extends EventLogUnavailable {}

/**
 * It is never behind for who asks it: what a crash or a failed write took from it, it reads from the log again first. One
 * that does not belong to the log, because either was restored from a copy, is made anew.
 */
export class StreamIndex {
  private readonly statements;
  /** Some rows are missing. */
  private isBehind = true;
  /** Of the last event it holds. */
  private position = -1n;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param log its table `events`
   * @param db of the index; nobody else may have it open
   * @param onError told when rows could not be committed; they are read from the log again
   */
  constructor(
    log: DatabaseSync,
    private readonly db: DatabaseSync,
    private readonly onError: (error: unknown) => void,
  ) {
    // Before the first access: the index of the write-ahead log is then kept in memory, and no query asks for locks.
    db.exec('PRAGMA locking_mode=EXCLUSIVE');
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL');
    db.exec(`PRAGMA wal_autocheckpoint=${WAL_PAGES}; PRAGMA cache_size=-${CACHE_KIB}`);
    db.exec(SCHEMA);
    this.statements = {
      insert: prepare(db, 'INSERT INTO revisions (stream, revision, position) VALUES (?, ?, ?)'),
      progress: prepare(db, 'SELECT position FROM progress'),
      move: prepare(db, 'UPDATE progress SET position = ?'),
      last: prepare(db, 'SELECT max(revision) AS revision FROM revisions WHERE stream = ?'),
      at: prepare(db, 'SELECT position FROM revisions WHERE stream = ? AND revision = ?'),
      forwards: prepare(
        db,
        'SELECT position FROM revisions WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?',
      ),
      backwards: prepare(
        db,
        'SELECT position FROM revisions WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?',
      ),
      after: prepare(log, 'SELECT position, stream, revision FROM events WHERE position > ? ORDER BY position'),
      event: prepare(log, 'SELECT position, stream, revision FROM events WHERE position = ?'),
    };
    this.catchUp();
  }

  /** Revision of the last event of a stream; undefined where there is none. */
  last(stream: string): bigint | undefined {
    this.catchUp();
    return (this.statements.last.get(stream) as { revision: bigint | null }).revision ?? undefined;
  }

  positionOf(stream: string, revision: bigint): bigint | undefined {
    this.catchUp();
    return (this.statements.at.get(stream, revision) as { position: bigint } | undefined)?.position;
  }

  /** Positions of the events of a stream, in the order asked for. */
  positions(stream: string, { from, direction, max }: Required<ReadStreamOptions>): bigint[] {
    this.catchUp();
    const rows = this.statements[direction].all(stream, from, max) as unknown as { position: bigint }[];
    return rows.map(({ position }) => position);
  }

  /**
   * Adds an event of the transaction that the log is about to commit, before which {@link catchUp} was called. If it is not
   * committed, {@link forget} must be.
   */
  add(stream: string, revision: bigint, position: bigint): void {
    if (!this.db.isTransaction) {
      this.db.exec('BEGIN');
      this.timer = setTimeout(() => this.settle(), GATHER_MS).unref();
    }
    this.statements.insert.run(stream, revision, position);
    this.position = position;
  }

  /** Takes back all that is not committed yet: what the log holds of it is read again. */
  forget(): void {
    clearTimeout(this.timer);
    if (this.db.isTransaction) this.db.exec('ROLLBACK');
    this.isBehind = true;
  }

  close(): void {
    this.settle();
    this.db.close();
  }

  /**
   * Reads from the log what is missing; outside a transaction of it, because this is committed.
   * @throws EventLogUnavailable
   */
  catchUp(): void {
    if (!this.isBehind) return;
    try {
      this.db.exec('BEGIN');
      if (!this.belongsToLog()) this.db.exec('DELETE FROM revisions; UPDATE progress SET position = -1');
      this.position = this.progress();
      for (const { stream, revision, position } of this.missing()) {
        this.add(stream, revision, position);
      }
      this.commit();
      this.isBehind = false;
    } catch (error) {
      this.forget();
      if (error instanceof UnreadableEvents) throw error;
      throw new EventLogUnavailable(`the index of the event log could not be written: ${(error as Error).message}`);
    }
  }

  private *missing(): Iterable<EventRow> {
    try {
      yield* this.statements.after.iterate(this.position) as Iterable<unknown> as Iterable<EventRow>;
    } catch (error) {
      throw new UnreadableEvents((error as Error).message);
    }
  }

  private settle(): void {
    clearTimeout(this.timer);
    if (!this.db.isTransaction) return;
    try {
      this.commit();
    } catch (error) {
      this.forget();
      this.onError(error);
    }
  }

  private commit(): void {
    this.statements.move.run(this.position);
    this.db.exec('COMMIT');
  }

  /** Whether the log holds the last event of the index at the same place. */
  private belongsToLog(): boolean {
    const progress = this.progress();
    if (progress === -1n) return true;
    const event = this.statements.event.get(progress) as EventRow | undefined;
    const known = event && (this.statements.at.get(event.stream, event.revision) as { position: bigint } | undefined);
    return known?.position === progress;
  }

  private progress(): bigint {
    return (this.statements.progress.get() as { position: bigint }).position;
  }
}

// Reads the embedded log in the order of its events: as part of who writes it, or on a connection of its own.
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { RecordedEvent } from '@app/events';
import { decode } from './codec.js';
import {
  EventLogUnavailable,
  EVENTS_PER_BATCH,
  EVENTS_PER_READ,
  type EventPlace,
  type LogBatch,
  type LogReader,
} from './event-log.port.js';
import type { Tail } from './tail.js';

/** How often a reader that nobody tells of commits looks for new events. */
const POLL_MS = 25;

interface Row {
  readonly position: bigint;
  readonly bytes: Uint8Array;
}

/** A statement whose integers come as bigint. */
export function prepare(db: DatabaseSync, text: string): StatementSync {
  const statement = db.prepare(text);
  statement.setReadBigInts(true);
  return statement;
}

/** By which a reader is told of commits; without either the log is looked at every 25 ms. */
export interface SqliteReaderParts {
  /** Of the writer, who announces each commit. */
  readonly tail?: Tail;
  /** Resolves once there is an event after a position, and fails when nobody would say so any more. */
  readonly newsAfter?: (position: bigint) => Promise<unknown>;
}

export class SqliteReader implements LogReader {
  private readonly waiting = new Set<() => void>();
  private readonly all: StatementSync;
  private readonly one: StatementSync;
  private readonly last: StatementSync;
  private readonly idAt: StatementSync;
  private closed = false;

  constructor(
    private readonly db: DatabaseSync,
    private readonly parts: SqliteReaderParts = {},
  ) {
    this.all = prepare(db, 'SELECT position, bytes FROM events WHERE position > ? ORDER BY position LIMIT ?');
    this.one = prepare(db, 'SELECT position, bytes FROM events WHERE position = ?');
    this.last = prepare(db, 'SELECT max(position) AS position FROM events');
    this.idAt = prepare(db, 'SELECT id FROM events WHERE position = ?');
  }

  /** Opens the log in `directory` that another thread or process writes. */
  static open({ directory, newsAfter }: { directory: string } & Pick<SqliteReaderParts, 'newsAfter'>): SqliteReader {
    const db = new DatabaseSync(join(directory, 'events.db'), { readOnly: true });
    return new SqliteReader(db, newsAfter === undefined ? {} : { newsAfter });
  }

  async readAll({ after = -1n, max = EVENTS_PER_READ }: { after?: bigint; max?: number } = {}): Promise<
    RecordedEvent[]
  > {
    this.mustBeOpen();
    return this.parts.tail?.after(after, max) ?? this.all.all(after, max).map(eventOf);
  }

  async *subscribe({ after, signal }: { after?: bigint; signal: AbortSignal }): AsyncIterable<LogBatch> {
    let position = after ?? -1n;
    while (!signal.aborted) {
      const events = await this.readAll({ after: position, max: EVENTS_PER_BATCH });
      const last = events.at(-1);
      if (last === undefined) {
        await this.nextCommit(position, signal);
        continue;
      }
      position = last.position;
      yield { events, position };
    }
  }

  async head(): Promise<bigint | undefined> {
    this.mustBeOpen();
    return (this.last.get() as { position: bigint | null }).position ?? undefined;
  }

  async holds({ id, position }: EventPlace): Promise<boolean> {
    this.mustBeOpen();
    return this.idAt.get(position)?.['id'] === id;
  }

  /** The events at positions that are in the log. */
  at(positions: readonly bigint[]): RecordedEvent[] {
    return positions.map((position) => eventOf(this.one.get(position)));
  }

  /** Something was committed. */
  announce(): void {
    for (const wake of [...this.waiting]) wake();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** @throws EventLogUnavailable once it is closed */
  mustBeOpen(): void {
    if (this.closed) throw new EventLogUnavailable('the event log is closed');
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.announce();
    this.db.close();
  }

  private nextCommit(position: bigint, signal: AbortSignal): Promise<void> {
    const { tail, newsAfter } = this.parts;
    return new Promise((resolve, reject) => {
      // A signal that was aborted while the subscription read tells nobody any more.
      if (signal.aborted) return resolve();
      const isTold = tail !== undefined || newsAfter !== undefined;
      const poll = isTold ? undefined : setTimeout(() => wake(), POLL_MS);
      const end = () => {
        clearTimeout(poll);
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
      };
      const wake = () => {
        end();
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake);
      newsAfter?.(position).then(wake, (error: unknown) => {
        end();
        reject(error);
      });
    });
  }
}

function eventOf(row: unknown): RecordedEvent {
  const { bytes, position } = row as Row;
  return decode(bytes, position);
}

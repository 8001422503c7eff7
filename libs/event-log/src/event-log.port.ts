// The log as the rest of the system sees it: append at an expected revision, read, subscribe.
import type { AnyEvent, RecordedEvent } from '@app/events';

/** `no-stream`, or the revision of the last event the decision was made on. There is no "any". */
export type ExpectedRevision = 'no-stream' | bigint;

export interface StreamWrite {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** At least one; atomic and contiguous within the stream. */
  readonly events: readonly AnyEvent[];
}

export interface Appended {
  /** Revision of the last event written. */
  readonly revision: bigint;
  /** Position of the last event written. */
  readonly position: bigint;
}

export interface AppendOptions {
  /** Others will follow at once: it may take some ms longer, to be made durable together with them. */
  readonly patient?: boolean;
}

/** Events read at once where nobody says how many. */
export const EVENTS_PER_READ = 1000;
/** Events that a subscriber is handed at most at once. */
export const EVENTS_PER_BATCH = 512;

export interface ReadStreamOptions {
  /** First revision returned (inclusive). Default: 0 forwards, the end backwards. */
  readonly from?: bigint;
  readonly direction?: 'forwards' | 'backwards';
  /** Default {@link EVENTS_PER_READ}. */
  readonly max?: number;
}

/** Which event it is and where in the log it stands. */
export type EventPlace = Pick<RecordedEvent, 'id' | 'stream' | 'revision' | 'position'>;

/** A step of a subscription: events in log order and the position up to which the log was read. */
export interface LogBatch {
  readonly events: readonly RecordedEvent[];
  /** Resume after this position. Advances even where no event was for us. */
  readonly position: bigint;
}

/**
 * Event log port. Every adapter passes `event-log.contract.ts`.
 *
 * Errors: {@link WrongExpectedRevision} (decide again), {@link EventLogUnavailable} (retry the same append
 * verbatim: ids make it idempotent), {@link InvalidAppend} (the append can never succeed).
 */
export abstract class EventLog {
  /**
   * Appends events to one stream. Resolves when they are durable. Idempotent: the same ids at the same expected
   * revision return the same result and add nothing. Only ids are compared, never bodies.
   */
  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly AnyEvent[],
    options?: AppendOptions,
  ): Promise<Appended> {
    const [result] = await this.appendAll([{ stream, expected, events }], options);
    return result as Appended;
  }

  /**
   * Appends to several streams in the given order and stops at the first failure. Atomic on SQLite; on EventStoreDB a
   * prefix may be written, so the caller orders the writes such that a prefix is harmless. One result per write.
   */
  abstract appendAll(writes: readonly StreamWrite[], options?: AppendOptions): Promise<Appended[]>;

  /** Events of one stream; empty when the stream does not exist or `from` lies beyond its end. */
  abstract readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]>;

  /** Events of all streams in commit order, strictly after `after` (default: from the start). */
  abstract readAll(options?: { after?: bigint; max?: number }): Promise<RecordedEvent[]>;

  /**
   * Everything after `after` in commit order, then live, until `signal` aborts (then it returns).
   * @throws EventLogUnavailable when the connection is lost: subscribe again after the last position.
   */
  abstract subscribe(options: { after?: bigint; signal: AbortSignal }): AsyncIterable<LogBatch>;

  /** Position of the last event, or undefined for an empty log. Fails when the log cannot be reached. */
  abstract head(): Promise<bigint | undefined>;

  /** Whether this event stands at this place. If not, it was read from another log, or from a newer copy of this one. */
  abstract holds(event: EventPlace): Promise<boolean>;

  abstract close(): Promise<void>;
}

/** A log that is followed and not written. */
export type LogReader = Pick<EventLog, 'readAll' | 'subscribe' | 'head' | 'holds' | 'close'>;

/** The stream is not where the decision was made: load and decide again. */
export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: ExpectedRevision,
  ) {
    super(`stream ${stream}: expected revision ${expected}, found ${actual}`);
  }
}

/** The log did not answer; whether the append happened is unknown. Retry it verbatim. */
export class EventLogUnavailable extends Error {
  override readonly name = 'EventLogUnavailable';
}

/** Unserialisable, empty or above the size limit: nothing was written and nothing ever would be. */
export class InvalidAppend extends Error {
  override readonly name = 'InvalidAppend';
}

/** Largest append in bytes (sum of the batch), the limit of a default EventStoreDB. */
export const MAX_APPEND_BYTES = 1_048_576;

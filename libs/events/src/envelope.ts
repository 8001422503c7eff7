// The envelope every event travels in: what happened, who caused it, and where it stands in the log.
import type { EventData, EventType } from './catalog.js';

/** Context recorded with every event. All times are ISO 8601 UTC with milliseconds. */
export interface EventMetadata {
  readonly tenant: string;
  /** The SCIM connection the request came in on; absent for platform, operator and system actions. */
  readonly connection?: string;
  /** `scim:<connection>`, `platform:<key>`, `operator:<key>` or `system:<role>`. Never a person's name or e-mail. */
  readonly actor: string;
  /** One id for everything that follows from one request. */
  readonly correlationId: string;
  /** The id of the event (or the request) that directly caused this one. */
  readonly causationId: string;
  readonly schemaVersion: number;
  /** When the decision was made. */
  readonly at: string;
  /** When the request that led to it arrived (T0 of a cascade). */
  readonly receivedAt?: string;
}

/** Who asked for something, and when: what a command carries and the events it leads to record. */
export interface RequestContext {
  readonly tenant: string;
  readonly connection?: string;
  readonly actor: string;
  readonly correlationId: string;
  /** When the request arrived, ISO 8601 UTC: T0 of a cascade. */
  readonly receivedAt: string;
}

/** An event before it is appended. `id` is chosen by the caller, so an append can be retried verbatim. */
export interface NewEvent<T extends EventType = EventType> {
  readonly id: string;
  readonly type: T;
  readonly data: EventData[T];
  readonly metadata: EventMetadata;
}

/** An event as read from the log. */
export interface Recorded<T extends EventType = EventType> extends NewEvent<T> {
  readonly stream: string;
  /** 0-based index within the stream. */
  readonly revision: bigint;
  /** Total order over all streams. Comparable; gaps are allowed. */
  readonly position: bigint;
  /** The exact bytes as stored; what the audit ledger hashes. */
  readonly bytes: Uint8Array;
}

/** Any event before it is appended; discriminated by `type`. */
export type AnyEvent = { [T in EventType]: NewEvent<T> }[EventType];
/** Any recorded event; discriminated by `type`. */
export type RecordedEvent = { [T in EventType]: Recorded<T> }[EventType];

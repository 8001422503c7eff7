// A read model that follows the log in order, and the promise that it has seen a position.
import type { RecordedEvent } from '@app/events';
import type { Kysely } from 'kysely';
import type { LogReader } from './event-log.port.js';

/**
 * A read model in a SQL database. The checkpoint is stored in the same transaction as the rows, so each event is
 * applied exactly once in log order; throwing the tables away and following again rebuilds the same rows.
 */
export interface Projection<Db> {
  /** Unique within the database; names the checkpoint. */
  readonly name: string;
  /** Creates tables and indexes when missing; drops those of an earlier version, with its checkpoint, to make them anew. */
  migrate(db: Kysely<Db>): Promise<void>;
  /**
   * Drops the tables whose rows come from the log, before `migrate`: they were made from another log. Absent where nobody
   * may do that unasked.
   */
  discard?(db: Kysely<Db>): Promise<void>;
  /**
   * Whether `apply` would do nothing with this event after all those before it. A batch of nothing else costs no
   * transaction: the stored checkpoint then follows later, and a restart reads such events again.
   */
  ignores?(event: RecordedEvent): boolean;
  /** Applies a batch inside a transaction. */
  apply(trx: Kysely<Db>, events: readonly RecordedEvent[]): Promise<void>;
  /**
   * Called after a batch is committed; a failure here is reported, never rolled back.
   * @param events the whole batch, also what another process had applied already
   */
  committed?(events: readonly RecordedEvent[]): void | Promise<void>;
}

/** The write is in the log for good, but the read models do not show it yet: sending it again is another write. */
export class NotYetVisible extends Error {
  override readonly name = 'NotYetVisible';
}

/** The read models that must know a write before it is answered: the directory's views and the deny gate. */
export abstract class ReadModels {
  /**
   * Resolves when every read model of this process has applied the log up to `position`.
   * @throws NotYetVisible when they have not within `timeoutMs` (default 2,000): answer 503, never 2xx.
   */
  abstract reached(position: bigint, timeoutMs?: number): Promise<void>;
}

/**
 * Resolves when every read model of this process knows what a write recorded: only then may it be answered. One that changed
 * nothing may repeat a write that nobody has been told of yet: it waits for all that the log holds.
 * @param position of the last event it recorded; undefined when it changed nothing
 * @throws NotYetVisible
 */
export async function untilKnown(
  { log, readModels }: { readonly log: Pick<LogReader, 'head'>; readonly readModels: ReadModels },
  position: bigint | undefined,
  timeoutMs?: number,
): Promise<void> {
  const last = position ?? (await log.head());
  if (last !== undefined) await readModels.reached(last, timeoutMs);
}

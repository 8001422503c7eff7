// Runs projections: follows the log from a checkpoint that is stored with the rows, and knows how far it has come.
import { setTimeout as wait } from 'node:timers/promises';
import type { RecordedEvent } from '@app/events';
import type { Kysely } from 'kysely';
import { forgetCheckpoint, migrateCheckpoints, moveCheckpoint, readCheckpoint } from './checkpoints.js';
import { type EventPlace, type LogBatch, type LogReader } from './event-log.port.js';
import { Progress, START } from './progress.js';
import { NotYetVisible, ReadModels, type Projection } from './projection.port.js';

export interface ProjectorParts<Db> {
  readonly log: Pick<LogReader, 'subscribe' | 'head' | 'holds'>;
  readonly db: Kysely<Db>;
  readonly projection: Projection<Db>;
  /** Told of every failure; the projector tries again by itself. */
  readonly onError: (error: unknown) => void;
  /**
   * ms between a batch and the next. A busy log is then followed in fewer and larger steps, which cost less; an event
   * after a silence is not delayed. For views that nobody waits for. Asked for each time. Default 0.
   */
  readonly pauseMs?: () => number;
}

/** Waits in ms between attempts after failures in a row. */
const BACKOFF = [10, 50, 250, 1_000, 5_000];
/** How far the stored checkpoint may stay behind: what a restart reads again. */
const PASSED_AT_MOST = 10_000n;

/** The rows of a view do not come from this log: following on from there would leave out what the log holds instead. */
export class ForeignRows extends Error {
  override readonly name = 'ForeignRows';
}

export class Projector<Db> {
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private readonly progress = new Progress();
  /** The checkpoint as it was last read or written; behind the progress while there was nothing to write. */
  private stored = START;
  /** The last event that was applied or passed by. */
  private last: EventPlace | undefined;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly parts: ProjectorParts<Db>) {}

  get name(): string {
    return this.parts.projection.name;
  }

  /** Applied up to and including this position; -1n before the first event. */
  get position(): bigint {
    return this.progress.position;
  }

  /**
   * Creates the tables, reads the checkpoint and begins to follow. Rows that reach to an event which the log does not hold
   * are thrown away first. Other processes may do the same at the same time.
   * @throws ForeignRows when they may not be thrown away, or the log is empty
   */
  async start(): Promise<void> {
    const { db, projection } = this.parts;
    const { adapter } = db.getExecutor();
    const lock = { lockTable: 'checkpoints', lockRowId: projection.name };
    await db.connection().execute(async (connection) => {
      // On PostgreSQL even "create if not exists" fails when two processes do it at once.
      await adapter.acquireMigrationLock(connection, lock);
      try {
        await migrateCheckpoints(connection);
        await this.discardForeignRows(connection);
        await projection.migrate(connection);
      } finally {
        await adapter.releaseMigrationLock(connection, lock);
      }
    });
    const { position, event } = await readCheckpoint(db, this.name);
    this.stored = position;
    this.last = event;
    this.progress.moveTo(this.stored);
    this.running = this.follow();
  }

  private async discardForeignRows(db: Kysely<Db>): Promise<void> {
    const { log, projection, onError } = this.parts;
    const { position, event } = await readCheckpoint(db, this.name);
    if (position === START || (event !== undefined && (await log.holds(event)))) return;
    if ((await log.head()) === undefined) throw new ForeignRows(besideEmptyLog(this.name));
    if (event === undefined) return;
    if (projection.discard === undefined) throw new ForeignRows(aheadOfLog(this.name, event));
    onError(
      new ForeignRows(`the log does not hold the event that the rows of ${this.name} reach to: making them anew`),
    );
    await projection.discard(db);
    await forgetCheckpoint(db, this.name);
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Resolves when the log is applied up to `position`, with false when `timeoutMs` is over first. */
  reached(position: bigint, timeoutMs: number): Promise<boolean> {
    return this.progress.reached(position, timeoutMs);
  }

  private async follow(): Promise<void> {
    const { log, onError, pauseMs = () => 0 } = this.parts;
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (failures > 0) await this.mustBeSameLog();
        const after = this.position === START ? {} : { after: this.position };
        for await (const batch of log.subscribe({ ...after, signal })) {
          await this.apply(batch);
          failures = 0;
          const pause = pauseMs();
          if (pause > 0) await wait(pause, undefined, { signal }).catch(() => undefined);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.failure = error;
        onError(error);
        const pause = BACKOFF[Math.min(failures, BACKOFF.length - 1)];
        failures += 1;
        await wait(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** A server that was away may come back with an older copy; also what was read from the log before is then wrong. */
  private async mustBeSameLog(): Promise<void> {
    if (this.last === undefined || (await this.parts.log.holds(this.last))) return;
    throw new ForeignRows(`the log no longer holds what ${this.name} has applied: start this process again`);
  }

  private async apply(batch: LogBatch): Promise<void> {
    const { projection, onError } = this.parts;
    if (!this.passes(batch)) await this.write(batch);
    this.failure = undefined;
    // The rows stand: whatever fails here must not have them applied again.
    if (batch.events.length > 0) await tell(projection, batch.events).catch(onError);
    this.last = batch.events.at(-1) ?? this.last;
    this.progress.moveTo(batch.position);
  }

  private passes({ events, position }: LogBatch): boolean {
    const { projection } = this.parts;
    if (events.length === 0) return true;
    return position - this.stored < PASSED_AT_MOST && events.every((event) => projection.ignores?.(event) === true);
  }

  private async write({ events }: LogBatch): Promise<void> {
    const { db, projection } = this.parts;
    const last = events.at(-1) as RecordedEvent;
    const stored = await db.transaction().execute((trx) => this.applyNew(trx, events, last));
    if (stored < this.stored) {
      this.stored = stored;
      this.progress.moveTo(stored);
      throw new Error(`the rows of ${projection.name} went back to position ${stored}: following again from there`);
    }
    this.stored = last.position;
  }

  /** Applies what the rows do not have yet: another process may have been here first. @returns the checkpoint before */
  private async applyNew(trx: Kysely<Db>, events: LogBatch['events'], last: RecordedEvent): Promise<bigint> {
    let { stored } = this;
    if (!(await moveCheckpoint(trx, this.name, stored, last))) {
      stored = (await readCheckpoint(trx, this.name)).position;
      // The tables were thrown away or restored below us: what lies between would be missing.
      if (stored < this.stored || last.position <= stored) return stored;
      await moveCheckpoint(trx, this.name, stored, last);
    }
    const fresh = events.filter((event) => event.position > stored);
    if (fresh.length > 0) await this.parts.projection.apply(trx, fresh);
    return stored;
  }
}

const besideEmptyLog = (name: string): string =>
  `The log is empty, but the view "${name}" was made from one with events. Put the log back: events.db in DATA_DIR, or the ` +
  'EventStoreDB that EVENTSTORE_URL named. To begin anew, use an empty DATA_DIR, and another DATABASE_URL if one is set.';

const aheadOfLog = (name: string, { id, position }: EventPlace): string =>
  `The view "${name}" reaches to event ${id} at position ${position}, which the log does not hold: the log was put back ` +
  'from an older copy, or is another one. Put back the newest copy of the log. If there is none, move the database of ' +
  `this view away (${name}.db in DATA_DIR, or the schema ${name} of DATABASE_URL), keep it because it holds what the log ` +
  'lost, and start again: it is then made anew from the log.';

/** A read model that somebody else follows the log for: on another thread, in a set. */
export type Followed = Pick<Projector<unknown>, 'position' | 'reached'>;

/** Async, so that what `committed` throws at once is caught like what it rejects with. */
async function tell(projection: Pick<Projection<never>, 'committed'>, events: LogBatch['events']): Promise<void> {
  await projection.committed?.(events);
}

/** The read models of one process as one thing to wait for. */
export class ProjectorSet extends ReadModels {
  constructor(private readonly projectors: readonly Followed[]) {
    super();
  }

  override async reached(position: bigint, timeoutMs = 2_000): Promise<void> {
    for (const projector of this.projectors) {
      if (projector.position >= position) continue;
      if (!(await projector.reached(position, timeoutMs))) {
        throw new NotYetVisible(`the read models have not reached position ${position} within ${timeoutMs} ms`);
      }
    }
  }
}

// Runs projections: follows the log from a checkpoint that is stored with the rows, and knows how far it has come.
import { setTimeout as wait } from 'node:timers/promises';
import { run } from '@app/runtime';
import type { Kysely } from 'kysely';
import { EventLogUnavailable, type LogBatch, type LogReader } from './event-log.port.js';
import { Progress, START } from './progress.js';
import { ReadModels, type Projection } from './projection.port.js';

export interface ProjectorParts<Db> {
  readonly log: Pick<LogReader, 'subscribe'>;
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

const READ_CHECKPOINT = `insert into checkpoints (name, position) values (?, ?)
  on conflict (name) do update set position = checkpoints.position returning position`;
const MOVE_CHECKPOINT = 'update checkpoints set position = ? where name = ? and position = ? returning position';

export class Projector<Db> {
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private readonly progress = new Progress();
  /** The checkpoint as it was last read or written; behind the progress while there was nothing to write. */
  private stored = START;
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

  /** Creates the tables, reads the checkpoint and begins to follow. Other processes may do the same at the same time. */
  async start(): Promise<void> {
    const { db, projection } = this.parts;
    const { adapter } = db.getExecutor();
    const lock = { lockTable: 'checkpoints', lockRowId: projection.name };
    await db.connection().execute(async (connection) => {
      // On PostgreSQL even "create if not exists" fails when two processes do it at once.
      await adapter.acquireMigrationLock(connection, lock);
      try {
        await this.migrate(connection);
      } finally {
        await adapter.releaseMigrationLock(connection, lock);
      }
    });
    this.stored = await this.checkpoint(db);
    this.progress.moveTo(this.stored);
    this.running = this.follow();
  }

  private async migrate(db: Kysely<Db>): Promise<void> {
    await db.schema
      .createTable('checkpoints')
      .ifNotExists()
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('position', 'text', (c) => c.notNull())
      .execute();
    await this.parts.projection.migrate(db);
  }

  /** Where the rows stand; inside a transaction nobody else moves it until the end. */
  private async checkpoint(db: Kysely<Db>): Promise<bigint> {
    const [row] = await run<{ position: string }>(db, READ_CHECKPOINT, [this.name, START.toString()]);
    return BigInt((row as { position: string }).position);
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

  private async apply(batch: LogBatch): Promise<void> {
    const { projection, onError } = this.parts;
    if (!this.passes(batch)) await this.write(batch);
    this.failure = undefined;
    // The rows stand: whatever fails here must not have them applied again.
    if (batch.events.length > 0) await tell(projection, batch.events).catch(onError);
    this.progress.moveTo(batch.position);
  }

  private passes({ events, position }: LogBatch): boolean {
    const { projection } = this.parts;
    return position - this.stored < PASSED_AT_MOST && events.every((event) => projection.ignores?.(event) === true);
  }

  private async write(batch: LogBatch): Promise<void> {
    const { db, projection } = this.parts;
    const stored = await db.transaction().execute((trx) => this.applyNew(trx, batch));
    if (stored < this.stored) {
      this.stored = stored;
      this.progress.moveTo(stored);
      throw new Error(`the rows of ${projection.name} went back to position ${stored}: following again from there`);
    }
    this.stored = batch.position;
  }

  /** Applies what the rows do not have yet: another process may have been here first. @returns the checkpoint before */
  private async applyNew(trx: Kysely<Db>, { events, position }: LogBatch): Promise<bigint> {
    let { stored } = this;
    if (!(await this.moves(trx, stored, position))) {
      stored = await this.checkpoint(trx);
      // The tables were thrown away or restored below us: what lies between would be missing.
      if (stored < this.stored || position <= stored) return stored;
      await this.moves(trx, stored, position);
    }
    const fresh = events.filter((event) => event.position > stored);
    if (fresh.length > 0) await this.parts.projection.apply(trx, fresh);
    return stored;
  }

  /** Moves the checkpoint unless it stands elsewhere; inside a transaction nobody else moves it until the end. */
  private async moves(trx: Kysely<Db>, from: bigint, to: bigint): Promise<boolean> {
    return (await run(trx, MOVE_CHECKPOINT, [to.toString(), this.name, from.toString()])).length > 0;
  }
}

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
        throw new EventLogUnavailable(`the read models have not reached position ${position} within ${timeoutMs} ms`);
      }
    }
  }
}

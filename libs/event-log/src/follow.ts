// Runs projections: follows the log from a checkpoint that is stored with the rows, and knows how far it has come.
import { setTimeout as wait } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { EventLogUnavailable, type EventLog, type LogBatch } from './event-log.port.js';
import { ReadModels, type Projection } from './projection.port.js';

export interface ProjectorParts<Db> {
  readonly log: EventLog;
  readonly db: Kysely<Db>;
  readonly projection: Projection<Db>;
  /** Told of every failure; the projector tries again by itself. */
  readonly onError: (error: unknown) => void;
}

/** Waits in ms between attempts after failures in a row. */
const BACKOFF = [10, 50, 250, 1_000, 5_000];
/** A position before every event. */
const START = -1n;

interface Waiting {
  readonly position: bigint;
  readonly resolve: () => void;
}

export class Projector<Db> {
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private reachedPosition = START;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private waiting: Waiting[] = [];

  constructor(private readonly parts: ProjectorParts<Db>) {}

  get name(): string {
    return this.parts.projection.name;
  }

  /** Applied up to and including this position; -1n before the first event. */
  get position(): bigint {
    return this.reachedPosition;
  }

  /** Creates the tables, reads the checkpoint and begins to follow. */
  async start(): Promise<void> {
    const { db, projection } = this.parts;
    await db.schema
      .createTable('checkpoints')
      .ifNotExists()
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('position', 'text', (c) => c.notNull())
      .execute();
    await projection.migrate(db);
    const row = await sql<{
      position: string;
    }>`select position from checkpoints where name = ${projection.name}`.execute(db);
    this.reachedPosition = BigInt(row.rows[0]?.position ?? START);
    this.running = this.follow();
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Resolves when the log is applied up to `position`, with false when `timeoutMs` is over first. */
  reached(position: bigint, timeoutMs: number): Promise<boolean> {
    if (this.reachedPosition >= position) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((one) => one !== waiting);
        resolve(false);
      }, timeoutMs);
      const waiting: Waiting = {
        position,
        resolve: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      this.waiting.push(waiting);
    });
  }

  private async follow(): Promise<void> {
    const { log, onError } = this.parts;
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const after = this.reachedPosition === START ? {} : { after: this.reachedPosition };
        for await (const batch of log.subscribe({ ...after, signal })) {
          await this.apply(batch);
          failures = 0;
          this.failure = undefined;
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

  private async apply({ events, position }: LogBatch): Promise<void> {
    const { db, projection, onError } = this.parts;
    await db.transaction().execute(async (trx) => {
      if (events.length > 0) await projection.apply(trx, events);
      await sql`insert into checkpoints (name, position) values (${projection.name}, ${position.toString()})
        on conflict (name) do update set position = excluded.position`.execute(trx);
    });
    this.reachedPosition = position;
    if (events.length > 0 && projection.committed !== undefined) {
      // The rows stand: whatever fails here must not have them applied again.
      await Promise.resolve(projection.committed()).catch(onError);
    }
    this.release();
  }

  private release(): void {
    if (this.waiting.length === 0) return;
    const ready = this.waiting.filter((one) => one.position <= this.reachedPosition);
    if (ready.length === 0) return;
    this.waiting = this.waiting.filter((one) => one.position > this.reachedPosition);
    for (const one of ready) one.resolve();
  }
}

/** What a set needs of a projector, whatever its database holds. */
type Followed = Pick<Projector<unknown>, 'position' | 'reached'>;

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

// Decides what enters the queue next: a lane per tenant and provider, so that a slow provider delays nobody else.
import { createHash } from 'node:crypto';
import type { JobQueue, RevocationJob } from '@app/jobs';
import { chunksOf, run, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { Lane, type DueRow, type LaneStatus } from './lane.js';
import type { TargetFact } from './outcome.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { laneOf, type WorkChange } from './targets.view.js';

/** Targets per job. */
const CHUNK = 100;
/** A job that left no record for so long is handed out again; the revision fences out the first one. */
const LEASE_MS = 300_000;

export interface DispatcherParts {
  readonly db: Kysely<RevocationDb>;
  readonly queue: JobQueue;
  readonly clock: Clock;
  /** Targets of one lane in flight at once. */
  readonly laneConcurrency: number;
  readonly onError: (error: unknown) => void;
}

/** Told of each target three times: when its provider says yes, when the log has that, and when the rows have it. */
export class Dispatcher {
  private readonly lanes = new Map<string, Lane>();
  /** Of lanes that wait for a time. */
  private readonly cancelTimers = new Map<string, () => void>();
  /** Lanes to look at. */
  private readonly dirty = new Set<string>();
  private passing: Promise<void> | undefined;
  private state: 'held' | 'started' | 'stopped' = 'held';

  constructor(private readonly parts: DispatcherParts) {}

  /** Hands out from here on. Until then it only takes note: rows that lag behind the log name work long done. */
  start(): void {
    if (this.state === 'held') this.state = 'started';
    this.wake();
  }

  /** A provider has said yes. It can be asked about others while that is being recorded. */
  onAcknowledged(row: TargetRow, fact: TargetFact): void {
    if (fact.type !== 'RevocationAcknowledged') return;
    const key = laneOf(row.tenant, row.provider_id);
    if (this.laneAt(key).onAcknowledged(row.target_id, fact, this.parts.clock.now())) this.wake(key);
  }

  /** A worker recorded a fact: slow the lane down, or open it up again. */
  onRecorded(row: TargetRow, fact: TargetFact): void {
    const key = laneOf(row.tenant, row.provider_id);
    if (this.laneAt(key).onRecorded(row.target_id, fact, this.parts.clock.now())) this.wake(key);
  }

  /** Whether a refusal of our credentials is about this target alone: its provider accepted another one since. */
  isDisproved(row: TargetRow): boolean {
    return this.lanes.get(laneOf(row.tenant, row.provider_id))?.isDisproved(row.target_id) === true;
  }

  /** The relay committed facts: release what they are about, look at the lanes they moved. */
  onCommitted({ lanes, touched, reopened }: Pick<WorkChange, 'lanes' | 'touched' | 'reopened'>): void {
    for (const { lane, targetId } of touched) this.lanes.get(lane)?.onCommitted(targetId);
    for (const key of reopened) this.laneAt(key).reopen();
    this.wake(...reopened, ...lanes);
  }

  /** Looks at every lane with open work; forgets hand-overs that the queue has lost (`lost`: the queue is empty). */
  async refresh(lostBefore: number | undefined): Promise<void> {
    const expired = this.parts.clock.now() - LEASE_MS;
    for (const lane of this.lanes.values()) lane.releaseBefore(Math.max(expired, lostBefore ?? expired));
    const open = await this.parts.db
      .selectFrom('work_targets')
      .select(['tenant', 'provider_id'])
      .where('due_at', 'is not', null)
      .groupBy(['tenant', 'provider_id'])
      .execute();
    this.wake(...open.map(({ tenant, provider_id }) => laneOf(tenant, provider_id)));
  }

  status(tenant: string): LaneStatus[] {
    const now = this.parts.clock.now();
    return [...this.lanes.values()].filter((lane) => lane.tenant === tenant).map((lane) => lane.status(now));
  }

  /** Hands out nothing more. Resolves when the pass under way has ended. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const cancel of this.cancelTimers.values()) cancel();
    await this.passing;
  }

  private wake(...keys: readonly string[]): void {
    for (const key of keys) this.dirty.add(key);
    if (this.state !== 'started' || this.passing !== undefined || this.dirty.size === 0) return;
    this.passing = this.pass().finally(() => {
      this.passing = undefined;
      this.wake();
    });
  }

  private async pass(): Promise<void> {
    const keys = [...this.dirty];
    this.dirty.clear();
    for (const key of keys) {
      if (this.state === 'stopped') return;
      // What fails for one lane must not cost the others their turn; its own comes again with the next refresh.
      await this.fill(key, this.laneAt(key)).catch((error: unknown) => this.parts.onError(error));
    }
  }

  private async fill(key: string, lane: Lane): Promise<void> {
    const { clock, queue } = this.parts;
    const now = clock.now();
    this.cancelTimers.get(key)?.();
    if (lane.pausedUntil > now) return this.wakeAt(key, lane.pausedUntil);
    if (!lane.isRoomy()) return;
    const asked = lane.look();
    const next = lane.next(await this.dueRows(lane, now, asked), asked);
    if (next.length === 0) return this.wakeWhenDue(key, lane, now);
    lane.handOut(next, now);
    try {
      await queue.enqueue([...chunksOf(next, CHUNK)].map((rows) => jobOf(key, lane.tenant, rows)));
    } catch (error) {
      // The log still knows what is due: the next refresh hands it out again.
      for (const row of next) lane.release(row.target_id);
      throw error;
    }
  }

  private dueRows(lane: Lane, now: number, limit: number): Promise<DueRow[]> {
    // The trial of a broken lane is with another target each time: one that is always refused must not stand for all.
    const order = lane.broken ? 'attempts, due_at' : 'ord, due_at';
    const text = `select target_id, generation, attempts, revision, ord from work_targets
      where tenant = ? and provider_id = ? and due_at <= ? order by ${order} limit ?`;
    return run<DueRow>(this.parts.db, text, [lane.tenant, lane.providerId, now, limit]);
  }

  private async wakeWhenDue(key: string, lane: Lane, now: number): Promise<void> {
    const row = await this.parts.db
      .selectFrom('work_targets')
      .select((eb) => eb.fn.min('due_at').as('at'))
      .where('tenant', '=', lane.tenant)
      .where('provider_id', '=', lane.providerId)
      .where('due_at', '>', now)
      .executeTakeFirst();
    if (row?.at !== null && row?.at !== undefined) this.wakeAt(key, Number(row.at));
  }

  private wakeAt(key: string, at: number): void {
    this.cancelTimers.set(
      key,
      this.parts.clock.at(at, () => this.wake(key)),
    );
  }

  private laneAt(key: string): Lane {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      const dot = key.indexOf('.');
      lane = new Lane(key.slice(0, dot), key.slice(dot + 1), this.parts.laneConcurrency);
      this.lanes.set(key, lane);
    }
    return lane;
  }
}

function jobOf(lane: string, tenant: string, rows: readonly DueRow[]): RevocationJob {
  const items = rows.map((row) => ({ targetId: row.target_id, generation: row.generation, attempt: row.attempts + 1 }));
  const hash = createHash('sha256');
  // The revision too: what an operator asks to retry while an attempt is under way is a job of its own.
  for (const row of rows) hash.update(`${row.target_id}.${row.generation}.${row.attempts}.${row.revision};`);
  return { id: `job-${hash.digest('hex').slice(0, 32)}`, tenant, lane, items };
}

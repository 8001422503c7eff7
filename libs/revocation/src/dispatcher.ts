// Decides what enters the queue next: a lane per tenant and provider, so that a slow provider delays nobody else.
import { createHash } from 'node:crypto';
import type { JobQueue, RevocationJob } from '@app/jobs';
import { chunksOf, run, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { TargetFact } from './outcome.js';
import { BROKEN_EVERY_MS } from './retry-policy.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { laneOf, type WorkChange } from './targets.view.js';

/** Targets per job. */
const CHUNK = 100;
/** A job that left no record for so long is handed out again; the revision fences out the first one. */
const LEASE_MS = 300_000;

interface HandedOut {
  /** ms */
  readonly since: number;
  readonly order: number;
  /** Acknowledged, and the worker that has it goes on to prove it. */
  proving: boolean;
}

interface Lane {
  readonly tenant: string;
  readonly providerId: string;
  /** Targets handed to the queue and not yet recorded. */
  readonly inFlight: Map<string, HandedOut>;
  /** Those of them that are acknowledged and not yet recorded: they take no place from others. */
  readonly answered: Set<string>;
  /** The last look left some that are due. */
  hasMore: boolean;
  /** Targets recorded since the rows of the lane were last asked for: what those rows say about them is old. */
  readonly recorded: Set<string>;
  /** Nothing is handed out before this time (ms): the provider asked for patience, or refuses us. */
  pausedUntil: number;
  /** The provider refused our own credentials: one target at a time until it accepts one. */
  broken: boolean;
  cancelTimer: () => void;
}

export interface DispatcherParts {
  readonly db: Kysely<RevocationDb>;
  readonly queue: JobQueue;
  readonly clock: Clock;
  /** Targets of one lane in flight at once. */
  readonly laneConcurrency: number;
  readonly onError: (error: unknown) => void;
}

/** The state of one lane, for operators. */
export interface LaneStatus {
  readonly tenant: string;
  readonly providerId: string;
  readonly inFlight: number;
  readonly pausedUntil: string | undefined;
  readonly broken: boolean;
}

type DueRow = Pick<TargetRow, 'target_id' | 'generation' | 'attempts' | 'ord'>;

export class Dispatcher {
  private readonly lanes = new Map<string, Lane>();
  private readonly dirty = new Set<string>();
  private passing: Promise<void> | undefined;
  private state: 'held' | 'started' | 'stopped' = 'held';

  constructor(private readonly parts: DispatcherParts) {}

  /** Hands out from here on. Until then it only takes note: rows that lag behind the log name work long done. */
  start(): void {
    if (this.state === 'held') this.state = 'started';
    this.wake();
  }

  /** The relay committed facts: forget what was recorded, look at the lanes it moved. */
  noticed({ lanes, touched, reopened }: Pick<WorkChange, 'lanes' | 'touched' | 'reopened'>): void {
    for (const { lane: key, targetId } of touched) {
      const lane = this.lanes.get(key);
      if (lane === undefined) continue;
      if (lane.inFlight.get(targetId)?.proving !== true) takeBack(lane, targetId);
      lane.recorded.add(targetId);
    }
    for (const key of reopened) {
      const lane = this.laneAt(key);
      lane.broken = false;
      lane.pausedUntil = 0;
      this.dirty.add(key);
    }
    for (const key of lanes) this.dirty.add(key);
    this.wake();
  }

  /** A provider has said yes. It can be asked about others while that is being recorded. */
  answered(row: TargetRow, fact: TargetFact): void {
    if (fact.type !== 'RevocationAcknowledged' || isProvenAtOnce(fact, this.parts.clock.now())) return;
    const key = laneOf(row.tenant, row.provider_id);
    const lane = this.laneAt(key);
    if (!lane.inFlight.has(row.target_id)) return;
    lane.answered.add(row.target_id);
    if (!lane.hasMore || !this.isRoomy(lane)) return;
    this.dirty.add(key);
    this.wake();
  }

  /** A worker recorded a fact: slow the lane down, or open it up again. */
  learned(row: TargetRow, fact: TargetFact): void {
    const lane = this.laneAt(laneOf(row.tenant, row.provider_id));
    const now = this.parts.clock.now();
    const handedOut = lane.inFlight.get(row.target_id);
    if (handedOut !== undefined) handedOut.proving = isProvenAtOnce(fact, now);
    if (fact.type === 'RevocationDeferred' && fact.data.class === 'rate-limited') {
      lane.pausedUntil = Math.max(lane.pausedUntil, Date.parse(fact.data.until));
    } else if (fact.type === 'RevocationParked' && fact.data.class === 'connector-broken') {
      lane.broken = true;
      lane.pausedUntil = now + BROKEN_EVERY_MS;
    } else if (fact.type === 'RevocationAcknowledged' && lane.broken) {
      lane.broken = false;
      lane.pausedUntil = 0;
      this.dirty.add(laneOf(row.tenant, row.provider_id));
      this.wake();
    }
  }

  /** Looks at every lane with open work; forgets hand-overs that the queue has lost (`lost`: the queue is empty). */
  async refresh(lostBefore: number | undefined): Promise<void> {
    const now = this.parts.clock.now();
    for (const lane of this.lanes.values()) {
      for (const [id, { since }] of lane.inFlight) {
        if (since < now - LEASE_MS || (lostBefore !== undefined && since < lostBefore)) takeBack(lane, id);
      }
    }
    const open = await this.parts.db
      .selectFrom('work_targets')
      .select(['tenant', 'provider_id'])
      .where('due_at', 'is not', null)
      .groupBy(['tenant', 'provider_id'])
      .execute();
    for (const { tenant, provider_id } of open) this.dirty.add(laneOf(tenant, provider_id));
    this.wake();
  }

  status(tenant: string): LaneStatus[] {
    const now = this.parts.clock.now();
    return [...this.lanes.values()]
      .filter((lane) => lane.tenant === tenant)
      .map((lane) => ({
        tenant,
        providerId: lane.providerId,
        inFlight: lane.inFlight.size,
        pausedUntil: lane.pausedUntil > now ? this.parts.clock.iso(lane.pausedUntil) : undefined,
        broken: lane.broken,
      }));
  }

  /** Hands out nothing more. Resolves when the pass under way has ended. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    for (const lane of this.lanes.values()) lane.cancelTimer();
    await this.passing;
  }

  private wake(): void {
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
    lane.cancelTimer();
    if (lane.pausedUntil > now) return this.wakeAt(key, lane, lane.pausedUntil);
    if (!this.isRoomy(lane)) return;
    const room = this.roomOf(lane);
    lane.recorded.clear();
    const most = lane.inFlight.size + room;
    const due = await this.dueRows(lane, now, most);
    lane.hasMore = due.length === most;
    const next = this.nextOf(lane, due, room);
    if (next.length === 0) return this.wakeWhenDue(key, lane, now);
    for (const row of next) lane.inFlight.set(row.target_id, { since: now, order: row.ord, proving: false });
    try {
      await queue.enqueue([...chunksOf(next, CHUNK)].map((rows) => jobOf(key, lane.tenant, rows)));
    } catch (error) {
      // The log still knows what is due: the next refresh hands it out again.
      for (const row of next) takeBack(lane, row.target_id);
      throw error;
    }
  }

  private limitOf(lane: Lane): number {
    return lane.broken ? 1 : this.parts.laneConcurrency;
  }

  private roomOf(lane: Lane): number {
    return this.limitOf(lane) - (lane.inFlight.size - lane.answered.size);
  }

  /** Each look costs a query over what is in flight as well: it is worth while for half of the lane. */
  private isRoomy(lane: Lane): boolean {
    return this.roomOf(lane) >= Math.ceil(this.limitOf(lane) / 2);
  }

  /** What may go now: neither in flight nor just recorded, and nothing before a refresh token that still is. */
  private nextOf(lane: Lane, due: readonly DueRow[], room: number): DueRow[] {
    const waiting = due.filter(({ target_id: id }) => !lane.inFlight.has(id) && !lane.recorded.has(id));
    const orders = [...waiting.map((row) => row.ord), ...[...lane.inFlight.values()].map((f) => f.order)];
    const first = Math.min(...orders);
    return waiting.filter((row) => row.ord === first).slice(0, room);
  }

  private dueRows(lane: Lane, now: number, limit: number): Promise<DueRow[]> {
    const text = `select target_id, generation, attempts, ord from work_targets
      where tenant = ? and provider_id = ? and due_at <= ? order by ord, due_at limit ?`;
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
    if (row?.at !== null && row?.at !== undefined) this.wakeAt(key, lane, Number(row.at));
  }

  private wakeAt(key: string, lane: Lane, at: number): void {
    lane.cancelTimer = this.parts.clock.at(at, () => {
      this.dirty.add(key);
      this.wake();
    });
  }

  private laneAt(key: string): Lane {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      const dot = key.indexOf('.');
      const [tenant, providerId] = [key.slice(0, dot), key.slice(dot + 1)];
      const state = { pausedUntil: 0, broken: false, cancelTimer: () => undefined };
      lane = {
        tenant,
        providerId,
        inFlight: new Map(),
        answered: new Set(),
        hasMore: false,
        recorded: new Set(),
        ...state,
      };
      this.lanes.set(key, lane);
    }
    return lane;
  }
}

/** What was handed out is no longer in flight. */
function takeBack(lane: Lane, targetId: string): void {
  lane.answered.delete(targetId);
  lane.inFlight.delete(targetId);
}

/** The worker's eighth step. */
const isProvenAtOnce = (fact: TargetFact, now: number): boolean =>
  fact.type === 'RevocationAcknowledged' && fact.data.verifyAt !== undefined && Date.parse(fact.data.verifyAt) <= now;

function jobOf(lane: string, tenant: string, rows: readonly DueRow[]): RevocationJob {
  const items = rows.map((row) => ({ targetId: row.target_id, generation: row.generation, attempt: row.attempts + 1 }));
  const hash = createHash('sha256');
  for (const { targetId, generation, attempt } of items) hash.update(`${targetId}.${generation}.${attempt};`);
  return { id: `job-${hash.digest('hex').slice(0, 32)}`, tenant, lane, items };
}

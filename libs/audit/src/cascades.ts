// Questions to the cascades view: the lists, counts and times that operators and auditors look at.
import type { CascadeSubject, Grade } from '@app/events';
import type { Kysely } from 'kysely';
import type { AuditDb, CascadeRow, TargetRow } from './audit-db.js';
import { cursorOf, readCursor, type Cursor } from './page-cursor.js';
import type { AuditedState } from './target-fold.js';

export type CascadeStatus = 'open' | 'complete' | 'complete-with-waivers';

/** T0 received, T1 denied, T2 first attempt, T3 last acknowledgement, T4 last verification. ISO 8601 UTC. */
export interface Times {
  readonly t0: string;
  readonly t1: string;
  readonly t2: string | undefined;
  readonly t3: string | undefined;
  readonly t4: string | undefined;
}

export interface CascadeSummary extends Times {
  readonly cascadeId: string;
  readonly subject: CascadeSubject;
  readonly causeEventId: string;
  readonly causeType: string;
  readonly correlationId: string;
  readonly status: CascadeStatus;
  readonly targetCount: number;
  /** Settled acknowledgements (grade B) count as `acknowledged`, like those still to be verified. */
  readonly counts: Readonly<Record<AuditedState, number>>;
  readonly settledCount: number;
  readonly startedAt: string;
  readonly completedAt: string | undefined;
}

export interface TargetSummary {
  readonly targetId: string;
  readonly cascadeId: string;
  readonly userId: string | undefined;
  readonly agentId: string | undefined;
  readonly providerId: string;
  readonly holdingType: string;
  readonly holdingId: string;
  readonly kind: string;
  readonly expiresAt: string | undefined;
  readonly plannedAt: string;
  readonly state: AuditedState;
  readonly settled: boolean;
  readonly grade: Grade | undefined;
  readonly attempts: number;
  /** When the next attempt or probe is due; undefined once settled. */
  readonly nextAt: string | undefined;
  readonly t2: string | undefined;
  readonly t3: string | undefined;
  readonly t4: string | undefined;
  readonly lastClass: string | undefined;
  readonly lastReason: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `cursor` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

interface Paging {
  readonly cursor?: string;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
  /** Newest first by default. */
  readonly order?: 'newest' | 'oldest';
}

export interface CascadeQuery extends Paging {
  readonly status?: CascadeStatus;
  readonly subjectId?: string;
  /** Only cascades started before this time, ISO 8601 UTC. */
  readonly startedBefore?: string;
  readonly startedSince?: string;
}

export interface TargetQuery extends Paging {
  /** `pending`: not settled, in whatever state; `failed`: deferred after a failure; `settled`: ended with a grade. */
  readonly state?: 'pending' | 'failed' | 'settled' | AuditedState;
  readonly providerId?: string;
  readonly userId?: string;
  readonly agentId?: string;
  readonly cascadeId?: string;
  /** Only targets planned before this time: those older than some age. */
  readonly plannedBefore?: string;
}

export class Cascades {
  constructor(private readonly db: Kysely<AuditDb>) {}

  async cascade(tenant: string, cascadeId: string): Promise<CascadeSummary | undefined> {
    const row = await this.db
      .selectFrom('cascade_cascades')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('cascade_id', '=', cascadeId)
      .executeTakeFirst();
    return row && cascadeOf(row);
  }

  async target(tenant: string, targetId: string): Promise<TargetSummary | undefined> {
    const row = await this.db
      .selectFrom('cascade_targets')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('target_id', '=', targetId)
      .executeTakeFirst();
    return row && targetOf(row);
  }

  /** By start. @throws InvalidCursor */
  async cascades(tenant: string, query: CascadeQuery = {}): Promise<Page<CascadeSummary>> {
    const { limit, direction, past, cursor } = paging(query);
    let select = this.db.selectFrom('cascade_cascades').selectAll().where('tenant', '=', tenant);
    if (query.status !== undefined) select = select.where('status', '=', query.status);
    if (query.subjectId !== undefined) select = select.where('subject_id', '=', query.subjectId);
    if (query.startedBefore !== undefined) select = select.where('started_at', '<', query.startedBefore);
    if (query.startedSince !== undefined) select = select.where('started_at', '>=', query.startedSince);
    if (cursor !== undefined) {
      select = select.where((eb) =>
        eb.or([
          eb('started_at', past, cursor.at),
          eb.and([eb('started_at', '=', cursor.at), eb('cascade_id', past, cursor.id)]),
        ]),
      );
    }
    const rows = await select
      .orderBy('started_at', direction)
      .orderBy('cascade_id', direction)
      .limit(limit + 1)
      .execute();
    return pageOf(rows, limit, cascadeOf, (row) => ({ at: row.started_at, id: row.cascade_id }));
  }

  /** By the time they were planned. @throws InvalidCursor */
  async targets(tenant: string, query: TargetQuery = {}): Promise<Page<TargetSummary>> {
    const { limit, direction, past, cursor } = paging(query);
    let select = this.db.selectFrom('cascade_targets').selectAll().where('tenant', '=', tenant);
    const { state } = query;
    if (state === 'pending' || state === 'settled') select = select.where('settled', '=', state === 'settled' ? 1 : 0);
    else if (state === 'failed') select = select.where('settled', '=', 0).where('state', '=', 'deferred');
    else if (state !== undefined) select = select.where('state', '=', state);
    if (query.providerId !== undefined) select = select.where('provider_id', '=', query.providerId);
    if (query.userId !== undefined) select = select.where('user_id', '=', query.userId);
    if (query.agentId !== undefined) select = select.where('agent_id', '=', query.agentId);
    if (query.cascadeId !== undefined) select = select.where('cascade_id', '=', query.cascadeId);
    if (query.plannedBefore !== undefined) select = select.where('planned_at', '<', query.plannedBefore);
    if (cursor !== undefined) {
      select = select.where((eb) =>
        eb.or([
          eb('planned_at', past, cursor.at),
          eb.and([eb('planned_at', '=', cursor.at), eb('target_id', past, cursor.id)]),
        ]),
      );
    }
    const rows = await select
      .orderBy('planned_at', direction)
      .orderBy('target_id', direction)
      .limit(limit + 1)
      .execute();
    return pageOf(rows, limit, targetOf, (row) => ({ at: row.planned_at, id: row.target_id }));
  }

  /** Number of targets in each state, settled or not, over all cascades of the tenant. */
  async countsByState(tenant: string): Promise<Readonly<Record<AuditedState, number>>> {
    const rows = await this.db
      .selectFrom('cascade_targets')
      .select((eb) => ['state', eb.fn.countAll().as('n')])
      .where('tenant', '=', tenant)
      .groupBy('state')
      .execute();
    const counted = Object.fromEntries(rows.map((row) => [row.state, Number(row.n)]));
    return { ...NONE, ...counted };
  }

  /** When the oldest target that is not settled was planned; undefined when all are. */
  async oldestPending(tenant: string): Promise<string | undefined> {
    const { items } = await this.targets(tenant, { state: 'pending', order: 'oldest', limit: 1 });
    return items[0]?.plannedAt;
  }
}

const NONE: Readonly<Record<AuditedState, number>> = {
  planned: 0,
  due: 0,
  deferred: 0,
  parked: 0,
  acknowledged: 0,
  verified: 0,
  expired: 0,
  waived: 0,
};

function paging({ cursor, limit = 100, order = 'newest' }: Paging) {
  const newest = order === 'newest';
  return {
    limit: Math.min(Math.max(limit, 1), 1000),
    direction: newest ? ('desc' as const) : ('asc' as const),
    past: newest ? ('<' as const) : ('>' as const),
    cursor: cursor === undefined ? undefined : readCursor(cursor),
  };
}

function pageOf<Row, T>(rows: Row[], limit: number, show: (row: Row) => T, place: (row: Row) => Cursor): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(show),
    next: rows.length > limit && last !== undefined ? cursorOf(place(last)) : undefined,
  };
}

const cascadeOf = (row: CascadeRow): CascadeSummary => ({
  cascadeId: row.cascade_id,
  subject: { type: row.subject_type as CascadeSubject['type'], id: row.subject_id },
  causeEventId: row.cause_event_id,
  causeType: row.cause_type,
  correlationId: row.correlation_id,
  status: row.status as CascadeStatus,
  targetCount: Number(row.target_count),
  counts: JSON.parse(row.counts) as Record<AuditedState, number>,
  settledCount: Number(row.settled_count),
  t0: row.t0,
  t1: row.t1,
  t2: row.t2 ?? undefined,
  t3: row.t3 ?? undefined,
  t4: row.t4 ?? undefined,
  startedAt: row.started_at,
  completedAt: row.completed_at ?? undefined,
});

const targetOf = (row: TargetRow): TargetSummary => ({
  targetId: row.target_id,
  cascadeId: row.cascade_id,
  userId: row.user_id ?? undefined,
  agentId: row.agent_id ?? undefined,
  providerId: row.provider_id,
  holdingType: row.holding_type,
  holdingId: row.holding_id,
  kind: row.kind,
  expiresAt: row.expires_at ?? undefined,
  plannedAt: row.planned_at,
  state: row.state as AuditedState,
  settled: Number(row.settled) === 1,
  grade: (row.grade ?? undefined) as Grade | undefined,
  attempts: Number(row.attempts),
  nextAt: row.next_at ?? undefined,
  t2: row.t2 ?? undefined,
  t3: row.t3 ?? undefined,
  t4: row.t4 ?? undefined,
  lastClass: row.last_class ?? undefined,
  lastReason: row.last_reason ?? undefined,
});

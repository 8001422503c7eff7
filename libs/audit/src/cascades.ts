// Questions to the cascades view: the lists, counts and times that operators and auditors look at.
import { sql, type ExpressionBuilder, type Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import {
  cascadeOf,
  targetOf,
  type CascadeStatus,
  type CascadeSummary,
  type TargetSummary,
} from './cascade-summaries.js';
import { cursorOf, readCursor, type Cursor } from './page-cursor.js';
import type { AuditedState } from './target-fold.js';

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `cursor` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

interface Paging {
  readonly cursor?: string | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
  /** Newest first by default. */
  readonly order?: 'newest' | 'oldest' | undefined;
}

export interface CascadeQuery extends Paging {
  readonly status?: CascadeStatus | undefined;
  readonly subjectId?: string | undefined;
  /** Cascades of this person, and those of others that end something held on this person's behalf. */
  readonly personId?: string | undefined;
  /** Cascades with a target at this provider. */
  readonly providerId?: string | undefined;
  /** Only cascades started before this time, ISO 8601 UTC. */
  readonly startedBefore?: string | undefined;
  readonly startedSince?: string | undefined;
}

export interface TargetQuery extends Paging {
  /** `pending`: not settled, in whatever state; `failed`: deferred after a failure; `settled`: ended with a grade. */
  readonly state?: 'pending' | 'failed' | 'settled' | AuditedState | undefined;
  readonly providerId?: string | undefined;
  readonly userId?: string | undefined;
  readonly agentId?: string | undefined;
  /** Held on behalf of this person, or by this agent. */
  readonly holderId?: string | undefined;
  /** Why the last attempt did not succeed, as `lastClass` shows it. */
  readonly lastClass?: string | undefined;
  readonly cascadeId?: string | undefined;
  /** Only targets planned before this time: those older than some age. */
  readonly plannedBefore?: string | undefined;
}

/** What has not ended yet. */
export interface Backlog {
  readonly openCascades: number;
  /** Targets that have not ended, in whatever state; the next two are among them. */
  readonly pending: number;
  /** The last attempt or probe failed; the next comes by itself. */
  readonly failed: number;
  /** The regular attempts are over: somebody should look. */
  readonly parked: number;
  /** When the oldest of them was planned, ISO 8601 UTC; undefined when all have ended. */
  readonly oldestPlannedAt: string | undefined;
  /** Denies that nothing was planned for yet: the relay has not come to them, or no worker runs. */
  readonly unplannedDenies: number;
  /** When the oldest of these denied, ISO 8601 UTC; undefined when there are none. */
  readonly oldestUnplannedAt: string | undefined;
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
    const { personId, providerId } = query;
    if (personId !== undefined) select = select.where((eb) => concerns(eb, tenant, personId));
    if (providerId !== undefined) select = select.where((eb) => reaches(eb, providerId));
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
    if (query.holderId !== undefined) {
      const id = query.holderId;
      select = select.where((eb) => eb.or([eb('user_id', '=', id), eb('agent_id', '=', id)]));
    }
    if (query.lastClass !== undefined) select = select.where('last_class', '=', query.lastClass);
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

  /** Costs as much as there is open, however much has ended. */
  async backlog(tenant: string): Promise<Backlog> {
    const rows = await this.db
      .selectFrom('cascade_targets')
      .select((eb) => ['state', eb.fn.countAll().as('n'), eb.fn.min('planned_at').as('oldest')])
      .where('tenant', '=', tenant)
      .where('settled', '=', 0)
      .groupBy('state')
      .execute();
    const open = await this.db
      .selectFrom('cascade_cascades')
      .select((eb) => eb.fn.countAll().as('n'))
      .where('tenant', '=', tenant)
      .where('status', '=', 'open')
      .executeTakeFirst();
    const waiting = await this.db
      .selectFrom('cascade_denies')
      .select((eb) => [eb.fn.countAll().as('n'), eb.fn.min('denied_at').as('oldest')])
      .where('tenant', '=', tenant)
      .executeTakeFirst();
    const inState = (state: AuditedState) => Number(rows.find((row) => row.state === state)?.n ?? 0);
    return {
      openCascades: Number(open?.n ?? 0),
      pending: rows.reduce((sum, row) => sum + Number(row.n), 0),
      failed: inState('deferred'),
      parked: inState('parked'),
      oldestPlannedAt: rows.map((row) => row.oldest).sort()[0],
      unplannedDenies: Number(waiting?.n ?? 0),
      oldestUnplannedAt: waiting?.oldest ?? undefined,
    };
  }
}

type CascadeExpressions = ExpressionBuilder<AuditDb, 'cascade_cascades'>;

/** Whether it has a target at this provider; written so that the index by provider, far the longer way, is not taken. */
const reaches = (eb: CascadeExpressions, providerId: string) =>
  eb.exists(
    eb
      .selectFrom('cascade_targets as t')
      .select('t.target_id')
      .whereRef('t.tenant', '=', 'cascade_cascades.tenant')
      .whereRef('t.cascade_id', '=', 'cascade_cascades.cascade_id')
      .where(sql`t.provider_id || ''`, '=', providerId),
  );

const concerns = (eb: CascadeExpressions, tenant: string, personId: string) =>
  eb.or([
    eb('subject_id', '=', personId),
    eb('cascade_id', 'in', (q) =>
      q
        .selectFrom('cascade_targets as t')
        .select('t.cascade_id')
        .where('t.tenant', '=', tenant)
        .where('t.user_id', '=', personId),
    ),
  ]);

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

// What a row about a cascade or a target tells its readers.
import type { CascadeSubject, Grade } from '@app/events';
import type { CascadeRow, TargetRow } from './audit-db.js';
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

export const cascadeOf = (row: CascadeRow): CascadeSummary => ({
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

export const targetOf = (row: TargetRow): TargetSummary => ({
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

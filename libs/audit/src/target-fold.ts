// What each event about a target does to the row an operator sees. Pure.
import type { PlannedTarget, RecordedEvent } from '@app/events';
import type { TargetRow } from './audit-db.js';

/**
 * - `planned`, `due`: to be attempted; `due` again after an operator asked for it
 * - `deferred`: an attempt or a probe failed, the next is at `next_at`
 * - `parked`: the regular attempts are over; visible, tried rarely
 * - `acknowledged`: the provider said yes; settled (grade B) unless a probe is due at `next_at`
 * - `verified`, `expired`, `waived`: settled with grade A, C, W
 */
export const TARGET_STATES = [
  'planned',
  'due',
  'deferred',
  'parked',
  'acknowledged',
  'verified',
  'expired',
  'waived',
] as const;
export type AuditedState = (typeof TARGET_STATES)[number];

export function plannedRow(tenant: string, cascadeId: string, target: PlannedTarget, at: string): TargetRow {
  return {
    tenant,
    target_id: target.targetId,
    cascade_id: cascadeId,
    user_id: target.userId ?? null,
    agent_id: target.agentId ?? null,
    provider_id: target.providerId,
    holding_type: target.holdingType,
    holding_id: target.holdingId,
    kind: target.kind,
    expires_at: target.expiresAt ?? null,
    planned_at: at,
    state: 'planned',
    settled: 0,
    grade: null,
    attempts: 0,
    next_at: at,
    t2: null,
    t3: null,
    t4: null,
    last_class: null,
    last_reason: null,
  };
}

const settled = (state: AuditedState, grade: string) => ({ state, grade, settled: 1, next_at: null });

/** What the event changes; undefined when it is not about a target. */
export function targetChange(row: TargetRow, event: RecordedEvent): Partial<TargetRow> | undefined {
  switch (event.type) {
    case 'RevocationAcknowledged': {
      const { attempt, verifyAt } = event.data;
      const state = verifyAt === undefined ? settled('acknowledged', 'B') : awaiting('acknowledged', 'B', verifyAt);
      return { ...tried(row, event), ...state, ...cleared, t3: attempt.endedAt };
    }
    case 'RevocationVerified':
      return { ...tried(row, event), ...settled('verified', 'A'), ...cleared, t4: event.data.attempt.endedAt };
    case 'VerificationFailed': {
      const reason = 'the probe found it alive';
      return {
        ...tried(row, event),
        ...awaiting(event.data.parked === true ? 'parked' : 'deferred', null, event.data.until),
        ...because('unverified', reason),
      };
    }
    case 'VerificationDeferred': {
      const { until, evidence } = event.data;
      const state = until === undefined ? settled('acknowledged', 'B') : awaiting('acknowledged', 'B', until);
      return { ...tried(row, event), ...state, last_reason: evidence.conclusion };
    }
    case 'RevocationDeferred': {
      const { until, evidence } = event.data;
      return {
        ...tried(row, event),
        ...awaiting('deferred', null, until),
        ...because(event.data.class, evidence.conclusion),
      };
    }
    case 'RevocationParked': {
      const { until, reason } = event.data;
      return { ...tried(row, event), ...awaiting('parked', null, until), ...because(event.data.class, reason) };
    }
    case 'RevocationRetried':
      return { ...awaiting('due', null, event.metadata.at), settled: 0, ...because(null, event.data.reason) };
    case 'RevocationWaived':
      return { ...settled('waived', 'W'), ...because(null, event.data.reason) };
    case 'RevocationExpired':
      return { ...settled('expired', 'C'), ...cleared };
    default:
      return undefined;
  }
}

const awaiting = (state: AuditedState, grade: string | null, until: string) => ({ state, grade, next_at: until });
const because = (last_class: string | null, last_reason: string) => ({ last_class, last_reason });
/** What went wrong before is history once something went right: the trail has it. */
const cleared = { last_class: null, last_reason: null };

const tried = (row: TargetRow, { data }: { data: { attempt: { number: number; startedAt: string } } }) => ({
  attempts: data.attempt.number,
  t2: row.t2 ?? data.attempt.startedAt,
});

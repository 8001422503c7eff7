// Turns what a provider answered into the event that records it: pure, so that every case is a row in a test.
import type { Attempt, EventData, ParkedClass, PlannedTarget } from '@app/events';
import type { Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { BROKEN_EVERY_MS, clampRetryAfter, nextWait, type RetryPolicy } from './retry-policy.js';
import { EXPIRY_LEEWAY_MS, type Target } from './target.js';

/** An event of a target's stream without its envelope. */
export type TargetFact = {
  [T in TargetFactType]: { readonly type: T; readonly data: EventData[T] };
}[TargetFactType];

type TargetFactType =
  | 'RevocationAcknowledged'
  | 'RevocationVerified'
  | 'VerificationFailed'
  | 'VerificationDeferred'
  | 'RevocationDeferred'
  | 'RevocationParked'
  | 'RevocationExpired';

export interface AttemptContext {
  readonly cascadeId: string;
  readonly planned: PlannedTarget;
  /** The target before this attempt. */
  readonly target: Target;
  readonly attempt: Attempt;
  readonly policy: RetryPolicy;
  /** ms after an acknowledgement at which the probe is due; undefined when there is none. */
  readonly verifyAfterMs: number | undefined;
  /** The provider accepted another target after it had refused this one: its refusal is about this target alone. */
  readonly isDisproved: boolean;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** What to record after an attempt to revoke. */
export function decideOutcome(context: AttemptContext, outcome: Outcome): TargetFact {
  const { planned, cascadeId, attempt, policy } = context;
  const about = { targetId: planned.targetId, cascadeId, attempt };
  const { evidence } = outcome;
  const ended = Date.parse(attempt.endedAt);
  const park: Park = (parkedClass, reason, every = policy.parkedEvery) => ({
    type: 'RevocationParked',
    data: { ...about, class: parkedClass, reason, until: iso(ended + every), evidence },
  });
  switch (outcome.kind) {
    case 'revoked':
    case 'already-gone': {
      const verifyAt = context.verifyAfterMs === undefined ? {} : { verifyAt: iso(ended + context.verifyAfterMs) };
      const alreadyGone = outcome.kind === 'already-gone';
      return { type: 'RevocationAcknowledged', data: { ...about, alreadyGone, evidence, ...verifyAt } };
    }
    case 'retry':
      return deferred(context, outcome, park);
    case 'connector-broken':
      if (context.isDisproved) return deferred(context, ofTheTargetAlone(outcome), park);
      // The lane lets only one of them through at a time; the first that succeeds sets all of them free.
      return park(
        'connector-broken',
        `the provider refuses our own credentials or settings (${outcome.code})`,
        BROKEN_EVERY_MS,
      );
    case 'collateral-blocked':
      return park('collateral-blocked', 'revoking would cut access that is not to be revoked');
    case 'permanent':
      return park('permanent', outcome.reason);
    case 'unsupported':
      return waitForExpiry(context, park);
  }
}

type Retry = Extract<Outcome, { kind: 'retry' }>;
/** `every`: ms until the next attempt. */
type Park = (parkedClass: ParkedClass, reason: string, every?: number) => TargetFact;

/** Tried along the curve like any other failure, so that a provider whose nodes disagree is not given up for a day. */
const ofTheTargetAlone = ({ evidence }: Outcome): Retry => ({
  kind: 'retry',
  class: 'provider-error',
  unknownEffect: false,
  evidence,
});

function deferred(
  { planned, cascadeId, attempt, policy, target }: AttemptContext,
  outcome: Retry,
  park: Park,
): TargetFact {
  const consumed = outcome.class !== 'rate-limited';
  const wait = nextWait(policy, planned.targetId, consumed ? target.consumed + 1 : 1);
  if (consumed && wait === undefined) return park('exhausted', `the retry curve is exhausted (${outcome.class})`);
  const asked = outcome.afterMs === undefined ? undefined : clampRetryAfter(policy, outcome.afterMs);
  // A provider that limits the rate knows better than the curve when to come again.
  const after = consumed ? Math.max(wait ?? 0, asked ?? 0) : (asked ?? wait ?? 0);
  const until = iso(Date.parse(attempt.endedAt) + after);
  const about = { targetId: planned.targetId, cascadeId, attempt, evidence: outcome.evidence };
  return { type: 'RevocationDeferred', data: { ...about, class: outcome.class, consumed, until } };
}

/** Looked at once a day all the same: somebody may know by then how to revoke it. */
function waitForExpiry({ planned, attempt, policy }: AttemptContext, park: Park): TargetFact {
  if (planned.expiresAt === undefined) {
    return park(
      'permanent',
      'the provider offers no revocation and the credential has no expiry: waive it or remove it by hand',
    );
  }
  const untilExpiry = Date.parse(planned.expiresAt) + EXPIRY_LEEWAY_MS - Date.parse(attempt.endedAt);
  const wait = Math.min(untilExpiry, policy.parkedEvery);
  return park('permanent', 'the provider offers no revocation: waiting for the expiry', wait);
}

/** What to record after a probe. */
export function decideProbe(context: AttemptContext, outcome: ProbeOutcome): TargetFact {
  const { planned, cascadeId, attempt, policy, target } = context;
  const about = { targetId: planned.targetId, cascadeId, attempt, evidence: outcome.evidence };
  const ended = Date.parse(attempt.endedAt);
  switch (outcome.kind) {
    case 'dead':
      return { type: 'RevocationVerified', data: about };
    case 'alive': {
      const wait = nextWait(policy, planned.targetId, target.consumed + 1);
      const until = iso(ended + (wait ?? policy.parkedEvery));
      return { type: 'VerificationFailed', data: { ...about, until, ...(wait === undefined ? { parked: true } : {}) } };
    }
    case 'no-answer': {
      if (target.probes + 1 >= policy.probes) return { type: 'VerificationDeferred', data: about };
      const wait = nextWait(policy, planned.targetId, target.probes + 1) ?? policy.parkedEvery;
      const asked = outcome.afterMs === undefined ? 0 : clampRetryAfter(policy, outcome.afterMs);
      return { type: 'VerificationDeferred', data: { ...about, until: iso(ended + Math.max(wait, asked)) } };
    }
  }
}

/** What to record when there is nobody to ask: visible until the provider is configured. */
export const noProvider = ({ planned, cascadeId, attempt, policy }: AttemptContext): TargetFact => ({
  type: 'RevocationParked',
  data: {
    targetId: planned.targetId,
    cascadeId,
    attempt,
    class: 'no-provider',
    reason: 'the provider is not configured, or its connector is unknown to this version',
    until: iso(Date.parse(attempt.endedAt) + policy.parkedEvery),
  },
});

// Facts about the cascade: what was planned, what each provider answered, and how each target ended.
import type { CredentialKind, Holder } from './access.events.js';

/** A verified dead, B acknowledged by the provider, C expired by its own lifetime, W waived by a named person. */
export type Grade = 'A' | 'B' | 'C' | 'W';

export type HoldingType = 'credential' | 'schedule' | 'run';

/** What a provider answered, reduced to what may be kept: never a body, a token or a header. */
export interface Evidence {
  readonly adapter: string;
  /** `POST https://host/path` without a query. */
  readonly request: string;
  readonly status?: number;
  /** Hex SHA-256 of the answer's body. */
  readonly bodySha256?: string;
  readonly providerRequestId?: string;
  /** What the connector concluded, in its own words, free of provider data. */
  readonly conclusion: string;
}

/** One attempt to revoke or to verify. Attempts count from 1. */
export interface Attempt {
  readonly number: number;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** One thing to revoke at one provider. */
export interface PlannedTarget extends Holder {
  readonly targetId: string;
  readonly holdingType: HoldingType;
  readonly holdingId: string;
  readonly kind: CredentialKind | 'schedule' | 'run';
  readonly providerId: string;
  /** Lower goes first within a lane: refresh tokens 10, other credentials 20. */
  readonly order: number;
  /** Vault id of the secret to revoke. Absent: by its reference alone, or planned by a version that did not say. */
  readonly secretId?: string;
  /** When what is to be revoked ends by itself. */
  readonly expiresAt?: string;
}

export interface CascadeSubject {
  readonly type: 'user' | 'agent' | 'application' | 'group' | 'role' | 'credential' | 'schedule' | 'run';
  readonly id: string;
}

/** The event that took access away. */
export interface CascadeCause {
  readonly eventId: string;
  readonly eventType: string;
  readonly stream: string;
  readonly revision: number;
  /** T0: the request arrived. */
  readonly receivedAt: string;
  /** T1: the fact was decided; the gate denies from its append on. */
  readonly deniedAt: string;
}

export type ParkedClass = 'connector-broken' | 'collateral-blocked' | 'permanent' | 'exhausted' | 'no-provider';

/** Why an attempt did not end in an acknowledgement; the class decides whether the attempt counts. */
export type DeferredClass = 'provider-error' | 'rate-limited' | 'timeout' | 'network' | 'unverified' | 'crashed';

interface OfTarget {
  readonly targetId: string;
  readonly cascadeId: string;
}

export interface RevocationEvents {
  /** `holdingsPosition` is the log position up to which holdings were known when the plan was made. */
  CascadeStarted: {
    cascadeId: string;
    subject: CascadeSubject;
    cause: CascadeCause;
    generation: number;
    policyHash: string;
    targetCount: number;
    holdingsPosition: string;
  };
  /** A part of the plan: at most 200 targets. */
  RevocationPlanned: { cascadeId: string; targets: PlannedTarget[] };
  /** Nothing was held: evidence too. */
  NothingToRevoke: { cascadeId: string; subject: CascadeSubject; cause: CascadeCause; holdingsPosition: string };

  /** Grade B. `verifyAt` is when the probe is due; absent where the provider offers none. */
  RevocationAcknowledged: OfTarget & { attempt: Attempt; alreadyGone: boolean; evidence: Evidence; verifyAt?: string };
  /** Grade A. */
  RevocationVerified: OfTarget & { attempt: Attempt; evidence: Evidence };
  /** The provider acknowledged and the probe found it alive: due again at `until`. `parked`: the retry curve is over. */
  VerificationFailed: OfTarget & { attempt: Attempt; evidence: Evidence; until: string; parked?: true };
  /** The probe could not be run; tried again at `until`, or given up (grade stays B) when absent. */
  VerificationDeferred: OfTarget & { attempt: Attempt; evidence: Evidence; until?: string };
  /** `consumed` is false for a rate limit: waiting for one costs no attempt. */
  RevocationDeferred: OfTarget & {
    attempt: Attempt;
    class: DeferredClass;
    consumed: boolean;
    until: string;
    evidence: Evidence;
  };
  /** Visible, counted, ageing; tried again at `until`. */
  RevocationParked: OfTarget & {
    attempt: Attempt;
    class: ParkedClass;
    reason: string;
    until: string;
    evidence?: Evidence;
  };
  /** An operator asked for another attempt now. */
  RevocationRetried: OfTarget & { by: string; reason: string };
  RevocationWaived: OfTarget & { by: string; reason: string };
  /** Grade C. */
  RevocationExpired: OfTarget & { expiredAt: string };

  CascadeCompleted: {
    cascadeId: string;
    verdict: 'complete' | 'complete-with-waivers';
    counts: Readonly<Record<Grade, number>>;
  };
}

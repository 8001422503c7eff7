// The life of one revocation target as a pure state machine: from due to a graded end, and never silently dropped.
import type { AnyEvent, DeferredClass, Grade, ParkedClass } from '@app/events';

/**
 * - `due`: to be revoked from `dueAt` on (planned, deferred or asked for again)
 * - `parked`: like due, but the regular attempts are over: visible and tried rarely
 * - `acknowledged`: the provider said yes, the probe is due at `dueAt`
 * - `settled`: ended with a grade; nothing is due any more
 */
export type TargetState = 'due' | 'parked' | 'acknowledged' | 'settled';

export interface Target {
  readonly state: TargetState;
  readonly grade: Grade | undefined;
  /** Attempts to revoke that count towards the retry curve. */
  readonly consumed: number;
  /** Attempts of any kind; the next one has this number plus 1. */
  readonly attempts: number;
  /** Attempts to verify since the last acknowledgement. */
  readonly probes: number;
  /** Acknowledgements that a probe has refuted. */
  readonly refuted: number;
  /** ms since the epoch; undefined once settled. */
  readonly dueAt: number | undefined;
  readonly lastClass: DeferredClass | ParkedClass | undefined;
}

/** Providers may accept a token for as long as their clock and ours differ; after that it is surely dead. */
export const EXPIRY_LEEWAY_MS = 60_000;

/** What holds up all targets of a provider, whatever they are: it takes nothing of the curve that each has. */
const AGAINST_ALL: ReadonlySet<ParkedClass> = new Set(['connector-broken', 'no-provider']);

/** A target as planned: due at once. */
export const plannedTarget = (at: number): Target => ({
  state: 'due',
  grade: undefined,
  consumed: 0,
  attempts: 0,
  probes: 0,
  refuted: 0,
  dueAt: at,
  lastClass: undefined,
});

const settled = (target: Target, grade: Grade): Target => ({ ...target, state: 'settled', grade, dueAt: undefined });

/** Folds one event of the target's stream; events that are not about a target leave it as it is. */
export function evolveTarget(target: Target, event: AnyEvent): Target {
  switch (event.type) {
    case 'RevocationAcknowledged': {
      const attempts = event.data.attempt.number;
      if (event.data.verifyAt === undefined) return settled({ ...target, attempts }, 'B');
      const dueAt = Date.parse(event.data.verifyAt);
      return { ...target, state: 'acknowledged', grade: 'B', attempts, probes: 0, dueAt };
    }
    case 'RevocationVerified':
      return settled({ ...target, attempts: event.data.attempt.number }, 'A');
    case 'VerificationFailed':
      return {
        ...target,
        state: event.data.parked === true ? 'parked' : 'due',
        grade: undefined,
        attempts: event.data.attempt.number,
        consumed: target.consumed + 1,
        refuted: target.refuted + 1,
        dueAt: Date.parse(event.data.until),
        lastClass: 'unverified',
      };
    case 'VerificationDeferred': {
      const attempts = event.data.attempt.number;
      if (event.data.until === undefined) return settled({ ...target, attempts }, 'B');
      return { ...target, attempts, probes: target.probes + 1, dueAt: Date.parse(event.data.until) };
    }
    case 'RevocationDeferred':
      return {
        ...target,
        state: 'due',
        attempts: event.data.attempt.number,
        consumed: target.consumed + (event.data.consumed ? 1 : 0),
        dueAt: Date.parse(event.data.until),
        lastClass: event.data.class,
      };
    case 'RevocationParked':
      return {
        ...target,
        state: 'parked',
        attempts: event.data.attempt.number,
        consumed: target.consumed + (AGAINST_ALL.has(event.data.class) ? 0 : 1),
        dueAt: Date.parse(event.data.until),
        lastClass: event.data.class,
      };
    case 'RevocationRetried':
      return { ...target, state: 'due', grade: undefined, consumed: 0, dueAt: Date.parse(event.metadata.at) };
    case 'RevocationWaived':
      return settled(target, 'W');
    case 'RevocationExpired':
      return settled(target, 'C');
    default:
      return target;
  }
}

// When a failed attempt is tried again: a fixed curve with jitter, then rarely and visibly, for ever.
import { createHash } from 'node:crypto';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** About three days in ten steps, in ms. */
export const DEFAULT_RETRY_CURVE: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** While a provider refuses our own credentials, one of its targets is tried every so often (ms). */
export const BROKEN_EVERY_MS = 5 * MINUTE;

export interface RetryPolicy {
  /** Waits in ms after the 1st, 2nd, ... counted attempt. */
  readonly curve: readonly number[];
  /** 0.2 spreads each wait over ±20 %. */
  readonly jitter: number;
  /** Wait in ms between attempts at a parked target. */
  readonly parkedEvery: number;
  /** Longest wait in ms that a provider's Retry-After is granted. */
  readonly longestRetryAfter: number;
  /** Probes without an answer before the grade stays B. */
  readonly probes: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  curve: DEFAULT_RETRY_CURVE,
  jitter: 0.2,
  parkedEvery: 24 * HOUR,
  longestRetryAfter: HOUR,
  probes: 5,
};

/** A number in [0, 1) that depends on the target and the attempt only, so that a replayed decision is the same. */
function spread(targetId: string, attempt: number): number {
  return createHash('sha256').update(`${targetId}.${attempt}`).digest().readUInt32BE(0) / 2 ** 32;
}

/**
 * The wait in ms before the next attempt, or undefined when the curve is exhausted and the target is to be parked.
 * @param consumed attempts that counted so far, including the one that just failed
 */
export function nextWait(policy: RetryPolicy, targetId: string, consumed: number): number | undefined {
  const wait = policy.curve[consumed - 1];
  if (wait === undefined) return undefined;
  return Math.round(wait * (1 + policy.jitter * (2 * spread(targetId, consumed) - 1)));
}

/** A provider's own Retry-After in ms, clamped to [1 s, longestRetryAfter]. */
export const clampRetryAfter = (policy: RetryPolicy, afterMs: number): number =>
  Math.min(Math.max(afterMs, SECOND), policy.longestRetryAfter);

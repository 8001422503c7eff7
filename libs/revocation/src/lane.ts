// A lane: what is in flight at one provider of one tenant, and whether more of it may be handed out. Does no I/O.
import type { TargetFact } from './outcome.js';
import type { TargetRow } from './revocation-db.js';
import { BROKEN_EVERY_MS } from './retry-policy.js';

interface HandedOut {
  /** ms */
  readonly since: number;
  readonly order: number;
  /** It went alone, to learn whether the provider accepts us again. */
  readonly isTrial: boolean;
  /** Acknowledged, and the worker that has it goes on to prove it. */
  proving: boolean;
}

/** What is known of a target that may be handed out. */
export type DueRow = Pick<TargetRow, 'target_id' | 'generation' | 'attempts' | 'revision' | 'ord'>;

/** The state of one lane, for operators. */
export interface LaneStatus {
  readonly tenant: string;
  readonly providerId: string;
  readonly inFlight: number;
  readonly pausedUntil: string | undefined;
  readonly broken: boolean;
}

/**
 * What happens to a target in a lane, in this order, and what each step changes:
 *
 * | step             | in flight                        | answered | committed | broken, paused                       |
 * |------------------|----------------------------------|----------|-----------|--------------------------------------|
 * | `handOut`        | added                            |          |           |                                      |
 * | `onAcknowledged` |                                  | added    |           |                                      |
 * | `onRecorded`     | `proving` when a probe follows   |          |           | by a rate limit, a refusal and a yes |
 * | `onCommitted`    | released unless it is `proving`  | released | added     |                                      |
 * | `release`        | released                         | released |           |                                      |
 * | `reopen`         |                                  |          |           | as new                               |
 *
 * A refusal of our own credentials leaves one place in the lane, for a trial with whatever was tried least: at once, and
 * every so often while trials with different targets are refused. A yes opens the lane, and disproves the refusals before
 * it: a target that is refused once more is refused for what it is, which is no matter of the lane.
 */
export class Lane {
  /** Handed to the queue, outcome not yet in the rows. */
  private readonly inFlight = new Map<string, HandedOut>();
  /** Those of them that are acknowledged: they take no place from others. */
  private readonly answered = new Set<string>();
  /** Committed since the rows of the lane were last asked for: what those rows say about them is old. */
  private readonly committed = new Set<string>();
  /** The last look left some that are due. */
  private hasMore = false;
  /** Refused since the last yes. */
  private readonly refused = new Set<string>();
  /** Refused before a yes to another target. */
  private readonly disproved = new Set<string>();
  /** Nothing is handed out before this time (ms): the provider asked for patience, or refuses us. */
  pausedUntil = 0;
  /** The provider refused our own credentials: one target at a time until it accepts one. */
  broken = false;

  /** @param concurrency targets in flight at once */
  constructor(
    readonly tenant: string,
    readonly providerId: string,
    private readonly concurrency: number,
  ) {}

  /** Each look costs a query over what is in flight as well: it is worth while for half of the lane. */
  isRoomy(): boolean {
    return this.room() >= Math.ceil(this.limit() / 2);
  }

  /** The rows of the lane are about to be asked for. @returns how many of them are needed to fill it */
  look(): number {
    this.committed.clear();
    return this.inFlight.size + this.room();
  }

  /**
   * What may go now: neither in flight nor just committed, and nothing before a refresh token that still is, unless
   * all that matters is whether the provider accepts us.
   * @param due the first `asked` rows that are due
   */
  next(due: readonly DueRow[], asked: number): DueRow[] {
    this.hasMore = due.length === asked;
    const waiting = due.filter(({ target_id: id }) => !this.inFlight.has(id) && !this.committed.has(id));
    if (this.broken) return waiting.slice(0, Math.max(this.room(), 0));
    const orders = [...waiting.map((row) => row.ord), ...[...this.inFlight.values()].map((f) => f.order)];
    const first = Math.min(...orders);
    return waiting.filter((row) => row.ord === first).slice(0, Math.max(this.room(), 0));
  }

  handOut(rows: readonly DueRow[], now: number): void {
    const isTrial = this.broken;
    for (const row of rows) this.inFlight.set(row.target_id, { since: now, order: row.ord, isTrial, proving: false });
  }

  /** The provider has said yes. @returns whether the lane is worth a look, because it can be asked about others */
  onAcknowledged(targetId: string, fact: TargetFact, now: number): boolean {
    if (!this.inFlight.has(targetId) || isProvenAtOnce(fact, now)) return false;
    this.answered.add(targetId);
    return this.hasMore && this.isRoomy();
  }

  /** The log has the outcome of an attempt. @returns whether it opened the lane */
  onRecorded(targetId: string, fact: TargetFact, now: number): boolean {
    const handedOut = this.inFlight.get(targetId);
    if (handedOut !== undefined) handedOut.proving = isProvenAtOnce(fact, now);
    if (fact.type === 'RevocationDeferred' && fact.data.class === 'rate-limited') {
      this.pausedUntil = Math.max(this.pausedUntil, Date.parse(fact.data.until));
    } else if (fact.type === 'RevocationParked' && fact.data.class === 'connector-broken') {
      this.broken = true;
      this.refused.add(targetId);
      // One target that is refused over and over says nothing about those that were not asked for.
      if (handedOut?.isTrial === true && this.refused.size > 1) this.pausedUntil = now + BROKEN_EVERY_MS;
    } else if (fact.type === 'RevocationAcknowledged') {
      return this.accept(targetId);
    }
    return false;
  }

  /** Whether the provider accepted another target after it had refused this one. */
  isDisproved(targetId: string): boolean {
    return this.disproved.has(targetId);
  }

  /** The rows have a new fact about the target. */
  onCommitted(targetId: string): void {
    if (this.inFlight.get(targetId)?.proving !== true) this.release(targetId);
    this.committed.add(targetId);
  }

  /** What was handed out is no longer in flight. */
  release(targetId: string): void {
    this.answered.delete(targetId);
    this.inFlight.delete(targetId);
  }

  /** Forgets what was handed out before a time in ms. */
  releaseBefore(time: number): void {
    for (const [id, { since }] of this.inFlight) if (since < time) this.release(id);
  }

  /** The provider is configured anew: nothing it said before counts. */
  reopen(): void {
    this.refused.clear();
    this.disproved.clear();
    this.broken = false;
    this.pausedUntil = 0;
  }

  status(now: number): LaneStatus {
    const { tenant, providerId, inFlight, pausedUntil, broken } = this;
    const paused = pausedUntil > now ? new Date(pausedUntil).toISOString() : undefined;
    return { tenant, providerId, inFlight: inFlight.size, pausedUntil: paused, broken };
  }

  /** @returns whether it opened the lane */
  private accept(targetId: string): boolean {
    for (const other of this.refused) this.disproved.add(other);
    this.refused.clear();
    this.disproved.delete(targetId);
    if (!this.broken) return false;
    this.broken = false;
    this.pausedUntil = 0;
    return true;
  }

  private limit(): number {
    return this.broken ? 1 : this.concurrency;
  }

  private room(): number {
    return this.limit() - (this.inFlight.size - this.answered.size);
  }
}

/** The worker's eighth step. */
const isProvenAtOnce = (fact: TargetFact, now: number): boolean =>
  fact.type === 'RevocationAcknowledged' && fact.data.verifyAt !== undefined && Date.parse(fact.data.verifyAt) <= now;

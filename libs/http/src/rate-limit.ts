// Limits how many requests of one connection this process lets in: a bucket of tokens each, refilled as time passes.
import { LRUCache } from 'lru-cache';

interface Bucket {
  tokens: number;
  /** ms */
  filledAt: number;
}

/** Buckets kept: whoever was not seen for longest starts with a full one. */
const CONNECTIONS = 10_000;
/** Seconds' worth of requests that may come at once after a silence. */
const BURST_SECONDS = 2;
/** Buckets that are kept without a look at which of them are full. */
const FEW_BUCKETS = 1_000;

/**
 * Each process has its own buckets: it protects itself, and asking a database would cost every request more than it saves.
 * Several processes behind a balancer let in as many times the limit.
 */
export class RateLimit {
  private readonly buckets = new LRUCache<string, Bucket>({ max: CONNECTIONS });
  private readonly capacity: number;
  private lookAt = FEW_BUCKETS;

  /** @param perSecond requests of each connection in the long run */
  constructor(private readonly perSecond: number) {
    this.capacity = perSecond * BURST_SECONDS;
  }

  /**
   * Takes a token, if there is one.
   * @param now ms
   * @returns 0 when the request may come in, else the whole seconds after which it may come again
   */
  take(connectionId: string, now: number): number {
    let bucket = this.buckets.get(connectionId);
    if (bucket === undefined) {
      if (this.buckets.size >= this.lookAt) this.forgetFull(now);
      bucket = { tokens: this.capacity, filledAt: now };
      this.buckets.set(connectionId, bucket);
    }
    // A clock that was set back must not empty the bucket.
    const passed = Math.max(0, now - bucket.filledAt);
    bucket.tokens = Math.min(this.capacity, bucket.tokens + (passed * this.perSecond) / 1_000);
    bucket.filledAt = now;
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / this.perSecond));
    bucket.tokens -= 1;
    return 0;
  }

  /** A bucket that is full again is as good as none. Done when there are twice as many as were left the last time. */
  private forgetFull(now: number): void {
    for (const [connectionId, { filledAt }] of this.buckets) {
      if (now - filledAt >= BURST_SECONDS * 1_000) this.buckets.delete(connectionId);
    }
    this.lookAt = Math.max(FEW_BUCKETS, this.buckets.size * 2);
  }

  /** Connections that are kept in mind. */
  get size(): number {
    return this.buckets.size;
  }
}

// The queue port: a hint that work is due. The log owns what is due and when; a lost job is rebuilt from it.

/** What a worker is asked to look at. Carries ids only; at most 100 items, all of one lane. */
export interface RevocationJob {
  /** Unique per (targets, generation, attempts, revisions): adding an id that is still queued is a no-op. No `:`, not an integer. */
  readonly id: string;
  readonly tenant: string;
  /** `<tenant>.<provider>`: the unit of fairness. */
  readonly lane: string;
  readonly items: readonly JobItem[];
}

export interface JobItem {
  readonly targetId: string;
  readonly generation: number;
  readonly attempt: number;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
}

/** Returns normally when every item was handled; throws only for our own defects (the job is then tried again). */
export type JobHandler = (job: RevocationJob, signal: AbortSignal) => Promise<void>;

/** Job queue port. Every adapter passes `job-queue.contract.ts`. */
export abstract class JobQueue {
  /**
   * Adds jobs, at-least-once delivery, roughly first in first out.
   * @throws QueueUnavailable within 2 s when the backend cannot be reached; some of the jobs may have been added.
   */
  abstract enqueue(jobs: readonly RevocationJob[]): Promise<void>;

  /** Starts working, at most `concurrency` jobs at a time. Survives outages of the backend by reconnecting. */
  abstract work(handler: JobHandler, options: { concurrency: number }): Promise<void>;

  /** @throws QueueUnavailable within 2 s */
  abstract counts(): Promise<QueueCounts>;

  /** Takes no new jobs, waits for the active ones (at most `timeoutMs`, then aborts their signal), disconnects. */
  abstract close(timeoutMs?: number): Promise<void>;
}

export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';
}

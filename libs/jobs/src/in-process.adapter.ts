// The queue in the memory of this process: for tests, and for machines without Redis.
import { JobQueue, QueueUnavailable, type JobHandler, type QueueCounts, type RevocationJob } from './job-queue.port.js';
import { drain } from './patience.js';
import { ATTEMPTS, backoffMs } from './retry-limits.js';

interface Entry {
  readonly job: RevocationJob;
  /** Handlings so far. */
  made: number;
}

export interface InProcessOptions {
  /** Told of every error a handler threw. */
  readonly onError: (error: unknown) => void;
}

/** Forgets everything when the process ends; the sweep then rebuilds the jobs from the log. */
export class InProcessQueue extends JobQueue {
  private readonly waiting = new Map<string, Entry>();
  private readonly active = new Map<string, Promise<void>>();
  private readonly backingOff = new Map<string, NodeJS.Timeout>();
  private readonly aborter = new AbortController();
  private handler: JobHandler | undefined;
  private concurrency = 0;
  private closed = false;
  private readonly onError: (error: unknown) => void;

  constructor({ onError }: InProcessOptions) {
    super();
    this.onError = onError;
  }

  async enqueue(jobs: readonly RevocationJob[]): Promise<void> {
    this.assertOpen();
    for (const job of jobs) {
      const isQueued = this.waiting.has(job.id) || this.active.has(job.id) || this.backingOff.has(job.id);
      if (!isQueued) this.waiting.set(job.id, { job, made: 0 });
    }
    this.startNext();
  }

  async work(handler: JobHandler, { concurrency }: { concurrency: number }): Promise<void> {
    this.assertOpen();
    this.handler = handler;
    this.concurrency = concurrency;
    this.startNext();
  }

  async counts(): Promise<QueueCounts> {
    this.assertOpen();
    return { waiting: this.waiting.size + this.backingOff.size, active: this.active.size };
  }

  async close(timeoutMs = 10_000): Promise<void> {
    this.closed = true;
    for (const timer of this.backingOff.values()) clearTimeout(timer);
    await drain(Promise.all(this.active.values()), timeoutMs, this.aborter);
  }

  private startNext(): void {
    const { handler } = this;
    if (handler === undefined) return;
    for (const [id, entry] of this.waiting) {
      if (this.closed || this.active.size >= this.concurrency) return;
      this.waiting.delete(id);
      this.active.set(id, this.handle(entry, handler));
    }
  }

  /** Never rejects. */
  private async handle(entry: Entry, handler: JobHandler): Promise<void> {
    entry.made += 1;
    let hasFailed = false;
    try {
      await handler(entry.job, this.aborter.signal);
    } catch (error) {
      hasFailed = true;
      this.onError(error);
    }
    this.active.delete(entry.job.id);
    if (hasFailed && entry.made < ATTEMPTS && !this.closed) this.backOff(entry);
    this.startNext();
  }

  private backOff(entry: Entry): void {
    const { id } = entry.job;
    const timer = setTimeout(() => {
      this.backingOff.delete(id);
      this.waiting.set(id, entry);
      this.startNext();
    }, backoffMs(entry.made));
    this.backingOff.set(id, timer);
  }

  private assertOpen(): void {
    if (this.closed) throw new QueueUnavailable('the queue is closed');
  }
}

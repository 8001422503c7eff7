// A queue in memory, for specs that decide themselves when jobs run, get lost, or cannot be handed over.
import { JobQueue, QueueUnavailable, type JobHandler, type QueueCounts, type RevocationJob } from '@app/jobs';
import type { TargetRow } from './revocation-db.js';

/** Keeps jobs until a spec runs them; can be emptied like a Redis that lost everything, and be unreachable. */
export class HeldQueue extends JobQueue {
  jobs: RevocationJob[] = [];
  /** Every job ever accepted. */
  readonly accepted: RevocationJob[] = [];
  reachable = true;
  active = 0;
  private handler: JobHandler | undefined;

  async enqueue(jobs: readonly RevocationJob[]): Promise<void> {
    this.mustBeReachable();
    const fresh = jobs.filter((job) => !this.jobs.some((queued) => queued.id === job.id));
    this.jobs.push(...fresh);
    this.accepted.push(...fresh);
  }

  async work(handler: JobHandler): Promise<void> {
    this.handler = handler;
  }

  async counts(): Promise<QueueCounts> {
    this.mustBeReachable();
    return { waiting: this.jobs.length, active: this.active };
  }

  async close(): Promise<void> {
    this.handler = undefined;
  }

  /** Runs what waits, in order; `handler` in place of the one given to `work`. */
  async run(handler: JobHandler | undefined = this.handler): Promise<void> {
    if (handler === undefined) throw new Error('nobody works on this queue');
    for (const job of this.take()) await handler(job, new AbortController().signal);
  }

  /** Takes what waits away from the queue, as a worker or a crash of Redis does. */
  take(): RevocationJob[] {
    return this.jobs.splice(0);
  }

  private mustBeReachable(): void {
    if (!this.reachable) throw new QueueUnavailable('the queue does not answer');
  }
}

/** The job that the dispatcher makes of these targets of one lane. */
export const jobFor = (...rows: TargetRow[]): RevocationJob => ({
  id: 'job-1',
  tenant: 'acme',
  lane: 'acme.p',
  items: rows.map((row) => ({ targetId: row.target_id, generation: row.generation, attempt: row.attempts + 1 })),
});

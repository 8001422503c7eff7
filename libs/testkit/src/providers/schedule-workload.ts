// A fake agent platform on BullMQ: schedules that start agent runs, and workers that stop a run when it is cancelled.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, UnrecoverableError, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import { listenForCancellation } from './run-cancellation.js';

export interface ScheduleWorkloadOptions {
  readonly queue?: string;
  readonly prefix?: string;
  /** How long a run works when nobody stops it. Default one hour: it has to be cancelled. */
  readonly runMs?: number;
  readonly concurrency?: number;
  /** Runs that ignore the cancellation. */
  readonly stubborn?: boolean;
}

export interface RunRecord {
  readonly runId: string;
  readonly startedAt: number;
  endedAt?: number;
  outcome?: 'finished' | 'cancelled';
}

/** @param redisUrl `unix:///path` or `redis://` */
export async function startScheduleWorkload(
  redisUrl: string,
  options: ScheduleWorkloadOptions = {},
): Promise<ScheduleWorkload> {
  const workload = new ScheduleWorkload(redisUrl, options);
  await workload.start();
  return workload;
}

export class ScheduleWorkload {
  readonly queueName: string;
  readonly prefix: string;
  /** Every run that started, in order; times are `performance.now()`. */
  readonly runs: RunRecord[] = [];
  private readonly connections: Redis[] = [];
  private readonly queue: Queue;
  private readonly worker: Worker;
  private readonly released = new AbortController();

  constructor(
    private readonly redisUrl: string,
    private readonly options: ScheduleWorkloadOptions,
  ) {
    this.queueName = options.queue ?? 'agent-runs';
    this.prefix = options.prefix ?? 'bull';
    this.queue = new Queue(this.queueName, { connection: this.connection(), prefix: this.prefix });
    this.worker = new Worker(this.queueName, (job, _token, signal) => this.run(job, signal), {
      connection: this.connection(),
      prefix: this.prefix,
      concurrency: options.concurrency ?? 4,
      autorun: false,
    });
    this.queue.on('error', () => undefined);
    this.worker.on('error', () => undefined);
  }

  async start(): Promise<void> {
    const name = { queue: this.queueName, prefix: this.prefix };
    await listenForCancellation(this.worker, name, this.connection(), this.connection());
    await this.queue.waitUntilReady();
    void this.worker.run();
    await this.worker.waitUntilReady();
  }

  /** Starts a run now and then one every `everyMs`. @returns the id of the first run */
  async schedule(schedulerId: string, everyMs: number): Promise<string> {
    const first = await this.queue.upsertJobScheduler(schedulerId, { every: everyMs }, { name: 'agent-run' });
    return first?.id ?? '';
  }

  /** Queues one run; `delayMs` keeps it waiting. */
  async enqueueRun(jobId: string, delayMs = 0): Promise<void> {
    await this.queue.add('agent-run', {}, { jobId, delay: delayMs });
  }

  /** Ids of the runs that are working at this moment. */
  running(): string[] {
    return this.runs.filter((run) => run.endedAt === undefined).map((run) => run.runId);
  }

  /** Ids of the runs BullMQ recorded as failed: cancelled, or never executed because access was revoked before. */
  async failedRuns(): Promise<string[]> {
    return (await this.queue.getFailed()).map((job) => job.id ?? '');
  }

  /** Lets stubborn runs end. */
  release(): void {
    this.released.abort();
  }

  async stop(): Promise<void> {
    this.release();
    await this.worker.close(true);
    await this.queue.close();
    for (const connection of this.connections) connection.disconnect();
  }

  private async run(job: Job, signal: AbortSignal | undefined): Promise<void> {
    const record: RunRecord = { runId: job.id ?? '', startedAt: performance.now() };
    this.runs.push(record);
    const stops = [this.released.signal];
    if (signal !== undefined && this.options.stubborn !== true) stops.push(signal);
    const finished = await sleep(this.options.runMs ?? 3_600_000, true, { signal: AbortSignal.any(stops) }).catch(
      () => false,
    );
    record.endedAt = performance.now();
    record.outcome = finished ? 'finished' : 'cancelled';
    // A plain error would make BullMQ try the run again.
    if (!finished) throw new UnrecoverableError('cancelled');
  }

  private connection(): Redis {
    // The driver keeps the process alive that long after each disconnect.
    const options = { maxRetriesPerRequest: null, disconnectTimeout: 100 };
    const { protocol, pathname } = new URL(this.redisUrl);
    const connection =
      protocol === 'unix:' ? new Redis({ ...options, path: pathname }) : new Redis(this.redisUrl, options);
    connection.on('error', () => undefined);
    this.connections.push(connection);
    return connection;
  }
}

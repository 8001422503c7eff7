// The queue on Redis: BullMQ with the settings that survive killed workers, outages and half-open connections.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import {
  JobQueue,
  QueueUnavailable,
  type JobHandler,
  type JobItem,
  type QueueCounts,
  type RevocationJob,
} from './job-queue.port.js';
import { drain, settledWithin } from './patience.js';
import { redisAddressOf } from './redis-url.js';
import { ATTEMPTS, FIRST_BACKOFF_MS } from './retry-limits.js';

/** The port promises an answer within 2 s: the first half may go into a reconnect that is under way. */
const READY_WITHIN_MS = 900;
const ANSWER_WITHIN_MS = 900;
/** A half-open connection hangs for ever without it; below the longest blocking read it would cut healthy ones. */
const SOCKET_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 2_000;
const LONGEST_RECONNECT_MS = 1_000;

/** A killed worker's jobs are handled again after at most lock + stalled interval. */
const WORKER_SETTINGS = {
  lockDuration: 2_000,
  lockRenewTime: 500,
  stalledInterval: 500,
  // The default of 1 drops a job whose worker is killed twice.
  maxStalledCount: 1_000,
  // The default waits 15 s after a lost connection.
  runRetryDelay: 250,
};

const JOB_SETTINGS = {
  attempts: ATTEMPTS,
  backoff: { type: 'exponential', delay: FIRST_BACKOFF_MS },
  // A finished job would keep its id from being added again.
  removeOnComplete: true,
  removeOnFail: true,
};

type JobData = Omit<RevocationJob, 'id'>;

export interface BullMqOptions {
  /** `redis://`, `rediss://` or `unix:///path/to/socket` */
  readonly redisUrl: string;
  readonly queueName?: string;
  /** Told of every error a handler threw, and once per outage of Redis. */
  readonly onError: (error: unknown) => void;
}

/** A worker with a handler that never returns would renew its lock, and keep the process alive, for ever. */
class LeavingWorker extends Worker<JobData> {
  letLocksGo(): Promise<void> {
    return this.lockManager.close();
  }
}

export class BullMqQueue extends JobQueue {
  private readonly aborter = new AbortController();
  private readonly clients: Redis[] = [];
  private readonly producer: Redis;
  /** Shared by all callers, so that a long outage leaves no listeners behind. */
  private producerReady: Promise<void> | undefined;
  private readonly queue: Queue<JobData>;
  private worker: LeavingWorker | undefined;
  private closed = false;
  private lastReported: string | undefined;
  private readonly options: BullMqOptions;

  private constructor(options: BullMqOptions) {
    super();
    this.options = options;
    // Never queues or repeats a command: the caller is told, and the log still knows what is due.
    this.producer = this.client({ enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    this.queue = new Queue<JobData>(this.queueName, {
      connection: this.producer,
      // With these the queue does nothing before its first command, so that a Redis that is down cannot break it.
      skipMetasUpdate: true,
      skipVersionCheck: true,
      skipWaitingForReady: true,
    });
    this.queue.on('error', (error) => this.reportOnce(error));
  }

  /**
   * Connects in the background; Redis may be down and come up later.
   * @throws InvalidRedisUrl
   */
  static connect(options: BullMqOptions): BullMqQueue {
    return new BullMqQueue(options);
  }

  async enqueue(jobs: readonly RevocationJob[]): Promise<void> {
    const bulk = jobs.map(({ id, ...data }) => ({ name: 'revoke', data, opts: { ...JOB_SETTINGS, jobId: id } }));
    await this.ask(() => this.queue.addBulk(bulk));
  }

  async work(handler: JobHandler, { concurrency }: { concurrency: number }): Promise<void> {
    const connection = this.client({ maxRetriesPerRequest: null });
    const { signal } = this.aborter;
    this.worker = new LeavingWorker(this.queueName, ({ id = '', data }) => handler({ id, ...onlyIds(data) }, signal), {
      ...WORKER_SETTINGS,
      connection,
      concurrency,
    });
    this.worker.on('error', (error) => this.reportOnce(error));
    this.worker.on('failed', (_job, error) => this.options.onError(error));
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.ask(() => this.queue.getJobCounts('waiting', 'delayed', 'active'));
    const { waiting = 0, delayed = 0, active = 0 } = counts;
    return { waiting: waiting + delayed, active };
  }

  async close(timeoutMs = 10_000): Promise<void> {
    this.closed = true;
    // A client that is closed while it waits to reconnect never says that it ended, and the worker waits for that.
    await settledWithin(READY_WITHIN_MS, Promise.all(this.clients.map(untilReadyOrEnded)));
    await drain(Promise.resolve(this.worker?.close()), timeoutMs, this.aborter);
    await this.worker?.letLocksGo();
    await settledWithin(ANSWER_WITHIN_MS, this.queue.close());
    for (const client of this.clients) client.disconnect();
  }

  private get queueName(): string {
    return this.options.queueName ?? 'revocation';
  }

  /** Runs commands of the producer; whatever Redis answers or fails to answer is `QueueUnavailable`. */
  private async ask<T>(commands: () => Promise<T>): Promise<T> {
    this.producerReady ??= untilReadyOrEnded(this.producer).finally(() => (this.producerReady = undefined));
    if (!(await settledWithin(READY_WITHIN_MS, this.producerReady))) {
      throw new QueueUnavailable('Redis cannot be reached');
    }
    const answer = commands();
    if (!(await settledWithin(ANSWER_WITHIN_MS, answer))) throw new QueueUnavailable('Redis does not answer');
    try {
      return await answer;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      throw new QueueUnavailable(`Redis cannot be used: ${reason}`, { cause: error });
    }
  }

  /** A connection that reconnects until the queue is closed. Its copies, which BullMQ makes, are kept track of too. */
  private client(options: { enableOfflineQueue?: boolean; maxRetriesPerRequest: number | null }): Redis {
    const all = {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      // The driver waits so long even for a socket that is closed already, and keeps the process from ending.
      disconnectTimeout: 100,
      retryStrategy: (times: number) => (this.closed ? null : Math.min(times * 50, LONGEST_RECONNECT_MS)),
      ...options,
    };
    const client = new Redis({ ...all, ...redisAddressOf(this.options.redisUrl) });
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (override) => this.track(duplicate(override));
    return this.track(client);
  }

  private track(client: Redis): Redis {
    this.clients.push(client);
    client.on('error', (error) => this.reportOnce(error));
    client.on('ready', () => (this.lastReported = undefined));
    return client;
  }

  private reportOnce(error: Error): void {
    if (this.closed || error.message === this.lastReported) return;
    this.lastReported = error.message;
    this.options.onError(error);
  }
}

/** What a job in Redis says, without whatever else somebody may have put there. */
function onlyIds({ tenant, lane, items }: JobData): JobData {
  const only = ({ targetId, generation, attempt }: JobItem): JobItem => ({ targetId, generation, attempt });
  return { tenant, lane, items: items.map(only) };
}

function untilReadyOrEnded(client: Redis): Promise<void> {
  if (client.status === 'ready' || client.status === 'end') return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      client.off('ready', settle).off('end', settle);
      resolve();
    };
    client.on('ready', settle).on('end', settle);
  });
}

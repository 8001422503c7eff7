// Reaches into the BullMQ queues of an agent platform: what is scheduled, waiting and running there, and how to stop it.
import type { RedisAddress } from '@app/jobs';
import { ErrorCode, Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** Where the schedule or the run lives; `prefix` is BullMQ's, `bull` by default. */
export interface QueueAddress {
  readonly queue: string;
  readonly prefix: string;
}

/** All runs of a schedule, or one run. */
export type Selection = { readonly schedulerId: string } | { readonly jobId: string };

export interface Found {
  /** False when no queue of that name was ever used at this Redis. */
  readonly queueExists: boolean;
  readonly scheduled: boolean;
  /** Job ids that a worker would still execute: waiting, paused, prioritized, delayed or waiting for children. */
  readonly pending: readonly string[];
  /** Job ids that a worker is executing. */
  readonly active: readonly string[];
}

/** The field BullMQ keeps a deferred failure in: a worker that picks such a job fails it without executing it. */
const DEFERRED_FAILURE = 'defa';

/**
 * Finds jobs in one atomic step; they would change lists between two reads.
 * Input: KEYS 1-2 lists and 3-5 sorted sets of pending jobs, 6 the active list, 7 the schedulers, 8 the meta hash;
 * ARGV[1] the key prefix of jobs, [2] `scheduler` or `run`, [3] its id. Output: queue exists, scheduled, pending, active.
 * Ids of a scheduler's jobs are `repeat:<scheduler>:<ms>`; jobs with a deferred failure can do no harm and are left out.
 */
const FIND = `
local base, mode, id = ARGV[1], ARGV[2], ARGV[3]
local start = 'repeat:' .. id .. ':'
local function wanted(job)
  if mode == 'run' then return job == id end
  return string.sub(job, 1, #start) == start and string.find(job, '^%d+$', #start + 1) ~= nil
end
local function harmless(job) return redis.call('HEXISTS', base .. job, '${DEFERRED_FAILURE}') == 1 end
local pending, active = {}, {}
for i = 1, 5 do
  local jobs
  if i <= 2 then jobs = redis.call('LRANGE', KEYS[i], 0, -1) else jobs = redis.call('ZRANGE', KEYS[i], 0, -1) end
  for _, job in ipairs(jobs) do
    if wanted(job) and not harmless(job) then pending[#pending + 1] = job end
  end
end
for _, job in ipairs(redis.call('LRANGE', KEYS[6], 0, -1)) do
  if wanted(job) then active[#active + 1] = job end
end
local scheduled = mode == 'scheduler' and redis.call('ZSCORE', KEYS[7], id)
return { redis.call('EXISTS', KEYS[8]), scheduled and 1 or 0, pending, active }
`;

/** Input: KEYS the hashes of jobs, ARGV[1] the reason. A job that ended meanwhile is not brought back. */
const FORBID = `
for _, job in ipairs(KEYS) do
  if redis.call('EXISTS', job) == 1 then redis.call('HSET', job, '${DEFERRED_FAILURE}', ARGV[1]) end
end
`;

const ANSWER_TIMEOUT_MS = 5_000;

/** One connection to a platform's Redis, shared by all its queues. Every call rejects within seconds when it is down. */
export class BullmqQueues {
  private readonly client: Redis;
  private readonly queues = new Map<string, Queue>();

  constructor(address: RedisAddress) {
    this.client = new Redis({
      ...address,
      lazyConnect: true,
      connectTimeout: ANSWER_TIMEOUT_MS,
      socketTimeout: ANSWER_TIMEOUT_MS,
      // The driver waits so long even for a socket that is closed already, and keeps the process from ending.
      disconnectTimeout: 100,
      // BullMQ would wait for ever; a connector answers and is asked again.
      maxRetriesPerRequest: 1,
      retryStrategy: (times: number) => Math.min(times * 100, 5_000),
    });
    // Every command reports the failure to its caller; without a listener it would end the process as well.
    this.client.on('error', () => undefined);
  }

  async find(address: QueueAddress, selection: Selection): Promise<Found> {
    const key = (name: string) => `${address.prefix}:${address.queue}:${name}`;
    const lists = ['wait', 'paused', 'prioritized', 'delayed', 'waiting-children', 'active', 'repeat', 'meta'].map(key);
    const [mode, id] = 'jobId' in selection ? ['run', selection.jobId] : ['scheduler', selection.schedulerId];
    const answer = await this.client.eval(FIND, lists.length, ...lists, key(''), mode, id);
    const [exists, scheduled, pending, active] = answer as [number, number, string[], string[]];
    return { queueExists: exists === 1, scheduled: scheduled === 1, pending, active };
  }

  /** Stops the schedule from producing runs; the runs it has produced stay. */
  async removeScheduler(address: QueueAddress, schedulerId: string): Promise<void> {
    await this.client.ping();
    await this.queue(address).removeJobScheduler(schedulerId);
  }

  /**
   * Removes jobs that wait. BullMQ refuses to remove the next run of a schedule that is kept, and a job that turned
   * active meanwhile, so each gets a deferred failure first: whichever stays will not be executed.
   */
  async removePending(address: QueueAddress, jobIds: readonly string[]): Promise<void> {
    await this.forbid(address, jobIds);
    for (const jobId of jobIds) {
      await this.queue(address)
        .remove(jobId)
        .catch((error: Error & { code?: unknown }) => {
          if (error.code !== ErrorCode.JobBelongsToJobScheduler) throw error;
        });
    }
  }

  /**
   * Asks the worker of each active job to stop it. A worker can be told from outside in no other way: the deferred
   * failure keeps the job from being executed again, and the channel of `cancelChannel` carries its id.
   * @returns how many listeners the channel had
   */
  async cancelActive(address: QueueAddress, jobIds: readonly string[]): Promise<number> {
    await this.forbid(address, jobIds);
    let listeners = 0;
    for (const jobId of jobIds) listeners = await this.client.publish(cancelChannel(address), jobId);
    return listeners;
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(() => undefined)));
    this.client.disconnect();
  }

  private async forbid(address: QueueAddress, jobIds: readonly string[]): Promise<void> {
    if (jobIds.length === 0) return;
    const keys = jobIds.map((jobId) => `${address.prefix}:${address.queue}:${jobId}`);
    await this.client.eval(FORBID, keys.length, ...keys, 'access revoked');
  }

  private queue(address: QueueAddress): Queue {
    const key = `${address.prefix}:${address.queue}`;
    const known = this.queues.get(key);
    if (known !== undefined) return known;
    // The platform owns the queue: its meta data is left as it is.
    const fresh = new Queue(address.queue, {
      connection: this.client,
      prefix: address.prefix,
      skipMetasUpdate: true,
      skipVersionCheck: true,
      skipWaitingForReady: true,
    });
    fresh.on('error', () => undefined);
    this.queues.set(key, fresh);
    return fresh;
  }
}

/**
 * Where a platform's workers listen for runs to stop; the message is the job's id. On a message, and for each of its
 * active jobs after a reconnect whose hash has the field `defa`, a worker calls `worker.cancelJob(id)`, and the
 * processor ends by throwing `UnrecoverableError` when its signal aborts.
 */
export function cancelChannel(address: QueueAddress): string {
  return `${address.prefix}:${address.queue}:cancel`;
}

export type RedisFault = 'refused' | 'busy' | 'timeout' | 'network';

/** What an error of the driver means; undefined when it is no fault of Redis or the way to it. */
export function redisFault(error: unknown): RedisFault | undefined {
  if (!(error instanceof Error)) return undefined;
  if (/^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password|ERR Client sent AUTH)/.test(error.message)) return 'refused';
  if (error.name === 'ReplyError') return 'busy';
  if (/timed out/i.test(error.message)) return 'timeout';
  const lost = error.name === 'MaxRetriesPerRequestError' || error.message.startsWith('Connection is closed');
  return lost || typeof (error as { code?: unknown }).code === 'string' ? 'network' : undefined;
}

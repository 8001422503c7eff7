// What an agent platform adds to its BullMQ workers so that a revoked run stops within milliseconds.
import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';

export interface QueueName {
  readonly queue: string;
  readonly prefix: string;
}

/**
 * Cancels an active job when its id arrives on the channel `<prefix>:<queue>:cancel`, and, because messages are lost
 * while a connection is down, every active job whose hash has the field `defa` whenever the connection is ready again.
 * @param subscriber a connection of its own: a subscribed one takes no other command
 */
export async function listenForCancellation(
  worker: Worker,
  { queue, prefix }: QueueName,
  subscriber: Redis,
  commands: Redis,
): Promise<void> {
  const active = new Set<string>();
  worker.on('active', (job) => active.add(job.id ?? ''));
  worker.on('completed', (job) => active.delete(job.id ?? ''));
  worker.on('failed', (job) => active.delete(job?.id ?? ''));

  const cancel = (jobId: string) => worker.cancelJob(jobId, 'access revoked');
  subscriber.on('message', (_channel, jobId: string) => cancel(jobId));
  subscriber.on('ready', () => {
    for (const jobId of active) {
      commands.hexists(`${prefix}:${queue}:${jobId}`, 'defa').then(
        (revoked) => revoked === 1 && cancel(jobId),
        // The next 'ready' asks again.
        () => undefined,
      );
    }
  });
  await subscriber.subscribe(`${prefix}:${queue}:cancel`);
}

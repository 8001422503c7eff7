// The floor of the cascade: a bare BullMQ worker on Redis that makes the same HTTP calls and records nothing.
import { Queue, Worker } from 'bullmq';
import { Pool } from 'undici';

export interface BullMqFloorOptions {
  readonly redisPath: string;
  readonly provider: string;
  readonly jobs: number;
  readonly concurrency: number;
}

/** @returns ms from adding the jobs to the last one completed */
export async function bullMqFloor({ redisPath, provider, jobs, concurrency }: BullMqFloorOptions): Promise<number> {
  const connection = { path: redisPath, maxRetriesPerRequest: null };
  const queue = new Queue('floor', { connection });
  const pool = new Pool(provider, { connections: 200, pipelining: 1 });
  let done = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const worker = new Worker(
    'floor',
    async () => {
      const answer = await pool.request({
        method: 'POST',
        path: '/revoke',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `token=${'x'.repeat(40)}&token_type_hint=access_token`,
      });
      await answer.body.dump();
    },
    { connection, concurrency },
  );
  worker.on('completed', () => {
    done += 1;
    if (done === jobs) finish();
  });
  await worker.waitUntilReady();
  const started = performance.now();
  await queue.addBulk(
    Array.from({ length: jobs }, (_, i) => ({
      name: 'revoke',
      data: { target: `t${i}` },
      opts: { removeOnComplete: true, removeOnFail: true, attempts: 10 },
    })),
  );
  await finished;
  const elapsed = performance.now() - started;
  await worker.close();
  await queue.close();
  await pool.close();
  return elapsed;
}

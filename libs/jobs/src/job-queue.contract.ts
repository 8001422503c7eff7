// What every adapter of the queue keeps; run by the spec of each.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { QueueUnavailable, type JobQueue, type RevocationJob } from './job-queue.port.js';
import { ATTEMPTS } from './retry-limits.js';

export const job = (id: string, over: Partial<RevocationJob> = {}): RevocationJob => ({
  id,
  tenant: 'acme',
  lane: 'acme.github',
  items: [{ targetId: `target-${id}`, generation: 1, attempt: 1 }],
  ...over,
});

/** @throws when the condition does not hold within ten seconds */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true');
    await sleep(5);
  }
}

/** A handler that holds every job until it is let go. */
export function gatedHandler() {
  const started: string[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const handler = async ({ id }: RevocationJob): Promise<void> => {
    started.push(id);
    await gate;
  };
  return { handler, started, open };
}

/** @param connect opens an empty queue that reports errors of handlers to `onError` */
export function jobQueueContract(connect: (onError: (error: unknown) => void) => JobQueue): void {
  let queue: JobQueue;
  let errors: unknown[];

  beforeEach(() => {
    errors = [];
    queue = connect((error) => errors.push(error));
  });

  afterEach(() => queue.close(0));

  const isIdle = async () => {
    const { waiting, active } = await queue.counts();
    return waiting + active === 0;
  };

  it('hands every job over once and unchanged, first in first out', async () => {
    const jobs = Array.from({ length: 60 }, (_, i) => job(`j${i}`, { lane: `acme.${i}` }));
    await queue.enqueue(jobs);
    const handled: RevocationJob[] = [];
    await queue.work(async (one) => void handled.push(one), { concurrency: 1 });
    await until(isIdle);
    expect(handled).toEqual(jobs);
  });

  it('takes no job twice while it waits or is active', async () => {
    const { handler, started, open } = gatedHandler();
    await queue.enqueue([job('a'), job('a')]);
    await queue.enqueue([job('a')]);
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0 });
    await queue.work(handler, { concurrency: 5 });
    await until(() => started.length === 1);
    await queue.enqueue([job('a')]);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 1 });
    open();
    await until(isIdle);
    expect(started).toEqual(['a']);
  });

  it('takes the same id again once the job was handled', async () => {
    let handled = 0;
    await queue.work(async () => void (handled += 1), { concurrency: 1 });
    for (const round of [1, 2, 3]) {
      await queue.enqueue([job('a')]);
      await until(async () => handled === round && (await isIdle()));
    }
    expect(handled).toBe(3);
  });

  it('works on as many jobs at once as it was told, and counts what waits and what is active', async () => {
    const { handler, started, open } = gatedHandler();
    await queue.work(handler, { concurrency: 3 });
    await queue.enqueue(Array.from({ length: 8 }, (_, i) => job(`j${i}`)));
    await until(() => started.length === 3);
    expect(await queue.counts()).toEqual({ waiting: 5, active: 3 });
    open();
    await until(isIdle);
    expect(started).toHaveLength(8);
  });

  it('tries a job again whose handler threw, and lets the others pass meanwhile', async () => {
    const handled: string[] = [];
    await queue.enqueue([job('a'), job('b'), job('c')]);
    await queue.work(
      async ({ id }) => {
        handled.push(id);
        if (id === 'a' && handled.filter((one) => one === 'a').length < 3) throw new Error('defect');
      },
      { concurrency: 1 },
    );
    await until(async () => handled.length === 5 && (await isIdle()));
    expect(handled).toEqual(['a', 'b', 'c', 'a', 'a']);
    expect(errors.map(String)).toEqual(['Error: defect', 'Error: defect']);
  });

  it('counts a job that waits for its next try as waiting, and keeps its id', async () => {
    let handled = 0;
    await queue.work(
      async () => {
        handled += 1;
        if (handled === 1) throw new Error('defect');
      },
      { concurrency: 1 },
    );
    await queue.enqueue([job('a')]);
    await until(async () => handled === 1 && (await queue.counts()).active === 0);
    await queue.enqueue([job('a')]);
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0 });
    await until(isIdle);
    expect(handled).toBe(2);
  });

  it('drops a job whose handler always throws, and takes its id again', async () => {
    let handled = 0;
    await queue.work(
      async () => {
        handled += 1;
        throw new Error('defect');
      },
      { concurrency: 1 },
    );
    await queue.enqueue([job('a')]);
    await until(async () => handled === ATTEMPTS && (await isIdle()));
    expect(errors).toHaveLength(ATTEMPTS);
    await queue.enqueue([job('a')]);
    await until(() => handled === ATTEMPTS + 1);
  });

  it('waits for active jobs when it is closed, and starts no other', async () => {
    const { handler, started, open } = gatedHandler();
    await queue.work(handler, { concurrency: 2 });
    await queue.enqueue([job('a'), job('b'), job('c')]);
    await until(() => started.length === 2);
    let isClosed = false;
    const closing = queue.close().then(() => (isClosed = true));
    await sleep(20);
    expect(isClosed).toBe(false);
    open();
    await closing;
    expect(started).toEqual(['a', 'b']);
  });

  it('aborts the signal of what is still active when its patience is over', async () => {
    let isActive = false;
    let reason: unknown;
    await queue.work(
      async (_, signal) => {
        isActive = true;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason = signal.reason;
      },
      { concurrency: 1 },
    );
    await queue.enqueue([job('a')]);
    await until(() => isActive);
    await queue.close(10);
    expect(String(reason)).toContain('AbortError');
  });

  it('is unavailable once it is closed', async () => {
    await queue.close();
    await expect(queue.enqueue([job('a')])).rejects.toThrow(QueueUnavailable);
    await expect(queue.counts()).rejects.toThrow(QueueUnavailable);
    await queue.close();
  });

  it('takes an empty list', async () => {
    await queue.enqueue([]);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0 });
  });
}

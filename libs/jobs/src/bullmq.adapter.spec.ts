import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startPrivateRedis, type PrivateRedis } from '@app/testkit';
import { BullMqQueue } from './bullmq.adapter.js';
import { gatedHandler, job, jobQueueContract, until } from './job-queue.contract.js';
import { QueueUnavailable } from './job-queue.port.js';
import { InvalidRedisUrl } from './redis-url.js';

jest.setTimeout(30_000);

/** Sends one command to a Redis. */
async function tell(redis: PrivateRedis, command: string): Promise<void> {
  const socket = connect(redis.socketPath);
  socket.write(`${command}\r\n`);
  await once(socket, 'data');
  socket.destroy();
}

describe('the queue on Redis', () => {
  let redis: PrivateRedis;
  let queues = 0;
  const opened: BullMqQueue[] = [];

  const open = (redisUrl = redis.url, onError: (error: unknown) => void = () => undefined): BullMqQueue => {
    queues += 1;
    const queue = BullMqQueue.connect({ redisUrl, queueName: `q${queues}`, onError });
    opened.push(queue);
    return queue;
  };

  beforeAll(async () => {
    redis = await startPrivateRedis();
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.close(0)));
  });

  afterAll(() => redis.stop());

  jobQueueContract((onError) => open(redis.url, onError));

  it('says that a Redis does not answer instead of waiting for it, and goes on when it does', async () => {
    const queue = open();
    await queue.counts();
    redis.freeze();
    await expect(queue.enqueue([job('a')])).rejects.toThrow(QueueUnavailable);
    await expect(queue.counts()).rejects.toThrow(QueueUnavailable);
    redis.thaw();
    await until(() => queue.counts().then(Boolean, () => false));
  });

  it('counts nothing after Redis has lost its data, and works on', async () => {
    const queue = open();
    const { handler, started, open: release } = gatedHandler();
    await queue.work(handler, { concurrency: 1 });
    await queue.enqueue([job('a'), job('b'), job('c')]);
    await until(() => started.length === 1);
    await tell(redis, 'FLUSHALL');
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0 });
    release();
    await queue.enqueue([job('b')]);
    await until(() => started.length === 2);
    expect(started).toEqual(['a', 'b']);
  });

  it('puts ids into Redis and nothing else', async () => {
    const queue = open();
    const handled: unknown[] = [];
    const held = { ...job('a').items[0], secret: 'canary' };
    await queue.enqueue([job('a', { items: [held as never] })]);
    await queue.work(async (one) => void handled.push(one), { concurrency: 1 });
    await until(() => handled.length === 1);
    expect(handled).toEqual([job('a')]);
  });

  const startElsewhere = () => {
    const path = fileURLToPath(new URL('./killed-worker.fixture.mjs', import.meta.url));
    const args = ['--no-warnings', path, redis.url, `q${queues}`];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  };

  it('lets its process end although a handler never returns', async () => {
    const queue = open();
    const child = startElsewhere();
    const ended = once(child, 'exit');
    await queue.enqueue([job('a')]);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('hands the job of a killed worker to another one', async () => {
    const queue = open();
    const child = startElsewhere();
    const ended = once(child, 'exit');
    await queue.enqueue([job('a')]);
    expect(String((await once(child.stdout, 'data'))[0])).toBe('a\n');
    let handled = 0;
    await queue.work(async () => void (handled += 1), { concurrency: 1 });
    child.kill('SIGKILL');
    await ended;
    await until(() => handled > 0);
    await until(async () => (await queue.counts()).active === 0);
    expect(handled).toBe(1);
  });

  it('keeps the job of a worker that is alive for longer than the lock', async () => {
    const queue = open();
    const other = BullMqQueue.connect({ redisUrl: redis.url, queueName: `q${queues}`, onError: () => undefined });
    opened.push(other);
    const { handler, started, open: release } = gatedHandler();
    await queue.work(handler, { concurrency: 1 });
    await queue.enqueue([job('long')]);
    await until(() => started.length === 1);
    await other.work(handler, { concurrency: 1 });
    const since = performance.now();
    await until(() => performance.now() - since > 3_000);
    expect(started).toEqual(['long']);
    release();
  });

  it('refuses an address that is not of Redis, and does not repeat it', () => {
    for (const redisUrl of ['https://:canary@redis.example', 'canary']) {
      const attempt = () => BullMqQueue.connect({ redisUrl, onError: () => undefined });
      expect(attempt).toThrow(InvalidRedisUrl);
      expect(attempt).not.toThrow(/canary/);
    }
  });
});

describe('the queue while Redis is down', () => {
  let port: number;
  let redis: PrivateRedis | undefined;
  let queue: BullMqQueue;
  let errors: unknown[];
  const start = async () => (redis = await startPrivateRedis('--port', String(port), '--bind', '127.0.0.1'));
  const stop = async () => {
    await redis?.stop();
    redis = undefined;
  };

  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    ({ port } = probe.address() as AddressInfo);
    probe.close();
    errors = [];
  });

  const connectQueue = () => {
    errors = [];
    queue = BullMqQueue.connect({ redisUrl: `redis://127.0.0.1:${port}`, onError: (error) => errors.push(error) });
  };

  afterEach(async () => {
    await queue.close(0);
    await stop();
  });

  it('says so before it is back, and its worker goes on after the outage', async () => {
    await start();
    connectQueue();
    const { handler, started, open } = gatedHandler();
    await queue.work(handler, { concurrency: 2 });
    await queue.enqueue([job('a')]);
    await until(() => started.length === 1);
    await stop();
    for (let i = 0; i < 2; i += 1) {
      await expect(queue.enqueue([job('b')])).rejects.toThrow(QueueUnavailable);
      await expect(queue.counts()).rejects.toThrow(QueueUnavailable);
    }
    open();
    await start();
    await until(() =>
      queue
        .enqueue([job('b')])
        .then(() => true)
        .catch(() => false),
    );
    await until(() => started.length === 2);
    expect(started).toEqual(['a', 'b']);
  });

  it('may be started before Redis is', async () => {
    connectQueue();
    const started: string[] = [];
    await queue.work(async ({ id }) => void started.push(id), { concurrency: 1 });
    await expect(queue.enqueue([job('a')])).rejects.toThrow(QueueUnavailable);
    await start();
    await until(() =>
      queue
        .enqueue([job('a')])
        .then(() => true)
        .catch(() => false),
    );
    await until(() => started.length === 1);
    expect(started).toEqual(['a']);
  });

  it('reports an outage once and not at every try to reconnect', async () => {
    connectQueue();
    await queue.work(async () => undefined, { concurrency: 1 });
    for (let i = 0; i < 3; i += 1) await queue.counts().catch(() => undefined);
    expect(errors).toHaveLength(1);
  });

  it('is closed without waiting for Redis', async () => {
    await start();
    connectQueue();
    const { handler, started } = gatedHandler();
    await queue.work(handler, { concurrency: 1 });
    await queue.enqueue([job('a')]);
    await until(() => started.length === 1);
    await stop();
    await queue.counts().catch(() => undefined);
    await expect(queue.close(100)).resolves.toBeUndefined();
  });
});

// A Redis on a unix socket that a test can stop and start again on the same data, and ask questions.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@app/testkit';
import { Redis } from 'ioredis';

export class RedisServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'redis-'));
  readonly socket = join(this.folder, 'redis.sock');
  private process: ChildProcess | undefined;

  get url(): string {
    return `unix://${this.socket}`;
  }

  async start(): Promise<void> {
    const settings = ['--port', '0', '--unixsocket', this.socket, '--dir', this.folder, '--appendonly', 'yes'];
    this.process = spawn('redis-server', [...settings, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
    await eventually('Redis answers', () => this.ask((redis) => redis.ping()).catch(() => undefined));
  }

  async stop(): Promise<void> {
    const stopped = this.process;
    if (stopped === undefined || stopped.exitCode !== null) return;
    stopped.kill('SIGKILL');
    await once(stopped, 'exit');
  }

  /** Runs commands on a connection of its own. */
  async ask<T>(commands: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({
      path: this.socket,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await commands(redis);
    } finally {
      redis.disconnect();
    }
  }
}

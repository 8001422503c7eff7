// A Redis of one's own for a test or the demo: on a unix socket in a temporary folder, nothing on the network.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PrivateRedis {
  readonly socketPath: string;
  /** `unix:///path/to/redis.sock` */
  readonly url: string;
  /** Keeps the server from running until `thaw`: its connections stay open and answer nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 10_000;

/** @throws when no `redis-server` is on PATH or it is not ready within ten seconds */
export async function startPrivateRedis(...settings: readonly string[]): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const socketPath = join(folder, 'redis.sock');
  const fixed = ['--port', '0', '--unixsocket', socketPath, '--dir', folder, '--save', '', '--daemonize', 'no'];
  const server = spawn('redis-server', [...fixed, ...settings], { stdio: 'ignore' });
  const ended = new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.once('exit', () => resolve(undefined));
  });
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await accepts(socketPath))) {
    if (server.exitCode === null && server.pid !== undefined && Date.now() < deadline) {
      await sleep(10);
      continue;
    }
    const reason = await Promise.race([ended, sleep(100)]);
    await stop();
    throw new Error(`redis-server did not start${reason instanceof Error ? `: ${reason.message}` : ''}`);
  }
  return {
    socketPath,
    url: `unix://${socketPath}`,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    stop,
  };
}

function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

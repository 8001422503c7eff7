// A Redis server as a child of this process: on a unix socket, restarted when it dies, gone when this process is gone.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settledWithin } from './patience.js';

/** The command and arguments that start a server on these folders, as the server sees them. */
export type RedisCommand = (folders: { data: string; socket: string }) => readonly string[];

/** What every private server is started with: durable within a second, and never dropping a job to save memory. */
export const redisArguments = (data: string, socketPath: string): readonly string[] => [
  ...['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700', '--dir', data, '--daemonize', 'no'],
  ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--maxmemory-policy', 'noeviction'],
  ...['--loglevel', 'warning', '--logfile', join(data, 'redis.log')],
];

/**
 * Ends the server when standard input closes, which it does however the parent ends. Its own session keeps the
 * terminal's Ctrl-C away from the server, so that workers drain first. In a locale that the machine lacks it would not
 * start.
 */
const WATCH = `export LC_ALL=C
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill "$server"; } & watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"`;

/** Unix sockets take no longer paths (107 bytes on Linux, 103 on macOS). */
const LONGEST_SOCKET_PATH = 103;
const STOP_WITHIN_MS = 5_000;
const RESTART_AFTER_MS = 250;

export interface RedisProcessOptions {
  /** Keeps the data of the server; created when missing. */
  readonly directory: string;
  readonly command: RedisCommand;
  readonly readyWithinMs: number;
  readonly log: (line: string) => void;
}

export class RedisProcess {
  readonly socketPath: string;
  private readonly options: RedisProcessOptions;
  private child: ChildProcess | undefined;
  private stopping = false;

  private constructor(options: RedisProcessOptions, socketPath: string) {
    this.options = options;
    this.socketPath = socketPath;
  }

  /** @throws Error when the server does not become ready, or another process keeps its Redis in this folder */
  static async start(given: RedisProcessOptions): Promise<RedisProcess> {
    const options = { ...given, directory: resolve(given.directory) };
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    await endOrphan(options.directory);
    const socketPath = join(await mkdtemp(join(shortTemporaryFolder(), 'cascade-')), 'redis.sock');
    await writeFile(ownerFile(options.directory), JSON.stringify({ pid: process.pid, socketPath }), { mode: 0o600 });
    const server = new RedisProcess(options, socketPath);
    if (await server.spawnReady()) return server;
    // The log knows what is due: an unreadable queue costs a sweep, not a revocation.
    options.log('The private Redis cannot read its data and starts empty; what is due is queued again from the log.');
    for (const name of ['appendonlydir', 'appendonly.aof']) {
      await rm(join(options.directory, name), { recursive: true, force: true });
    }
    if (await server.spawnReady()) return server;
    await server.stop();
    throw new Error(`the private Redis does not start: see ${join(options.directory, 'redis.log')}`);
  }

  /** Ends the server; its data stays in the directory. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.end();
    await rm(dirname(this.socketPath), { recursive: true, force: true });
    await rm(ownerFile(this.options.directory), { force: true });
  }

  private async spawnReady(): Promise<boolean> {
    const { command, directory, readyWithinMs } = this.options;
    const args = command({ data: directory, socket: dirname(this.socketPath) });
    const child = spawn('sh', ['-c', WATCH, 'sh', ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.child = child;
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    child.unref();
    const deadline = performance.now() + readyWithinMs;
    while (child.exitCode === null && child.pid !== undefined && performance.now() < deadline) {
      if ((await ask(this.socketPath, 'PING')) === '+PONG') {
        child.once('exit', () => void this.restart());
        return true;
      }
      await sleep(10);
    }
    await this.end();
    return false;
  }

  private async restart(): Promise<void> {
    while (!this.stopping) {
      this.options.log('The private Redis ended and is started again.');
      if (await this.spawnReady()) return;
      await sleep(RESTART_AFTER_MS);
    }
  }

  private async end(): Promise<void> {
    const { child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin?.end();
    if (await settledWithin(STOP_WITHIN_MS, ended)) return;
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

const ownerFile = (directory: string): string => join(directory, 'owner.json');

/** Ends a server that outlived its process, found by the socket it still answers on. */
async function endOrphan(directory: string): Promise<void> {
  const text = await readFile(ownerFile(directory), 'utf8').catch(() => '{}');
  const { pid, socketPath } = parsed(text);
  if (pid === undefined || socketPath === undefined) return;
  if ((await ask(socketPath, 'PING')) !== undefined) await shutDown(directory, pid, socketPath);
  await rm(dirname(socketPath), { recursive: true, force: true });
}

async function shutDown(directory: string, pid: number, socketPath: string): Promise<void> {
  if (pid !== process.pid && isAlive(pid)) {
    throw new Error(
      `${directory} holds the Redis of process ${pid}: give each process its own DATA_DIR, or set REDIS_URL`,
    );
  }
  await ask(socketPath, 'SHUTDOWN NOSAVE');
  const deadline = performance.now() + STOP_WITHIN_MS;
  while ((await ask(socketPath, 'PING')) !== undefined) {
    if (performance.now() > deadline) throw new Error(`a Redis that was left behind in ${directory} does not end`);
    await sleep(10);
  }
}

function parsed(text: string): { pid?: number; socketPath?: string } {
  try {
    return JSON.parse(text) as { pid?: number; socketPath?: string };
  } catch {
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @returns the first line of the answer; undefined when nobody answers within a second */
function ask(socketPath: string, command: string): Promise<string | undefined> {
  return new Promise((settle) => {
    const socket = connect(socketPath);
    const end = (answer: string | undefined) => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(1_000, () => end(undefined));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => end(data.toString('latin1').split('\r\n')[0]));
    socket.once('close', () => end(undefined));
    socket.once('error', () => end(undefined));
  });
}

function shortTemporaryFolder(): string {
  const folder = tmpdir();
  return Buffer.byteLength(join(folder, 'cascade-XXXXXX', 'redis.sock')) > LONGEST_SOCKET_PATH ? '/tmp' : folder;
}

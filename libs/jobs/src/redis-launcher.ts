// Finds a Redis for the queue: the one that is configured, else a private one, installed if need be.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { redisArguments, RedisProcess, type RedisCommand } from './redis-process.js';
import { findExecutable, installPackage } from './system-package.mjs';

export interface LaunchOptions {
  /** A Redis that somebody else runs; it is used as it is. */
  readonly redisUrl?: string | undefined;
  /** Keeps the data of a private Redis. */
  readonly directory: string;
  /** Told in one line what a person should know. */
  readonly log: (line: string) => void;
}

export interface LaunchedRedis {
  /** `redis://`, `rediss://` or `unix:///path/to/socket` */
  readonly url: string;
  /** Ends a private Redis; its data is kept. Does nothing to a configured one. */
  stop(): Promise<void>;
}

/** What the launcher asks of the machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  find(program: string): string | undefined;
  installRedis(log: (line: string) => void): Promise<boolean>;
}

const thisMachine: Machine = {
  platform: process.platform,
  find: (program) => findExecutable(program),
  installRedis: (log) => installPackage({ apt: 'redis-server', brew: 'redis' }, log),
};

const SERVERS = ['redis-server', 'valkey-server'];
const IMAGE = 'redis:7.4-bookworm';
const READY_WITHIN_MS = 20_000;
/** The image may have to be fetched first. */
const CONTAINER_READY_WITHIN_MS = 180_000;

const NO_REDIS =
  'NO REDIS: the queue is kept in memory. No revocation is lost, for the log knows what is due, but after a restart ' +
  'queued work waits for the next sweep, and workers in other processes see no jobs. To mend it: ' +
  '"apt-get install redis-server" or "brew install redis" (6.2 or later), or set REDIS_URL.';

/**
 * Starts or finds a Redis of version 6.2 or later.
 * @returns undefined when there is none and none can be installed; the log then says what that costs
 * @throws Error when another process keeps its private Redis in `directory`
 */
export async function launchRedis(options: LaunchOptions, machine = thisMachine): Promise<LaunchedRedis | undefined> {
  const { redisUrl, directory, log } = options;
  if (redisUrl !== undefined) return { url: redisUrl, stop: async () => undefined };
  const server = findServer(machine) ?? ((await machine.installRedis(log)) ? findServer(machine) : undefined);
  if (server !== undefined) return launch(options, direct(server), READY_WITHIN_MS);
  // Only on Linux does a socket of the container appear outside.
  const docker = machine.platform === 'linux' ? machine.find('docker') : undefined;
  if (docker !== undefined && spawnSync(docker, ['info'], { timeout: 10_000 }).status === 0) {
    log(`No redis-server found: running ${IMAGE} with docker.`);
    return launch({ directory, log }, inContainer(docker), CONTAINER_READY_WITHIN_MS);
  }
  log(NO_REDIS);
  return undefined;
}

async function launch(options: LaunchOptions, command: RedisCommand, readyWithinMs: number): Promise<LaunchedRedis> {
  const { directory, log } = options;
  const server = await RedisProcess.start({ directory, log, command, readyWithinMs });
  return { url: `unix://${server.socketPath}`, stop: () => server.stop() };
}

const findServer = (machine: Machine): string | undefined =>
  SERVERS.map((name) => machine.find(name)).find((path) => path !== undefined && isRecent(path));

function isRecent(server: string): boolean {
  const { stdout } = spawnSync(server, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  const [, major = 0, minor = 0] = /v=(\d+)\.(\d+)/.exec(stdout ?? '')?.map(Number) ?? [];
  return major > 6 || (major === 6 && minor >= 2);
}

const direct =
  (server: string): RedisCommand =>
  ({ data, socket }) => [server, ...redisArguments(data, join(socket, 'redis.sock'))];

function inContainer(docker: string): RedisCommand {
  // As the same user, so that both sides may use the files.
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return ({ data, socket }) => [
    ...[docker, 'run', '--rm', '--init', '--network', 'none', '--user', user],
    ...['--volume', `${data}:/data`, '--volume', `${socket}:/run/cascade`],
    ...[IMAGE, 'redis-server', ...redisArguments('/data', '/run/cascade/redis.sock')],
  ];
}

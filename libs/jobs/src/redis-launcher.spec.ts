import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BullMqQueue } from './bullmq.adapter.js';
import { job, until } from './job-queue.contract.js';
import { launchRedis, type LaunchedRedis, type Machine } from './redis-launcher.js';
import { findExecutable } from './system-package.mjs';

jest.setTimeout(60_000);

const socketOf = (url: string): string => new URL(url).pathname;

/** @returns what a Redis answers; undefined when it is not there */
function tell(url: string, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(socketOf(url));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => resolve(String(data)));
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
    socket.setTimeout(1_000, () => socket.destroy());
  });
}

const isUp = async (url: string) => (await tell(url, 'PING')) === '+PONG\r\n';

describe('the launcher of Redis', () => {
  let directory: string;
  let lines: string[];
  const launched: LaunchedRedis[] = [];

  const machine = (over: Partial<Machine>): Machine => ({
    platform: 'linux',
    find: () => undefined,
    installRedis: async () => false,
    ...over,
  });

  const launch = async (on?: Machine): Promise<LaunchedRedis | undefined> => {
    const redis = await launchRedis({ directory, log: (line) => lines.push(line) }, on);
    if (redis !== undefined) launched.push(redis);
    return redis;
  };

  const launchHere = async () => (await launch()) as LaunchedRedis;

  beforeEach(async () => {
    lines = [];
    directory = await mkdtemp(join(tmpdir(), 'launcher-'));
  });

  afterEach(async () => {
    await Promise.all(launched.splice(0).map((redis) => redis.stop()));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it('uses the Redis it is given', async () => {
    const redisUrl = 'redis://127.0.0.1:6399';
    expect((await launchRedis({ redisUrl, directory, log: (line) => lines.push(line) }))?.url).toBe(redisUrl);
    expect(await readdir(directory)).toEqual([]);
  });

  it('starts a private one on a unix socket that keeps its data and drops none', async () => {
    const redis = await launchHere();
    expect(redis.url).toMatch(/^unix:\/\//);
    expect(await tell(redis.url, 'CONFIG GET port')).toContain('$1\r\n0\r\n');
    expect(await tell(redis.url, 'CONFIG GET appendonly')).toContain('yes');
    expect(await tell(redis.url, 'CONFIG GET maxmemory-policy')).toContain('noeviction');
    await tell(redis.url, 'SET kept 1');
    await redis.stop();
    expect(await isUp(redis.url)).toBe(false);
    expect(await tell((await launchHere()).url, 'GET kept')).toBe('$1\r\n1\r\n');
    expect(lines).toEqual([]);
  });

  it('serves the queue', async () => {
    const { url } = await launchHere();
    const queue = BullMqQueue.connect({ redisUrl: url, onError: (error) => lines.push(String(error)) });
    await queue.enqueue([job('a')]);
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0 });
    await queue.close();
    expect(lines).toEqual([]);
  });

  it('starts it again on the same socket and data when it dies', async () => {
    const { url } = await launchHere();
    await tell(url, 'SET kept 1');
    await tell(url, 'SHUTDOWN');
    await until(() => isUp(url));
    expect(await tell(url, 'GET kept')).toBe('$1\r\n1\r\n');
    expect(lines).toEqual(['The private Redis ended and is started again.']);
  });

  const startElsewhere = async () => {
    const path = fileURLToPath(new URL('./killed-launcher.fixture.mjs', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', path, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    return { child, url: String((await once(child.stdout, 'data'))[0]) };
  };

  it('takes it down with its process, also when that is killed', async () => {
    const { child, url } = await startElsewhere();
    expect(await isUp(url)).toBe(true);
    child.kill('SIGKILL');
    await until(async () => !(await isUp(url)));
  });

  it('ends one that was left behind, and refuses one that is in use', async () => {
    const { child, url } = await startElsewhere();
    const ended = once(child, 'exit');
    await expect(launch()).rejects.toThrow(/DATA_DIR/);
    const owner = JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8')) as object;
    await writeFile(join(directory, 'owner.json'), JSON.stringify({ ...owner, pid: process.pid }));
    const redis = await launchHere();
    expect(redis.url).not.toBe(url);
    expect(await isUp(redis.url)).toBe(true);
    child.kill('SIGKILL');
    await ended;
  });

  it('starts empty when the data cannot be read, and says so', async () => {
    const first = await launchHere();
    await tell(first.url, 'SET kept 1');
    await first.stop();
    const folder = join(directory, 'appendonlydir');
    for (const name of await readdir(folder)) await writeFile(join(folder, name), 'not an append-only file');
    const { url } = await launchHere();
    expect(await tell(url, 'GET kept')).toBe('$-1\r\n');
    expect(lines).toEqual([expect.stringContaining('starts empty')]);
  });

  it('keeps to short socket paths where the temporary folder has a long name', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = join(tmpdir(), 'x'.repeat(120));
    try {
      expect(socketOf((await launchHere()).url).length).toBeLessThan(104);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  it('says loudly what is lost when there is no Redis and none can be installed', async () => {
    expect(await launch(machine({}))).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^NO REDIS: .*apt-get install redis-server.*REDIS_URL/);
  });

  it('installs one when there is none', async () => {
    let isInstalled = false;
    const installRedis = async () => (isInstalled = true);
    const find = (program: string) => (isInstalled ? findExecutable(program) : undefined);
    expect(await isUp((await launch(machine({ installRedis, find })))?.url ?? '')).toBe(true);
  });

  const script = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o700);
    return path;
  };

  it('takes a Valkey, and passes over a Redis that is too old', async () => {
    const server = findExecutable('redis-server') as string;
    const old = await script('redis-server', 'echo "Redis server v=6.0.16 sha=0"');
    const valkey = await script(
      'valkey-server',
      `[ "$1" = --version ] && echo "Valkey server v=8.0.1" || exec ${server} "$@"`,
    );
    const find = (program: string) => ({ 'redis-server': old, 'valkey-server': valkey })[program];
    expect(await isUp((await launch(machine({ find })))?.url ?? '')).toBe(true);
  });

  it('runs a container on the same folders where there is only docker', async () => {
    const server = findExecutable('redis-server') as string;
    // Does with the volumes what docker does: the paths inside become those outside.
    const docker = await script(
      'docker',
      `[ "$1" = info ] && exit 0
while [ "$1" != redis-server ]; do
  case "$1" in *:/data) data=\${1%:/data} ;; *:/run/cascade) socket=\${1%:/run/cascade} ;; esac
  shift
done
shift
for arg in "$@"; do
  shift
  set -- "$@" "$(echo "$arg" | sed "s#^/data#$data#; s#^/run/cascade#$socket#")"
done
exec ${server} "$@"`,
    );
    const find = (program: string) => (program === 'docker' ? docker : undefined);
    expect(await isUp((await launch(machine({ find })))?.url ?? '')).toBe(true);
    expect(lines).toEqual([expect.stringContaining('docker')]);
    expect(await launch(machine({ find, platform: 'darwin' }))).toBeUndefined();
  });
});

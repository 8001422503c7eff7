// A PostgreSQL of one's own for a test: in a temporary folder, on a unix socket and a free port of the loopback.
import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

export interface PrivatePostgres {
  /** `postgres://postgres@127.0.0.1:<port>/postgres` */
  readonly url: string;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const READY_WITHIN_MS = 20_000;
const DEBIAN = '/usr/lib/postgresql';
/** Nothing here outlives a crash, so nothing is flushed. */
const SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=50'];

/** @throws when PostgreSQL is not installed or not ready within twenty seconds */
export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const bin = await binaries();
  const account = await unprivileged();
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  await promisify(execFile)(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...account, cwd: folder },
  );
  const port = await freePort();
  const where = ['-D', data, '-p', `${port}`, '-k', folder, '-h', '127.0.0.1'];
  const options: SpawnOptions = { ...account, cwd: folder, stdio: 'ignore' };
  const server = spawn(join(bin, 'postgres'), [...where, ...SETTINGS.flatMap((one) => ['-c', one])], options);
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      // Immediate shutdown: takes its own children with it and asks nobody to finish.
      server.kill('SIGQUIT');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  try {
    await ready(server, url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function ready(server: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await answers(url))) {
    if (server.exitCode !== null) throw new Error(`postgres ended with code ${server.exitCode}`);
    if (Date.now() > deadline) throw new Error(`postgres was not ready within ${READY_WITHIN_MS} ms`);
    await sleep(20);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Debian keeps them by version outside of PATH. */
async function binaries(): Promise<string> {
  const versions = await readdir(DEBIAN).catch((): string[] => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN, version, 'bin'));
  const folders = [...(process.env.PATH ?? '').split(':'), ...newest];
  const bin = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return bin;
}

/** PostgreSQL refuses to run as root; its package brings an account for it. */
async function unprivileged(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, 'postgres'])).stdout.trim());
  return { uid: await id('-u'), gid: await id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

// The built service as a process of its own, as `npm start` runs it: for the demo, the benchmark and the promises.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServiceOptions {
  /** Kept by the caller to start again on the same data; a fresh temporary folder when absent. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** What a start announces with `--json`. The secrets are shown by the first start on a data folder only. */
export interface Announced {
  readonly scimBaseUrl: string;
  readonly apiBaseUrl: string;
  readonly consoleUrl: string;
  readonly scimToken?: string;
  readonly apiKey?: string;
}

export interface ServiceProcess extends Announced {
  readonly pid: number;
  readonly dataDir: string;
  /** Everything written to stderr so far: the log. */
  log(): string;
  /** SIGTERM, then waits. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits: nothing is drained. */
  kill(): Promise<void>;
}

/** As `npm start` has them. */
const FLAGS = ['--enable-source-maps', '--max-semi-space-size=64'];
const MAIN = join('dist', 'apps', 'standalone', 'src', 'main.js');

/**
 * Starts the service on a free port of loopback, allowed to call providers on loopback by plain HTTP.
 * @throws with what it wrote to stderr when it ends before it is ready
 */
export async function startService({ dataDir, env, args = [] }: ServiceOptions = {}): Promise<ServiceProcess> {
  const directory = dataDir ?? mkdtempSync(join(tmpdir(), 'cascade-'));
  const child = spawn(process.execPath, [...FLAGS, MAIN, '--json', ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      DATA_DIR: directory,
      OUTBOUND_ALLOW_LOOPBACK: 'true',
      OUTBOUND_ALLOW_HTTP: 'true',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that fails before it stops the service must not leave it behind.
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  void ended.then(() => process.off('exit', killWithUs));
  const announced = new Promise<Announced>((resolve) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Announced));
  });
  const first = await Promise.race([announced, ended]);
  if (first === null || typeof first === 'number') throw new Error(`the service ended with ${first}:\n${log}`);
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal);
    return ended;
  };
  return {
    ...first,
    pid: child.pid as number,
    dataDir: directory,
    log: () => log,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

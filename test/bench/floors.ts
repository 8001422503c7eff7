// Measures the floors: a bare Nest application on Fastify that echoes (R), and that first makes one row durable (W).
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { load, type LoadOptions, type LoadResult } from './load.js';

/** Before anything is measured. */
const WARM = 20_000;
/** As many as the reference measurement had. */
export const CONNECTIONS = 16;

/** Starts a server of this folder as a process of its own. */
export async function startChild(file: string): Promise<{ origin: string; child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { port: number }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
  return { origin: `http://127.0.0.1:${port}`, child };
}

/** All are measured warm. */
export class Floors {
  private constructor(
    private readonly origin: string,
    private readonly child: ChildProcess,
    /** The body of a request to create, as the service gets it. */
    private readonly body: string,
  ) {}

  static async start(body: object): Promise<Floors> {
    const { origin, child } = await startChild('floor-server.js');
    const floors = new Floors(origin, child, JSON.stringify(body));
    await floors.echo(WARM);
    await floors.durable(WARM);
    return floors;
  }

  stop(): void {
    this.child.kill();
  }

  /** Bytes that the floor keeps are sent again. */
  echo(count: number): Promise<LoadResult> {
    return this.run(count, { next: () => ({ method: 'GET', path: '/echo' }), status: [200] });
  }

  /** One row per request is durable before the answer. */
  durable(count: number, connections = CONNECTIONS): Promise<LoadResult> {
    const next = () => ({ method: 'POST', path: '/durable', body: this.body }) as const;
    return this.run(count, { connections, next, status: [201] });
  }

  /** The floor is given a resource or a list to answer with, as it does with any object. */
  async keep(resource: object): Promise<void> {
    const body = JSON.stringify(resource);
    await this.run(1, { next: () => ({ method: 'POST', path: '/kept', body }), status: [201] });
  }

  kept(count: number): Promise<LoadResult> {
    return this.run(count, { next: () => ({ method: 'GET', path: '/kept' }), status: [200] });
  }

  private run(
    count: number,
    options: Pick<LoadOptions, 'next' | 'status'> & { readonly connections?: number },
  ): Promise<LoadResult> {
    const { origin } = this;
    const headers = { 'content-type': 'application/json' };
    return load({ origin, headers, connections: CONNECTIONS, count, ...options });
  }
}

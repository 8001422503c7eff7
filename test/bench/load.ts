// A closed-loop load generator: a fixed number of connections, each sending its next request when the last is answered.
import { Pool } from 'undici';

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: string;
}

export interface LoadResult {
  readonly perSecond: number;
  /** ms */
  readonly p50: number;
  /** ms */
  readonly p99: number;
}

export interface LoadOptions {
  readonly origin: string;
  readonly headers?: Record<string, string>;
  readonly connections: number;
  readonly count: number;
  /** The request with this number, from 0 to count - 1. */
  readonly next: (i: number) => LoadRequest;
  /** Every answer must have one of these, or the run is void. */
  readonly status: readonly number[];
}

/** Sends exactly `count` requests. @throws at the first answer with another status */
export async function load({ origin, headers, connections, count, next, status }: LoadOptions): Promise<LoadResult> {
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const times: number[] = [];
  let sent = 0;
  const started = performance.now();
  const lane = async (): Promise<void> => {
    while (sent < count) {
      const { method, path, body } = next(sent++);
      const at = performance.now();
      const answer = await pool.request({ method, path, headers: headers ?? {}, body: body ?? null });
      const text = await answer.body.text();
      if (!status.includes(answer.statusCode))
        throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: count / seconds, p50: at(0.5), p99: at(0.99) };
}

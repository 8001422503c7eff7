// The embedded log keeps the contract, and what it says was durable survives the death of its process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventLogContract } from './event-log.contract.js';
import { WrongExpectedRevision, type AppendOptions } from './event-log.port.js';
import { newStream, runEnded, runIds, runsEnded } from './run-events.fixture.js';
import { SqliteReader } from './sqlite-reader.js';
import { SqliteEventLog } from './sqlite.adapter.js';

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'event-log-'));

describe('SqliteEventLog', () => {
  eventLogContract(async () => {
    const directory = await newDirectory();
    let log = SqliteEventLog.open({ directory });
    return {
      log,
      reopen: async () => (log = SqliteEventLog.open({ directory })),
      stop: async () => {
        await log.close();
        await rm(directory, { recursive: true });
      },
    };
  });

  describe('in a directory of its own', () => {
    let directory: string;
    beforeEach(async () => {
      directory = await newDirectory();
    });
    afterEach(() => rm(directory, { recursive: true }));

    it('ends a subscription that is aborted while it looks for events', async () => {
      const log = SqliteEventLog.open({ directory });
      const stopping = new AbortController();
      const next = log.subscribe({ signal: stopping.signal })[Symbol.asyncIterator]().next();
      stopping.abort();
      expect(await next).toMatchObject({ done: true });
      await log.close();
    });

    it('is read by a reader on another connection, live', async () => {
      const log = SqliteEventLog.open({ directory });
      const reader = SqliteReader.open({ directory });
      const stopping = new AbortController();
      const seen: string[] = [];
      const following = (async () => {
        for await (const { events } of reader.subscribe({ signal: stopping.signal })) {
          seen.push(...events.map(({ id }) => id));
          if (seen.length >= 2) stopping.abort();
        }
      })();
      const stream = newStream();
      const first = runEnded('run');
      await log.append(stream, 'no-stream', [first]);
      const second = runEnded('run');
      await log.append(stream, 0n, [second]);
      await following;
      expect(seen).toEqual([first.id, second.id]);
      expect(await reader.head()).toBe(await log.head());
      await reader.close();
      await log.close();
    });

    it('makes a patient append durable with the next one, or soon by itself', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance'] });
      const log = SqliteEventLog.open({ directory });
      const append = (name: string, options?: AppendOptions) =>
        log.append(newStream(), 'no-stream', [runEnded(name)], options);
      const patient = append('patient', { patient: true });
      await new Promise((resolve) => setImmediate(resolve));
      expect(await log.head()).toBeUndefined();
      const next = await append('next');
      expect(next.position).toBe((await patient).position + 1n);
      const alone = append('alone', { patient: true });
      jest.runAllTimers();
      expect((await alone).position).toBe(next.position + 1n);
      jest.useRealTimers();
      await log.close();
    });

    it('commits what still waits when it is closed', async () => {
      const log = SqliteEventLog.open({ directory });
      const patient = log.append(newStream(), 'no-stream', [runEnded('last')], { patient: true });
      await log.close();
      expect(await patient).toMatchObject({ revision: 0n });
    });

    it('is empty when new', async () => {
      const log = SqliteEventLog.open({ directory });
      expect(await log.head()).toBeUndefined();
      expect(await log.readAll()).toEqual([]);
      await log.close();
    });

    it('refuses a second opener, says what to do, and lets it in once the first is closed', async () => {
      const first = SqliteEventLog.open({ directory });
      expect(() => SqliteEventLog.open({ directory })).toThrow(
        /held by another process: only one may write this event log\. Stop it, or choose another DATA_DIR\./,
      );
      await first.append(newStream(), 'no-stream', [runEnded('still writing')]);
      await first.close();
      const second = SqliteEventLog.open({ directory });
      expect(await second.readAll()).toHaveLength(1);
      await second.close();
    });

    it('undoes all streams of an append that conflicts and none of those committed with it', async () => {
      const log = SqliteEventLog.open({ directory });
      const [taken, other, bystander] = [newStream(), newStream(), newStream()];
      await log.append(taken, 'no-stream', [runEnded('taken')]);
      const write = (stream: string) => ({ stream, expected: 'no-stream' as const, events: runsEnded(2) });
      // The same tick, so one transaction.
      const [before, refused, after] = await Promise.allSettled([
        log.appendAll([write(bystander)]),
        log.appendAll([write(other), write(taken)]),
        log.append(bystander, 1n, [runEnded('after')]),
      ]);
      expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
      expect((refused as PromiseRejectedResult).reason).toBeInstanceOf(WrongExpectedRevision);
      expect(await log.readStream(other)).toEqual([]);
      expect(runIds(await log.readStream(bystander))).toEqual(['run-0', 'run-1', 'after']);
      await log.close();
    });

    it('loses no acknowledged append when its process is killed in the middle of writing', async () => {
      for (let round = 0; round < 3; round += 1) {
        const acknowledged = await writeUntilKilled(directory, 200);
        const log = SqliteEventLog.open({ directory });
        for (const [stream, count] of acknowledged) {
          const ids = runIds(await log.readStream(stream, { max: 100_000 }));
          expect(ids.slice(0, count)).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
          expect(ids.length).toBeLessThanOrEqual(count + 1);
        }
        await log.close();
      }
    }, 60_000);
  });
});

/**
 * Starts a process with eight writers on the log, kills it with SIGKILL after `enough` acknowledged appends, and
 * @returns how many were acknowledged in each stream
 */
async function writeUntilKilled(directory: string, enough: number): Promise<Map<string, number>> {
  const script = join(import.meta.dirname, 'writing-process.fixture.mjs');
  const child = spawn(process.execPath, ['--no-warnings', '--experimental-transform-types', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged = new Map<string, number>();
  let total = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const stream of lines) {
      acknowledged.set(stream, (acknowledged.get(stream) ?? 0) + 1);
      total += 1;
    }
    if (total >= enough) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return acknowledged;
}

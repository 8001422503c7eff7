// What another thread has of the embedded log keeps the contract too.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventLogContract } from './event-log.contract.js';
import { newStream, runEnded, runsEnded } from './run-events.fixture.js';
import { SqliteEventLog } from './sqlite.adapter.js';
import { serveThread, ThreadEventLog } from './thread.adapter.js';

const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'event-log-'));

function open(directory: string) {
  const writer = SqliteEventLog.open({ directory });
  const { port1, port2 } = new MessageChannel();
  serveThread(writer, port1);
  return { writer, log: ThreadEventLog.open({ directory, port: port2 }) };
}

describe('ThreadEventLog', () => {
  eventLogContract(async () => {
    const directory = await newDirectory();
    let opened = open(directory);
    return {
      log: opened.log,
      reopen: async () => {
        await opened.writer.close();
        opened = open(directory);
        return opened.log;
      },
      stop: async () => {
        await opened.log.close();
        await opened.writer.close();
        await rm(directory, { recursive: true });
      },
    };
  });

  describe('beside the log it stands for', () => {
    let directory: string;
    let opened: ReturnType<typeof open>;
    beforeEach(async () => {
      directory = await newDirectory();
      opened = open(directory);
    });
    afterEach(async () => {
      await opened.log.close();
      await opened.writer.close();
      await rm(directory, { recursive: true });
    });

    it('gives up what nobody answers any more', async () => {
      const pending = opened.log.append(newStream(), 'no-stream', runsEnded(1));
      await opened.log.close();
      await expect(pending).rejects.toMatchObject({ name: 'EventLogUnavailable' });
    });

    it('refuses what the log refuses once it is closed', async () => {
      await opened.writer.close();
      await expect(opened.log.append(newStream(), 'no-stream', [runEnded('late')])).rejects.toMatchObject({
        name: 'EventLogUnavailable',
        message: 'the event log is closed',
      });
    });

    it('ends a subscription that nobody would tell of commits any more', async () => {
      await opened.writer.close();
      const { signal } = new AbortController();
      const next = opened.log.subscribe({ signal })[Symbol.asyncIterator]().next();
      await expect(next).rejects.toMatchObject({ name: 'EventLogUnavailable' });
    });
  });
});

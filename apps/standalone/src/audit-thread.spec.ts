import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuditThread } from './audit-thread.js';

const running = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
const PORT = "import { parentPort } from 'node:worker_threads';";
/** Lives until it is told to stop. */
const LIVES = `${PORT} parentPort.once('message', () => process.exit());`;

let thread: AuditThread;
let errors: unknown[];
const made = (code: string, startMs = 60_000) =>
  (thread = new AuditThread({ onError: (error) => errors.push(error), file: running(code), startMs }));

beforeEach(() => {
  errors = [];
});
afterEach(() => thread.stop());

describe('the start of the thread', () => {
  it('ends when it follows, and is not aborted by a failure that it tries again after', async () => {
    await made(`${LIVES}
      parentPort.postMessage({ kind: 'failed', error: new Error('the log is away') });
      parentPort.postMessage({ kind: 'reached', position: 7n });`).start();
    expect(errors).toEqual([new Error('the log is away')]);
    expect([thread.position, thread.failure]).toEqual([7n, undefined]);
  });

  it('fails when the thread ends without a word', async () => {
    await expect(made('process.exit(0)').start()).rejects.toThrow('ended before it followed');
  });

  it('fails with what the thread died of', async () => {
    await expect(made("throw new Error('audit.db is no database')").start()).rejects.toThrow('audit.db is no database');
  });

  it('fails when the thread says nothing, which is then ended', async () => {
    await expect(made('setInterval(() => undefined, 1000)', 1).start()).rejects.toThrow('does not follow within 1 ms');
  });
});

import { afterEach, expect, it } from '@jest/globals';
import { AuditThread } from './audit-thread.js';

const CODE = `import { parentPort } from 'node:worker_threads';
  parentPort.on('message', (message) => message === 'stop' && process.exit());
  parentPort.postMessage({ kind: 'failed', error: new Error('the log is away') });
  parentPort.postMessage({ kind: 'reached', position: 7n });
  parentPort.postMessage({ kind: 'ready' });`;

let thread: AuditThread;
afterEach(() => thread.stop());

it('starts in spite of a failure that the thread tries again after, and knows how far it has come', async () => {
  const errors: unknown[] = [];
  const file = new URL(`data:text/javascript,${encodeURIComponent(CODE)}`);
  thread = new AuditThread({ onError: (error) => errors.push(error), file });
  await thread.start();
  expect(errors).toEqual([new Error('the log is away')]);
  expect([thread.position, thread.failure]).toEqual([7n, undefined]);
});

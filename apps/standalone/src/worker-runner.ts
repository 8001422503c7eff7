// Runs on a thread of its own: the worker role, with everything it stands on.
import { once } from 'node:events';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createLogger, NestLogger, readConfig } from '@app/runtime';
import { workerOf } from '@app/worker';
import { closeAll, asOne, type Closer } from './closing.js';
import { retryPolicyOf } from './settings.js';
import type { Ready } from './service-thread.js';
import { openWorkerParts } from './worker-parts.js';
import type { LanesAsked, WorkerData } from './worker-thread.js';

await once(parentPort as MessagePort, 'message');
const config = readConfig();
const logger = new NestLogger(createLogger({ level: config.logLevel }));
const closers: Closer[] = [];
const close = async (): Promise<unknown[]> => closeAll(closers.splice(0).reverse());

try {
  const onError = (error: unknown, where: string) => logger.error({ err: error, where }, 'the engine failed', 'worker');
  const parts = await openWorkerParts(config, { ...(workerData as WorkerData), onError, closers });
  const worker = workerOf({
    ...parts,
    policy: retryPolicyOf(config),
    laneConcurrency: config.laneConcurrency,
    sweepIntervalMs: config.sweepIntervalMs,
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    onError,
  });
  closers.push(() => worker.stop());
  await worker.start();
  parentPort?.on('message', (asked: LanesAsked | 'stop') => {
    if (asked === 'stop') void stop();
    else asked.answer.postMessage(worker.dispatcher.status(asked.tenant));
  });
  parentPort?.postMessage({ kind: 'ready' } satisfies Ready);
} catch (error) {
  throw asOne([error, ...(await close())]);
}

async function stop(): Promise<void> {
  const errors = await close();
  if (errors.length > 0) throw asOne(errors);
  process.exit();
}

// Opens everything the worker stands on, in its own thread.
import { ThreadEventLog } from '@app/event-log';
import { BullMqQueue, InProcessQueue } from '@app/jobs';
import { OutboundHttp, type RevocationDb } from '@app/revocation';
import { SystemClock, type Config } from '@app/runtime';
import type { WorkerParts } from '@app/worker';
import type { Closer } from './closing.js';
import { connectorsOf, outboundPolicyOf } from './settings.js';
import { openEventStore, openRoom, openVault, VIEW } from './stores.js';
import type { WorkerData } from './worker-thread.js';

export interface WorkerPlace extends WorkerData {
  readonly onError: WorkerParts['onError'];
  /** Takes what closes each part, the last one first to be closed. */
  readonly closers: Closer[];
}

type Opened = Pick<WorkerParts, 'log' | 'vault' | 'queue' | 'db' | 'clock' | 'http' | 'connectors'>;

/** @throws with a sentence that says what cannot be opened and how to mend it; `closers` close what was opened before */
export async function openWorkerParts(config: Config, place: WorkerPlace): Promise<Opened> {
  const { logPort: port, redisUrl, closers } = place;
  const opened = <Part>(part: Part, close: (part: Part) => Promise<void> | void): Part => {
    closers.push(() => close(part));
    return part;
  };
  const directory = config.dataDir;
  const log = port === undefined ? openEventStore(config) : ThreadEventLog.open({ directory, port });
  closers.push(() => log.close());
  const onError = (error: unknown) => place.onError(error, 'queue');
  return {
    log,
    vault: await openVault(config, { mayBeNew: false, closers }),
    db: opened(await openRoom<RevocationDb>(config, 'revocation', VIEW), (db) => db.destroy()),
    http: opened(new OutboundHttp(outboundPolicyOf(config)), (http) => http.close()),
    connectors: opened(connectorsOf(config), (connectors) => connectors.close()),
    queue: opened(
      redisUrl === undefined ? new InProcessQueue({ onError }) : BullMqQueue.connect({ redisUrl, onError }),
      (queue) => queue.close(),
    ),
    clock: new SystemClock(),
  };
}

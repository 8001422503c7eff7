// Runs on a thread of its own: follows the log into trail, ledger and cascades, which no request waits for.
import { once } from 'node:events';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { AuditView, type AuditDb } from '@app/audit';
import { Projector } from '@app/event-log';
import type { RecordedEvent } from '@app/events';
import { readConfig } from '@app/runtime';
import { openAudit, openLogReader } from './stores.js';
import type { Ready } from './service-thread.js';

/** What the thread tells the process. */
export type AuditNews =
  { readonly kind: 'reached'; readonly position: bigint } | { readonly kind: 'failed'; readonly error: unknown };

const tell = (news: AuditNews | Ready): void => parentPort?.postMessage(news);

/** A step of so many events was not the last: more of them wait. */
const LARGE_STEP = 256;
/** ms that the views wait after a small step: a burst is then followed in a few large ones, which cost less. */
const PAUSE_MS = 100;

class ToldView extends AuditView {
  private large = false;

  pauseMs(): number {
    return this.large ? 0 : PAUSE_MS;
  }

  committed(events: readonly RecordedEvent[]): void {
    this.large = events.length >= LARGE_STEP;
    const last = events.at(-1);
    if (last !== undefined) tell({ kind: 'reached', position: last.position });
  }
}

await once(parentPort as MessagePort, 'message');
const config = readConfig();
const log = openLogReader(config);
const db = await openAudit(config);
const onError = (error: unknown) => tell({ kind: 'failed', error });
const projection = new ToldView();
const pauseMs = () => projection.pauseMs();
const projector = new Projector<AuditDb>({ log, db, projection, onError, pauseMs });
await projector.start();
tell({ kind: 'reached', position: projector.position });
tell({ kind: 'ready' });

parentPort?.once('message', () => {
  void (async () => {
    await projector.stop();
    await db.destroy();
    await log.close();
    parentPort?.close();
  })();
});

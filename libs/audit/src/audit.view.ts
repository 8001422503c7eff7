// Ledger, trail and cascades as one projection: they live in one database and are committed together.
import type { RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import type { Kysely } from 'kysely';
import type { AuditDb, Trx } from './audit-db.js';
import { CascadesView } from './cascades.view.js';
import { LedgerView } from './ledger.view.js';
import { TrailView } from './trail.view.js';

/** Not to be thrown away unasked: the ledger is what checkpoints were signed of. */
export class AuditView implements Projection<AuditDb> {
  readonly name = 'audit';
  private readonly views = [new LedgerView(), new TrailView(), new CascadesView()];

  async migrate(db: Kysely<AuditDb>): Promise<void> {
    for (const view of this.views) await view.migrate(db);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const view of this.views) await view.apply(trx, events);
  }
}

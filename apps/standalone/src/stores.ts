// The stores that threads open each for itself: the log, the databases of the rooms, the vault.
import { join } from 'node:path';
import type { AuditDb } from '@app/audit';
import { EventStoreLog, SqliteReader, type LogReader } from '@app/event-log';
import { openDatabase, type Config, type DatabaseOptions } from '@app/runtime';
import { rootKeyFrom, SqlVault, type Vault, type VaultDb } from '@app/vault';
import type { Kysely } from 'kysely';
import type { Closer } from './closing.js';

/** What to do with a damaged file. */
export const DELETE = 'Delete it: what is needed of it is made again from the log.';
/** What only one connection reads, and what the log can rebuild. */
export const VIEW: DatabaseOptions = { gatherMs: 50, ifDamaged: DELETE };

const VAULT: DatabaseOptions = {
  durable: true,
  ifDamaged: 'Restore it from a backup: what it holds is nowhere else.',
};

export const openEventStore = (config: Config): EventStoreLog =>
  EventStoreLog.connect({ url: config.eventStoreUrl as string });

/** For another thread of the process that writes the log. */
export const openLogReader = (config: Config): LogReader =>
  config.eventLog === 'sqlite' ? SqliteReader.open({ directory: config.dataDir }) : openEventStore(config);

/** The database of a room: a file of its own in DATA_DIR, or a schema of its own in PostgreSQL. */
export const openRoom = <Db>(config: Config, schema: string, options: DatabaseOptions): Promise<Kysely<Db>> =>
  openDatabase<Db>({ url: config.databaseUrl, file: join(config.dataDir, `${schema}.db`), schema }, options);

/** Also for the thread that follows the log into it. */
export const openAudit = (config: Config): Promise<Kysely<AuditDb>> =>
  openRoom<AuditDb>(config, 'audit', {
    ifDamaged:
      'Restore it from a backup, or move it away and keep it: it is made again from the log, without the checkpoints ' +
      'that were signed.',
  });

/** Each thread has its own. @param closers take what closes it */
export async function openVault(
  config: Config,
  { mayBeNew, closers }: { readonly mayBeNew: boolean; readonly closers: Closer[] },
): Promise<Vault> {
  const rootKey = await rootKeyFrom({ vaultKey: config.vaultKey, directory: config.dataDir });
  const db = await openRoom<VaultDb>(config, 'vault', VAULT);
  closers.push(() => db.destroy());
  const vault = await SqlVault.open({ db, rootKey, mayBeNew });
  closers.push(() => vault.close());
  return vault;
}

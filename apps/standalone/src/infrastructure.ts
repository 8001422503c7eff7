// Opens everything the roles stand on, in the order they need one another, and closes it in reverse.
import { join } from 'node:path';
import { openLogKey, type AuditDb, type LogKeyParts } from '@app/audit';
import type { ConnectionOrdersDb, DirectoryDb, OwnerPolicyDb, RoleFollowerDb } from '@app/directory';
import { Decisions, EventStoreLog, SqliteEventLog, SqliteReader, type EventLog, type LogReader } from '@app/event-log';
import { ExchangeLog, migrateTrafficDb, QuirkCounts, type TrafficDb } from '@app/http';
import { launchRedis } from '@app/jobs';
import { Connectors, mayConnectToRedis, type GateDb } from '@app/revocation';
import type { IdempotencyDb } from '@app/platform-api';
import { migrateAlone, openDatabase, SystemClock, type Clock, type Config, type DatabaseOptions } from '@app/runtime';
import { rootKeyFrom, SqlVault, type Vault, type VaultDb } from '@app/vault';
import type { LoggerService } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import { asOne, closeAll, type Closer } from './closing.js';
import { makeDataDirectory } from './data-directory.js';
import { outboundPolicyOf } from './settings.js';

export interface Infrastructure {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly decisions: Decisions;
  readonly vault: Vault;
  readonly connectors: Connectors;
  /** Of the job queue; absent where it is kept in memory, or no worker runs. */
  readonly redisUrl: string | undefined;
  /** Absent where no console runs: nobody else signs. */
  readonly logKey: KeyObject | undefined;
  readonly directoryDb: Kysely<DirectoryDb>;
  readonly gateDb: Kysely<GateDb>;
  readonly auditDb: Kysely<AuditDb>;
  /** Of a connection of its own: its projection appends while it holds a transaction. */
  readonly ownersDb: Kysely<OwnerPolicyDb>;
  /** Of a connection of its own, like {@link ownersDb}. */
  readonly rolesDb: Kysely<RoleFollowerDb>;
  /** Of a connection of its own, like {@link ownersDb}. */
  readonly ordersDb: Kysely<ConnectionOrdersDb>;
  readonly idempotencyDb: Kysely<IdempotencyDb>;
  /** Of all that comes in. */
  readonly exchanges: ExchangeLog;
  readonly quirks: QuirkCounts;
  close(): Promise<void>;
}

const DELETE = 'Delete it: what is needed of it is made again from the log.';
/** What only one connection reads, and what the log can rebuild. */
export const VIEW: DatabaseOptions = { gatherMs: 50, ifDamaged: DELETE };
const VAULT: DatabaseOptions = {
  durable: true,
  ifDamaged: 'Restore it from a backup: what it holds is nowhere else.',
};

/**
 * @throws with a sentence that says what cannot be opened and how to mend it; what was opened before is closed again
 */
export async function openInfrastructure(config: Config, logger: LoggerService): Promise<Infrastructure> {
  const closers: Closer[] = [];
  const closing = () => closeAll(closers.splice(0).reverse());
  const close = async (): Promise<void> => {
    const errors = await closing();
    if (errors.length > 0) throw asOne(errors);
  };
  try {
    return { ...(await open(config, logger, closers)), close };
  } catch (error) {
    throw asOne([error, ...(await closing())]);
  }
}

async function open(config: Config, logger: LoggerService, closers: Closer[]): Promise<Omit<Infrastructure, 'close'>> {
  makeDataDirectory(config.dataDir);
  const clock = new SystemClock();
  const log = openLog(config, (error) => logger.error(error, 'event log'));
  closers.push(() => log.close());

  const closed = <Db>(db: Kysely<Db>): Kysely<Db> => {
    closers.push(() => db.destroy());
    return db;
  };
  const database = async <Db>(schema: string, options: DatabaseOptions): Promise<Kysely<Db>> =>
    closed(await openRoom<Db>(config, schema, options));
  // Before the vault is looked at: another process makes it before it appends for the first time.
  const mayBeNew = (await headOf(log, config)) === undefined;
  const vault = await openVault(config, { mayBeNew, closers });
  const auditDb = closed(await openAudit(config));
  const decisions = new Decisions(log, { soleWriter: config.eventLog === 'sqlite' });
  const connectors = openConnectors(config);
  closers.push(() => connectors.close());
  return {
    clock,
    connectors,
    redisUrl: config.roles.includes('worker') ? await openRedis(config, logger, closers) : undefined,
    log,
    decisions,
    vault,
    logKey: config.roles.includes('console') ? await openLogKey(logKeyParts(config, vault, auditDb)) : undefined,
    directoryDb: await database<DirectoryDb>('directory', VIEW),
    gateDb: await database<GateDb>('gate', VIEW),
    auditDb,
    ownersDb: await database<OwnerPolicyDb>('owners', VIEW),
    rolesDb: await database<RoleFollowerDb>('roles', VIEW),
    ordersDb: await database<ConnectionOrdersDb>('orders', VIEW),
    idempotencyDb: await database<IdempotencyDb>('idempotency', { ifDamaged: DELETE }),
    ...(await openTraffic(await database<TrafficDb>('traffic', { ifDamaged: DELETE }), closers)),
  };
}

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

/** Each thread has its own. */
export function openConnectors(config: Config): Connectors {
  const policy = outboundPolicyOf(config);
  return new Connectors({ mayConnect: (tenant, address) => mayConnectToRedis(tenant, address, policy) });
}

const LOG_KEY = 'log-key';

const logKeyParts = ({ dataDir }: Config, vault: Vault, db: Kysely<AuditDb>): LogKeyParts => ({
  store: { read: () => vault.ownSecret(LOG_KEY), create: (pem) => vault.keepOwnSecret(LOG_KEY, pem) },
  db,
  file: join(dataDir, 'log.key'),
});

/** What is left to write is written before the database is closed. */
async function openTraffic(
  db: Kysely<TrafficDb>,
  closers: Closer[],
): Promise<Pick<Infrastructure, 'exchanges' | 'quirks'>> {
  await migrateAlone(db, migrateTrafficDb);
  const [exchanges, quirks] = [new ExchangeLog(db), new QuirkCounts(db)];
  closers.push(() => exchanges.close());
  closers.push(() => quirks.close());
  return { exchanges, quirks };
}

const openLog = (config: Config, onError: (error: unknown) => void): EventLog =>
  config.eventLog === 'sqlite' ? SqliteEventLog.open({ directory: config.dataDir, onError }) : openEventStore(config);

export const openEventStore = (config: Config): EventStoreLog =>
  EventStoreLog.connect({ url: config.eventStoreUrl as string });

/** @throws with a sentence that names EVENTSTORE_URL when the server does not answer */
async function headOf(log: EventLog, { eventLog }: Config): Promise<bigint | undefined> {
  try {
    return await log.head();
  } catch (error) {
    if (eventLog === 'sqlite') throw error;
    const text = `The EventStoreDB of EVENTSTORE_URL cannot be read: ${(error as Error).message}. Start it, or mend EVENTSTORE_URL.`;
    throw new Error(text, { cause: error });
  }
}

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

/** It outlives a worker that is started again. */
async function openRedis(config: Config, logger: LoggerService, closers: Closer[]): Promise<string | undefined> {
  if (config.jobs === 'in-process') return undefined;
  const redis = await launchRedis({
    redisUrl: config.redisUrl,
    directory: join(config.dataDir, 'redis'),
    log: (line) => logger.warn(line, 'redis'),
  });
  if (redis !== undefined) closers.push(() => redis.stop());
  else if (config.jobs === 'redis') {
    throw new Error('JOBS is redis and no Redis can be started: install redis-server, or set REDIS_URL.');
  }
  return redis?.url;
}

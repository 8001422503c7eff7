// Opens everything the roles stand on, in the order they need one another, and closes it in reverse.
import { join } from 'node:path';
import { openLogKey, type AuditDb, type LogKeyParts } from '@app/audit';
import type { ConnectionOrdersDb, DirectoryDb, OwnerPolicyDb, RoleFollowerDb } from '@app/directory';
import { Decisions, SqliteEventLog, type EventLog } from '@app/event-log';
import { ExchangeLog, migrateTrafficDb, QuirkCounts, type TrafficDb } from '@app/http';
import { launchRedis } from '@app/jobs';
import type { Connectors, GateDb } from '@app/revocation';
import type { IdempotencyDb } from '@app/platform-api';
import { migrateAlone, SystemClock, type Clock, type Config, type DatabaseOptions } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { LoggerService } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import { asOne, closeAll, type Closer } from './closing.js';
import { makeDataDirectory } from './data-directory.js';
import { connectorsOf } from './settings.js';
import { DELETE, openAudit, openEventStore, openRoom, openVault, VIEW } from './stores.js';

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
  const connectors = connectorsOf(config);
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

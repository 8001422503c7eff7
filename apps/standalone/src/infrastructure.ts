// Opens everything the roles stand on, in the order they need one another, and closes it in reverse.
import { join } from 'node:path';
import { openLogKey, type AuditDb, type LogKeyParts } from '@app/audit';
import type { ConnectionOrdersDb, DirectoryDb, OwnerPolicyDb, RoleFollowerDb } from '@app/directory';
import { Decisions, EventStoreLog, SqliteEventLog, SqliteReader, type EventLog, type LogReader } from '@app/event-log';
import { ExchangeLog, migrateTrafficDb, QuirkCounts, type TrafficDb } from '@app/http';
import { BullMqQueue, InProcessQueue, launchRedis, type JobQueue } from '@app/jobs';
import { Connectors, mayConnectToRedis, migrateRevocationDb, OutboundHttp } from '@app/revocation';
import type { GateDb, RevocationDb } from '@app/revocation';
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
  /** Absent where no worker runs. */
  readonly queue: JobQueue | undefined;
  readonly connectors: Connectors;
  readonly http: OutboundHttp;
  /** Absent where no console runs: nobody else signs. */
  readonly logKey: KeyObject | undefined;
  readonly directoryDb: Kysely<DirectoryDb>;
  readonly gateDb: Kysely<GateDb>;
  readonly revocationDb: Kysely<RevocationDb>;
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
/** What only this connection reads, and what the log can rebuild. */
const VIEW: DatabaseOptions = { gatherMs: 50, ifDamaged: DELETE };
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
  const rootKey = await rootKeyFrom({ vaultKey: config.vaultKey, directory: config.dataDir });
  // Before the vault is looked at: another process makes it before it appends for the first time.
  const mayBeNew = (await headOf(log, config)) === undefined;
  const vault = await SqlVault.open({ db: await database<VaultDb>('vault', VAULT), rootKey, mayBeNew });
  closers.push(() => vault.close());
  const revocationDb = await database<RevocationDb>('revocation', VIEW);
  await migrateAlone(revocationDb, migrateRevocationDb);
  const auditDb = closed(await openAudit(config));
  const decisions = new Decisions(log, { soleWriter: config.eventLog === 'sqlite' });
  const policy = outboundPolicyOf(config);
  const http = new OutboundHttp(policy);
  closers.push(() => http.close());
  const connectors = new Connectors({ mayConnect: (tenant, address) => mayConnectToRedis(tenant, address, policy) });
  closers.push(() => connectors.close());
  return {
    clock,
    connectors,
    http,
    log,
    decisions,
    vault,
    queue: config.roles.includes('worker') ? await openQueue(config, logger, closers) : undefined,
    logKey: config.roles.includes('console') ? await openLogKey(logKeyParts(config, vault, auditDb)) : undefined,
    directoryDb: await database<DirectoryDb>('directory', VIEW),
    gateDb: await database<GateDb>('gate', VIEW),
    revocationDb,
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

const openEventStore = (config: Config): EventStoreLog =>
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
const openRoom = <Db>(config: Config, schema: string, options: DatabaseOptions): Promise<Kysely<Db>> =>
  openDatabase<Db>({ url: config.databaseUrl, file: join(config.dataDir, `${schema}.db`), schema }, options);

/** Also for the thread that follows the log into it. */
export const openAudit = (config: Config): Promise<Kysely<AuditDb>> =>
  openRoom<AuditDb>(config, 'audit', {
    ifDamaged:
      'Restore it from a backup, or move it away and keep it: it is made again from the log, without the checkpoints ' +
      'that were signed.',
  });

/** The engine drains and closes the queue; Redis goes last. */
async function openQueue(config: Config, logger: LoggerService, closers: Closer[]): Promise<JobQueue> {
  const onError = (error: unknown) => logger.error(error, 'queue');
  const redis =
    config.jobs === 'in-process'
      ? undefined
      : await launchRedis({
          redisUrl: config.redisUrl,
          directory: join(config.dataDir, 'redis'),
          log: (line) => logger.warn(line, 'redis'),
        });
  if (redis === undefined && config.jobs === 'redis') {
    throw new Error('JOBS is redis and no Redis can be started: install redis-server, or set REDIS_URL.');
  }
  if (redis !== undefined) closers.push(() => redis.stop());
  const queue =
    redis === undefined ? new InProcessQueue({ onError }) : BullMqQueue.connect({ redisUrl: redis.url, onError });
  closers.push(() => queue.close());
  return queue;
}

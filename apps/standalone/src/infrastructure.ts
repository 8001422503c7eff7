// Opens everything the roles stand on, in the order they need one another, and closes it in reverse.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CascadesView, LedgerView, loadLogKey, LogKeyFile, TrailView, type AuditDb } from '@app/audit';
import { DirectoryTokens, DirectoryView, OwnerPolicy, type DirectoryDb, type OwnerPolicyDb } from '@app/directory';
import { Decisions, EventStoreLog, Projector, ProjectorSet, SqliteEventLog } from '@app/event-log';
import type { EventLog, Projection, ReadModels } from '@app/event-log';
import { BullMqQueue, InProcessQueue, launchRedis, type JobQueue } from '@app/jobs';
import { Connectors, GateView, mayConnectToRedis, migrateRevocationDb, OutboundHttp } from '@app/revocation';
import type { GateDb, RevocationDb } from '@app/revocation';
import { openDatabase, SystemClock, type Clock, type Config, type Role } from '@app/runtime';
import { rootKeyFrom, SqlVault, type Vault, type VaultDb } from '@app/vault';
import type { LoggerService } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import { outboundPolicyOf } from './settings.js';

/** DI token of {@link Infrastructure}. */
export const INFRASTRUCTURE = Symbol('INFRASTRUCTURE');

export interface Infrastructure {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly decisions: Decisions;
  readonly vault: Vault;
  /** Absent where no worker runs. */
  readonly queue: JobQueue | undefined;
  readonly connectors: Connectors;
  readonly http: OutboundHttp;
  readonly logKey: KeyObject;
  readonly directoryDb: Kysely<DirectoryDb>;
  readonly gateDb: Kysely<GateDb>;
  readonly revocationDb: Kysely<RevocationDb>;
  readonly auditDb: Kysely<AuditDb>;
  readonly tokens: DirectoryTokens;
  /** What a write waits for: the directory and the gate. */
  readonly readModels: ReadModels;
  /** What an operator's write waits for: the lists it shows. */
  readonly auditModels: ReadModels;
  /** Names of the views that cannot follow the log at this moment. */
  failing(): string[];
  /** Resolves when every view has applied what the log held at the call. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** A rebuild from the log after an upgrade may take long; a start waits for it rather than serve old answers. */
const CATCH_UP_MS = 3_600_000;

type Closer = () => Promise<void> | void;
type Followed = Pick<Projector<unknown>, 'name' | 'position' | 'reached' | 'failure'>;

/**
 * @throws with a sentence that says what cannot be opened and how to mend it; what was opened before is closed again
 */
export async function openInfrastructure(config: Config, logger: LoggerService): Promise<Infrastructure> {
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await open(config, logger, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(config: Config, logger: LoggerService, closers: Closer[]): Promise<Omit<Infrastructure, 'close'>> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const clock = new SystemClock();
  const log =
    config.eventLog === 'sqlite'
      ? SqliteEventLog.open({ directory: config.dataDir })
      : EventStoreLog.connect({ url: config.eventStoreUrl as string });
  closers.push(() => log.close());

  const database = async <Db>(schema: string, durable = false): Promise<Kysely<Db>> => {
    const file = join(config.dataDir, `${schema}.db`);
    const db = await openDatabase<Db>({ url: config.databaseUrl, file, schema }, { durable });
    closers.push(() => db.destroy());
    return db;
  };
  const rootKey = await rootKeyFrom({ vaultKey: config.vaultKey, directory: config.dataDir });
  const vault = await SqlVault.open({ db: await database<VaultDb>('vault', true), rootKey });
  closers.push(() => vault.close());
  const directoryDb = await database<DirectoryDb>('directory');
  const gateDb = await database<GateDb>('gate');
  const revocationDb = await database<RevocationDb>('revocation');
  await migrateRevocationDb(revocationDb);
  const auditDb = await database<AuditDb>('audit');
  const decisions = new Decisions(log, { soleWriter: config.eventLog === 'sqlite' });
  const tokens = new DirectoryTokens(directoryDb, vault, clock);

  const projectors: Followed[] = [];
  const follow = async <Db>(db: Kysely<Db>, projection: Projection<Db>): Promise<Followed> => {
    const onError = (error: unknown) => logger.error(error, `the view ${projection.name}`);
    const projector = new Projector<Db>({ log, db, projection, onError });
    await projector.start();
    closers.push(() => projector.stop());
    projectors.push(projector);
    return projector;
  };
  const has = (role: Role): boolean => config.roles.includes(role);
  const readModels = new ProjectorSet([
    await follow(directoryDb, new DirectoryView({ vault, onTokensChanged: () => tokens.forget() })),
    await follow(gateDb, new GateView()),
  ]);
  if (has('worker')) await follow(await database<OwnerPolicyDb>('owners'), new OwnerPolicy({ decisions, clock }));
  const auditModels: Followed[] = [];
  if (has('console')) {
    for (const view of [new LedgerView(), new TrailView(), new CascadesView()])
      auditModels.push(await follow(auditDb, view));
  }
  const policy = outboundPolicyOf(config);
  const http = new OutboundHttp(policy);
  closers.push(() => http.close());
  const connectors = new Connectors({ mayConnect: (tenant, url) => mayConnectToRedis(tenant, url, policy) });
  closers.push(() => connectors.close());
  return {
    clock,
    connectors,
    http,
    log,
    decisions,
    vault,
    queue: has('worker') ? await openQueue(config, logger, closers) : undefined,
    logKey: await loadLogKey(new LogKeyFile(join(config.dataDir, 'log.key'))),
    directoryDb,
    gateDb,
    revocationDb,
    auditDb,
    tokens,
    readModels,
    auditModels: new ProjectorSet(auditModels),
    failing: () => projectors.filter((one) => one.failure !== undefined).map((one) => one.name),
    caughtUp: async () => {
      const head = await log.head();
      if (head !== undefined) await new ProjectorSet(projectors).reached(head, CATCH_UP_MS);
    },
  };
}

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

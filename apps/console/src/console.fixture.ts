// The console as an application for its specs: a real log, the views that follow it, and a story of two tenants.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Cascades,
  CascadesView,
  Checkpoints,
  EvidenceBundles,
  Ledger,
  LedgerView,
  Trail,
  TrailView,
  type AuditDb,
} from '@app/audit';
import { NamesOf } from '@app/directory';
import { Decisions, Projector, ProjectorSet, SqliteEventLog } from '@app/event-log';
import { createHttpApp, TokenRegistry, type Principal, type Role } from '@app/http';
import { OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler } from '@app/revocation';
import { Clock, ManualClock, openSqlite } from '@app/runtime';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { CqrsModule, QueryBus, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ConsoleModule } from './console.module.js';
import { Lanes } from './lanes.js';
import { directoryNames } from './names.js';
import { OperatorViews } from './operator-views.js';
import { Teller, tellStory } from './story.fixture.js';

/** `<role>-<tenant>` is a key of that tenant. */
class Tokens extends TokenRegistry {
  override async find(token: string): Promise<Principal | undefined> {
    const [role, tenant] = token.split('-') as [Role, string | undefined];
    if (tenant === undefined) return undefined;
    return { tenant, keyId: 'key-1', roles: [role], actor: `${role}:key-1` };
  }
}

/** What the directory answers. */
@QueryHandler(NamesOf)
class NamesOfHandler implements IQueryHandler<NamesOf> {
  async execute({ tenant, ids }: NamesOf): Promise<ReadonlyMap<string, string>> {
    return new Map(tenant === 'acme' && ids.includes('ada') ? [['ada', 'Ada Lovelace']] : []);
  }
}

@Module({})
class World {
  static of(providers: Provider[]): DynamicModule {
    const exports = providers.map((one) => (one as { provide: symbol }).provide);
    return { module: World, global: true, imports: [CqrsModule], providers, exports };
  }
}

@Module({})
class App {
  static of(world: DynamicModule): DynamicModule {
    const handlers = [OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler, NamesOfHandler];
    return { module: App, imports: [world, CqrsModule, ConsoleModule], providers: handlers };
  }
}

export type ConsoleWorld = Awaited<ReturnType<typeof openConsole>>;

/** Opens it all, and tells the story of tenant `acme` and a part of it for `globex`. */
export async function openConsole({ lanes }: { readonly lanes?: Lanes } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'console-'));
  const log = SqliteEventLog.open({ directory });
  const clock = new ManualClock(Date.parse('2026-03-01T10:00:00.000Z'));
  const auditDb = openSqlite<AuditDb>(':memory:');
  const failures: unknown[] = [];
  const projectors = [new LedgerView(), new TrailView(), new CascadesView()].map(
    (projection) => new Projector<AuditDb>({ log, db: auditDb, projection, onError: (error) => failures.push(error) }),
  );
  for (const projector of projectors) await projector.start();
  const views = new ProjectorSet(projectors as unknown as Projector<never>[]);
  const ledger = new Ledger(auditDb);
  const { privateKey: key } = generateKeyPairSync('ed25519');
  const checkpoints = new Checkpoints({ db: auditDb, ledger, clock, logName: 'audit.example', key });

  const world = World.of([
    { provide: Clock, useValue: clock },
    { provide: TokenRegistry, useClass: Tokens },
    { provide: Decisions, useValue: new Decisions(log) },
    { provide: Cascades, useValue: new Cascades(auditDb) },
    { provide: Ledger, useValue: ledger },
    { provide: Checkpoints, useValue: checkpoints },
    { provide: Trail, useFactory: (bus: QueryBus) => new Trail(auditDb, directoryNames(bus)), inject: [QueryBus] },
    {
      provide: EvidenceBundles,
      useFactory: (trail: Trail) => new EvidenceBundles({ ledger, trail, checkpoints, clock }),
      inject: [Trail],
    },
    { provide: OperatorViews, useValue: views },
    ...(lanes === undefined ? [] : [{ provide: Lanes, useValue: lanes }]),
  ]);
  const app = await createHttpApp(App.of(world), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();

  await tellStory(log);
  await views.reached((await log.head()) as bigint);
  return {
    app,
    auditDb,
    checkpoints,
    clock,
    directory,
    failures,
    log,
    /** In `acme`, at a second of the story, with no relay to answer it. */
    async denyUnplanned(userId: string, at: number): Promise<void> {
      await new Teller(log, 'acme').deactivate(userId, at);
      await views.reached((await log.head()) as bigint);
    },
    async close(): Promise<void> {
      await app.close();
      for (const projector of projectors) await projector.stop();
      await log.close();
      await auditDb.destroy();
      await rm(directory, { recursive: true });
    },
  };
}

// The platform API as an application for its specs: a real log, vault, directory and gate, and keys of two tenants.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateGroup,
  CreateTenant,
  DIRECTORY_DB,
  DirectoryModule,
  DirectoryView,
  IssueApiKey,
  ProvisionUser,
  ChangeUser,
  RoleAwareReadModels,
  RoleFollower,
  SCIM_EXTENSIONS,
  type Attributes,
  type DirectoryDb,
  type RoleFollowerDb,
} from '@app/directory';
import {
  Decisions,
  EventLog,
  NotYetVisible,
  Projector,
  ProjectorSet,
  ReadModels,
  SqliteEventLog,
} from '@app/event-log';
import type { ApiKeyRole, RequestContext } from '@app/events';
import { createHttpApp, ExchangeLog, migrateTrafficDb, QuirkCounts, type TrafficDb } from '@app/http';
import { Connectors, GATE_DB, GateView, RevocationModule, type GateDb } from '@app/revocation';
import { Clock, ManualClock, openSqlite } from '@app/runtime';
import type { CustomExtensions } from '@app/scim';
import { SqlVault, Vault, type VaultDb } from '@app/vault';
import { Module, type DynamicModule } from '@nestjs/common';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { IDEMPOTENCY_DB, type IdempotencyDb } from './idempotency-db.js';
import { PlatformApiModule } from './platform-api.module.js';

@Module({})
class World {
  static of(values: ReadonlyArray<readonly [unknown, unknown]>): DynamicModule {
    const providers = values.map(([provide, useValue]) => ({ provide: provide as symbol, useValue }));
    return { module: World, global: true, providers, exports: providers };
  }
}

@Module({})
class App {
  static of(world: DynamicModule): DynamicModule {
    const imports = [CqrsModule.forRoot(), world, DirectoryModule, RevocationModule, PlatformApiModule];
    return { module: App, imports };
  }
}

/** The views need the application and the application needs them. */
class LateReadModels extends ReadModels {
  views: ReadModels | undefined;
  /** As after the two seconds that a write waits for them. */
  late = false;
  /** Takes the next wait: it ends when the promise does. */
  hold: (() => Promise<void>) | undefined;
  override async reached(position: bigint, timeoutMs?: number): Promise<void> {
    const { hold } = this;
    this.hold = undefined;
    await hold?.();
    if (this.late) throw new NotYetVisible('the read models are late');
    if (this.views === undefined) throw new Error('the views are not there yet');
    return this.views.reached(position, timeoutMs);
  }
}

export const contextFor = (tenant: string): RequestContext => ({
  tenant,
  actor: 'system:test',
  correlationId: 'test',
  receivedAt: '2026-01-01T00:00:00.000Z',
});

export interface Answer {
  readonly status: number;
  /** JSON of any shape, looked into by expectations. */
  readonly body: any;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

export type PlatformWorld = Awaited<ReturnType<typeof openPlatform>>;

/** @param extensions of persons, beside those of the RFCs */
export async function openPlatform(extensions: CustomExtensions = new Map()) {
  const directory = mkdtempSync(join(tmpdir(), 'platform-'));
  const log = SqliteEventLog.open({ directory });
  const clock = new ManualClock();
  const open = <Db>(name: string) => openSqlite<Db>(join(directory, `${name}.db`));
  const [vaultDb, directoryDb, gateDb] = [open<VaultDb>('vault'), open<DirectoryDb>('directory'), open<GateDb>('gate')];
  const idempotencyDb = open<IdempotencyDb>('idempotency');
  const rolesDb = open<RoleFollowerDb>('roles');
  const vault = await SqlVault.open({ db: vaultDb, rootKey: Buffer.alloc(32, 1), clock });
  const readModels = new LateReadModels();
  const connectors = new Connectors();
  const trafficDb = open<TrafficDb>('traffic');
  await migrateTrafficDb(trafficDb);
  const [exchanges, quirks] = [new ExchangeLog(trafficDb), new QuirkCounts(trafficDb)];
  const world = World.of([
    [EventLog, log],
    [Decisions, new Decisions(log, { soleWriter: true })],
    [ReadModels, readModels],
    [Vault, vault],
    [Clock, clock],
    [ExchangeLog, exchanges],
    [QuirkCounts, quirks],
    [Connectors, connectors],
    [DIRECTORY_DB, directoryDb],
    [GATE_DB, gateDb],
    [IDEMPOTENCY_DB, idempotencyDb],
    [SCIM_EXTENSIONS, extensions],
  ]);
  const app = await createHttpApp(App.of(world), { logger: false, exchanges });
  const onError = (error: unknown) => failures.push(error);
  const failures: unknown[] = [];
  const view = new Projector({ log, db: directoryDb, projection: app.get(DirectoryView, { strict: false }), onError });
  const gate = new Projector({ log, db: gateDb, projection: new GateView(), onError });
  const follower = app.get(RoleFollower, { strict: false });
  follower.uses({ view, db: rolesDb });
  const progress = new Projector({ log, db: rolesDb, projection: follower, onError });
  const projectors = [view, gate, progress];
  for (const projector of projectors) await projector.start();
  readModels.views = new RoleAwareReadModels({ views: new ProjectorSet([view, gate]), follower, progress });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const commands = app.get(CommandBus);

  const keys = new Map<string, string>();
  for (const tenant of ['acme', 'globex']) {
    await commands.execute(new CreateTenant(contextFor(tenant), tenant));
    for (const role of ['platform', 'operator'] as ApiKeyRole[]) {
      const issued = await commands.execute(new IssueApiKey(contextFor(tenant), [role]));
      await readModels.reached(issued.position);
      keys.set(`${role} of ${tenant}`, issued.token);
    }
  }

  return {
    app,
    log,
    clock,
    idempotencyDb,
    readModels,
    quirks,
    /** Sends a request with the key of `caller`: `platform of acme` unless said otherwise. */
    async send(
      method: string,
      url: string,
      body?: object,
      headers: Record<string, string> = {},
      caller = 'platform of acme',
    ) {
      const answer = await app.inject({
        method: method as 'GET',
        url: `/v1/${url}`,
        headers: {
          authorization: `Bearer ${keys.get(caller) ?? caller}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      const text = answer.body;
      return {
        status: answer.statusCode,
        text,
        body: text === '' ? undefined : answer.json(),
        headers: answer.headers,
      } as Answer;
    },
    /** Sends a request; resolves when it waits for the views, and goes on when it is released. */
    held(request: () => Promise<Answer>): Promise<{ release(how?: 'fails'): Promise<Answer> }> {
      return new Promise((resolve) => {
        readModels.hold = () =>
          new Promise((goOn, fail) => {
            const release = (how?: 'fails') => {
              if (how === 'fails') fail(new NotYetVisible('the read models are late'));
              else goOn();
              return answer;
            };
            resolve({ release });
          });
        const answer = request();
      });
    },
    async user(name: string, tenant = 'acme', attributes: Attributes = {}): Promise<string> {
      const write = { attributes: { userName: name, ...attributes }, active: true, changed: [] };
      const { resource, position } = await commands.execute(new ProvisionUser(contextFor(tenant), write));
      await readModels.reached(position as bigint);
      return resource.id;
    },
    async group(displayName: string, members: readonly string[]): Promise<string> {
      const write = { attributes: { displayName }, added: members };
      const { resource, position } = await commands.execute(new CreateGroup(contextFor('acme'), write));
      await readModels.reached(position as bigint);
      return resource.id;
    },
    /** As a SCIM write does: answered once the gate knows. */
    async change(userId: string, attributes: Attributes): Promise<void> {
      const change = new ChangeUser(contextFor('acme'), userId, (user) => ({
        attributes: { ...user.attributes, ...attributes },
        active: user.active,
        changed: Object.keys(attributes),
      }));
      await readModels.reached((await commands.execute(change)).position as bigint);
    },
    deactivate(userId: string): Promise<void> {
      return this.setActive(userId, false);
    },
    async setActive(userId: string, active: boolean): Promise<void> {
      const change = new ChangeUser(contextFor('acme'), userId, (user) => ({ ...user, active, changed: [] }));
      await readModels.reached((await commands.execute(change)).position as bigint);
    },
    close: async () => {
      await app.close();
      for (const projector of projectors) await projector.stop();
      await connectors.close();
      await log.close();
      await vault.close();
      await exchanges.close();
      await quirks.close();
      for (const db of [vaultDb, directoryDb, gateDb, idempotencyDb, rolesDb, trafficDb]) {
        await db.destroy();
      }
      rmSync(directory, { recursive: true });
      if (failures.length > 0) throw failures[0];
    },
  };
}

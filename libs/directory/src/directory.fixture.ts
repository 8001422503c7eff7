// The directory as the apps run it, for the specs of this room: a SQLite log, a real vault, handlers, views and policy.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventData, EventType, RecordedEvent, RequestContext } from '@app/events';
import { Decisions, EventLog, Projector, SqliteEventLog } from '@app/event-log';
import { Clock, ManualClock, openSqlite } from '@app/runtime';
import type { CustomExtensions } from '@app/scim';
import { SqlVault, Vault, type VaultDb } from '@app/vault';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { CommandBus, QueryBus, type Command, type Query } from '@nestjs/cqrs';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Kysely } from 'kysely';
import { ProvisionAgent, type AgentWrite } from './agent.commands.js';
import { DIRECTORY_DB, type DirectoryDb } from './directory-db.js';
import { DirectoryModule } from './directory.module.js';
import { DirectoryView } from './directory.view.js';
import { CreateGroup } from './group.commands.js';
import { SCIM_EXTENSIONS } from './person-types.js';
import { OwnerPolicy } from './owner-policy.js';
import type { OwnerPolicyDb } from './owner-policy-db.js';
import { RoleFollower, type RoleFollowerDb } from './roles/role-follower.js';
import { ConnectionOrders, type ConnectionOrdersDb } from './tenants/connection-orders.js';
import { ProvisionUser, type Attributes } from './user.commands.js';

@Global()
@Module({})
class Infrastructure {
  static of(provided: ReadonlyMap<unknown, unknown>): DynamicModule {
    const providers = [...provided].map(([provide, useValue]) => ({ provide: provide as never, useValue }));
    return { module: Infrastructure, providers, exports: [...provided.keys()] as never[] };
  }
}

export class Directory {
  readonly clock = new ManualClock();
  readonly errors: unknown[] = [];
  private readonly projectors: Projector<never>[] = [];
  /** To be closed at the end. */
  private readonly dbs = new Set<Kysely<never>>();
  private requests = 0;
  private view: Projector<DirectoryDb> | undefined;

  private constructor(
    private readonly directory: string,
    readonly log: SqliteEventLog,
    readonly vault: SqlVault,
    readonly db: Kysely<DirectoryDb>,
    private readonly vaultDb: Kysely<VaultDb>,
    private module: TestingModule,
  ) {}

  /** @param options which projections follow from the start, a database other than SQLite, and declared extensions */
  static async open(
    options: { view?: boolean; policy?: boolean; db?: Kysely<DirectoryDb>; extensions?: CustomExtensions } = {},
  ): Promise<Directory> {
    const directory = mkdtempSync(join(tmpdir(), 'directory-'));
    const log = SqliteEventLog.open({ directory });
    const vaultDb = openSqlite<VaultDb>(join(directory, 'vault.db'), { durable: true });
    const vault = await SqlVault.open({ db: vaultDb, rootKey: Buffer.alloc(32, 7) });
    const db = options.db ?? openSqlite<DirectoryDb>(join(directory, 'directory.db'));
    const opened = new Directory(directory, log, vault, db, vaultDb, undefined as never);
    const provided = new Map<unknown, unknown>([
      [EventLog, log],
      [Decisions, new Decisions(log, { soleWriter: true })],
      [Vault, vault],
      [Clock, opened.clock],
      [DIRECTORY_DB, db],
      [SCIM_EXTENSIONS, options.extensions ?? new Map()],
    ]);
    const imports = [Infrastructure.of(provided), DirectoryModule];
    opened.module = await Test.createTestingModule({ imports }).compile();
    await opened.module.init();
    if (options.view !== false) await opened.runView();
    if (options.policy !== false) await opened.runPolicy();
    return opened;
  }

  get<T>(token: abstract new (...args: never[]) => T): T {
    return this.module.get<T>(token as never);
  }

  async runView(): Promise<void> {
    this.view = await this.follow(this.get(DirectoryView), this.db);
  }

  /** Runs the roles on a database of their own, from the beginning of the log. */
  async runRoles(
    db: Kysely<RoleFollowerDb> = openSqlite<RoleFollowerDb>(':memory:'),
  ): Promise<Projector<RoleFollowerDb>> {
    if (this.view === undefined) throw new Error('the roles read from the view: run it first');
    this.get(RoleFollower).uses({ view: this.view, db });
    return this.follow(this.get(RoleFollower), db);
  }

  /** Runs the owner policy on a database of its own, from the beginning of the log. */
  async runPolicy(
    db: Kysely<OwnerPolicyDb> = openSqlite<OwnerPolicyDb>(':memory:'),
  ): Promise<Projector<OwnerPolicyDb>> {
    return this.follow(this.get(OwnerPolicy), db);
  }

  /** Carries out orders about closed connections on a database of its own, from the beginning of the log. */
  async runOrders(
    db: Kysely<ConnectionOrdersDb> = openSqlite<ConnectionOrdersDb>(':memory:'),
  ): Promise<Projector<ConnectionOrdersDb>> {
    if (this.view === undefined) throw new Error('the orders read from the view: run it first');
    this.get(ConnectionOrders).uses({ view: this.view, db });
    return this.follow(this.get(ConnectionOrders), db);
  }

  private async follow<Db>(
    projection: DirectoryView | OwnerPolicy | RoleFollower | ConnectionOrders,
    db: Kysely<Db>,
  ): Promise<Projector<Db>> {
    const parts = { log: this.log, db, projection, onError: (error: unknown) => this.errors.push(error) };
    const projector = new Projector<Db>(parts as never);
    await projector.start();
    this.projectors.push(projector as never);
    this.dbs.add(db as never);
    return projector;
  }

  request(tenant = 'acme', connection = 'okta'): RequestContext {
    this.requests += 1;
    const receivedAt = this.clock.iso();
    return { tenant, connection, actor: `scim:${connection}`, correlationId: `request-${this.requests}`, receivedAt };
  }

  /** Executes and, as an app does, waits until the views have seen it. */
  async run<R>(command: Command<R>): Promise<R> {
    const result = await this.get(CommandBus).execute(command);
    const { position } = result as { position?: bigint };
    if (position !== undefined) await this.reached(position);
    return result;
  }

  ask<R>(query: Query<R>): Promise<R> {
    return this.get(QueryBus).execute(query);
  }

  async reached(position?: bigint): Promise<void> {
    const target = position ?? (await this.log.head()) ?? -1n;
    for (const projector of this.projectors) {
      if (!(await projector.reached(target, 5_000))) throw this.errors.at(-1) ?? new Error(`not at ${target}`);
    }
  }

  /** Follows until nothing more is appended: the policy answers events with events. */
  async settled(): Promise<void> {
    for (let head = await this.log.head(); ;) {
      await this.reached(head);
      const now = await this.log.head();
      if (now === head) return;
      head = now;
    }
  }

  /** @param more attributes, and the rule by which the user may be an agent */
  async user(
    userName: string,
    more: Attributes & { active?: boolean; tenant?: string; agentWhen?: string } = {},
  ): Promise<string> {
    const { active = true, tenant = 'acme', agentWhen, ...attributes } = more;
    const write = { attributes: { userName, ...attributes }, active, changed: [] };
    return (await this.run(new ProvisionUser(this.request(tenant), write, agentWhen))).resource.id;
  }

  async group(displayName: string, members: readonly string[] = [], tenant = 'acme'): Promise<string> {
    const write = { attributes: { displayName }, added: members };
    return (await this.run(new CreateGroup(this.request(tenant), write))).resource.id;
  }

  async agent(name: string, owners: AgentWrite['owners'], more: Partial<AgentWrite> = {}): Promise<string> {
    const write = { name, owners, active: true, attributes: {}, ...more };
    return (await this.run(new ProvisionAgent(this.request(), write))).resource.id;
  }

  async events(): Promise<RecordedEvent[]> {
    return this.log.readAll({ max: 100_000 });
  }

  async eventsOf<T extends EventType>(type: T): Promise<(RecordedEvent & { data: EventData[T] })[]> {
    return (await this.events()).filter((event) => event.type === type) as never;
  }

  async close(): Promise<void> {
    for (const projector of this.projectors) await projector.stop();
    await this.module.close();
    await this.log.close();
    await this.vault.close();
    await this.vaultDb.destroy();
    for (const db of this.dbs.add(this.db as never)) await db.destroy();
    rmSync(this.directory, { recursive: true });
  }
}

// The SCIM role as an application for its specs: a real log, the real directory on it, and tokens of several tenants.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { inspect, isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import {
  CreateTenant,
  DIRECTORY_DB,
  DirectoryModule,
  DirectoryView,
  IssueConnectionToken,
  OpenConnection,
  SCIM_EXTENSIONS,
  type ConnectionSettings,
  type DirectoryDb,
} from '@app/directory';
import { Decisions, EventLog, Projector, ProjectorSet, ReadModels, SqliteEventLog } from '@app/event-log';
import type { RecordedEvent, RequestContext } from '@app/events';
import { createHttpApp, ExchangeLog, migrateTrafficDb, QuirkCounts, type TrafficDb } from '@app/http';
import { Clock, ManualClock, newId, openSqlite } from '@app/runtime';
import type { CustomExtensions, CustomTypes } from '@app/scim';
import { SqlVault, Vault, type VaultDb } from '@app/vault';
import { Module, type DynamicModule, type LoggerService, type Provider } from '@nestjs/common';
import { CommandBus, CqrsModule, QueryBus, type Command, type Query } from '@nestjs/cqrs';
import { SCIM_BASE_URL, ScimApiModule } from './index.js';

@Module({})
class World {
  static of(providers: (Provider & { provide: unknown })[]): DynamicModule {
    return { module: World, global: true, providers, exports: providers.map(({ provide }) => provide as symbol) };
  }
}

@Module({})
class App {
  static of(world: DynamicModule, scim: DynamicModule): DynamicModule {
    return { module: App, imports: [CqrsModule.forRoot(), world, DirectoryModule, scim] };
  }
}

/** Says that the views are behind, when told to. */
class HeldReadModels extends ReadModels {
  held: Error | undefined;

  constructor(private readonly inner: ReadModels) {
    super();
  }

  override reached(position: bigint): Promise<void> {
    return this.held === undefined ? this.inner.reached(position) : Promise.reject(this.held);
  }
}

const opened = {
  lenient: ['lenient', {}],
  strict: ['strict', {}],
  /** Pushes agents as users. */
  pushing: ['lenient', { agentWhen: 'userType eq "Agent"' }],
  /** Calls the name of an agent `name`. */
  naming: ['lenient', { agentNameKey: 'name' }],
} as const satisfies Record<string, readonly ['lenient' | 'strict', ConnectionSettings]>;

/** Each kind of each tenant. */
export type Connection = `${keyof typeof opened}-${'acme' | 'globex'}`;

async function openConnections(commands: CommandBus, tenant: 'acme' | 'globex') {
  const context: RequestContext = {
    tenant,
    actor: 'system:spec',
    correlationId: newId(),
    receivedAt: '2026-01-01T00:00:00.000Z',
  };
  const connections = new Map<Connection, { readonly connectionId: string; readonly token: string }>();
  await commands.execute(new CreateTenant(context, tenant));
  for (const [name, [dialect, settings]] of Object.entries(opened)) {
    const { connectionId } = await commands.execute(new OpenConnection(context, name, dialect, settings));
    const { token } = await commands.execute(new IssueConnectionToken(context, connectionId));
    connections.set(`${name as keyof typeof opened}-${tenant}`, { connectionId, token });
  }
  return connections;
}

export interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose token is sent; default `lenient-acme`. */
  readonly as?: Connection;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed; undefined when there is none. */
  readonly body: Json;
  readonly text: string;
}

/** What is only looked into by matchers. */
export type Json = any;

export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** The body of a PATCH. */
export const patch = (...operations: object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: operations,
});

/** The body that deactivates. */
export const off = patch({ op: 'replace', path: 'active', value: false });

let names = 0;
/** A userName that nobody has. */
export const newName = (): string => `person-${++names}@example.com`;

const bookkeeping = new Set(['UserNameReserved', 'UserNameReleased']);

export type ScimWorld = Awaited<ReturnType<typeof openScim>>;

interface Configured {
  readonly extensions?: CustomExtensions;
  readonly types?: CustomTypes;
  readonly requestsPerSecond?: number;
}

export async function openScim({ extensions = new Map(), types = new Map(), ...limits }: Configured = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'scim-api-'));
  const clock = new ManualClock();
  const log = SqliteEventLog.open({ directory });
  const vaultDb = openSqlite<VaultDb>(':memory:');
  const vault = await SqlVault.open({ db: vaultDb, rootKey: Buffer.alloc(32, 7), clock });
  const db = openSqlite<DirectoryDb>(':memory:');
  const failures: unknown[] = [];
  const quiet = () => undefined;
  const logger: LoggerService = { log: quiet, warn: quiet, error: (message: unknown) => failures.push(message) };
  const projectors: Projector<DirectoryDb>[] = [];
  const trafficDb = openSqlite<TrafficDb>(':memory:');
  await migrateTrafficDb(trafficDb);
  const [exchanges, quirks] = [new ExchangeLog(trafficDb), new QuirkCounts(trafficDb)];
  const readModels = new HeldReadModels(new ProjectorSet(projectors as unknown as Projector<never>[]));
  const world = World.of([
    { provide: EventLog, useValue: log },
    { provide: Decisions, useValue: new Decisions(log, { soleWriter: true }) },
    { provide: ReadModels, useValue: readModels },
    { provide: Vault, useValue: vault },
    { provide: Clock, useValue: clock },
    { provide: DIRECTORY_DB, useValue: db },
    { provide: QuirkCounts, useValue: quirks },
    { provide: SCIM_EXTENSIONS, useValue: extensions },
    { provide: SCIM_BASE_URL, useValue: { url: 'http://scim.test' } },
  ]);
  const app = await createHttpApp(App.of(world, ScimApiModule.extendedBy(types)), {
    logger,
    exchanges,
    ...limits,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const projector = new Projector({
    log,
    db,
    projection: app.get(DirectoryView, { strict: false }),
    onError: (error) => failures.push(error),
  });
  await projector.start();
  projectors.push(projector);
  const connections = new Map<Connection, { readonly connectionId: string; readonly token: string }>();
  for (const tenant of ['acme', 'globex'] as const) {
    for (const [name, keys] of await openConnections(app.get(CommandBus), tenant)) connections.set(name, keys);
  }
  const head = (await log.head()) as bigint;
  await readModels.reached(head);

  const inject = async (method: string, url: string, sent: { headers: Record<string, string>; payload?: string }) => {
    const answer = await app.inject({ method: method as 'GET', url, ...sent });
    const text = answer.body;
    const body: Json = text === '' ? undefined : JSON.parse(text);
    return { status: answer.statusCode, headers: answer.headers, text, body };
  };

  /** Sends a request below the SCIM base URL; a body that is no string is sent as JSON. */
  const ask = (method: string, path: string, { body, headers, as = 'lenient-acme' }: Asked = {}): Promise<Answered> =>
    inject(method, `/scim/v2${path}`, {
      headers: {
        authorization: `Bearer ${connections.get(as)?.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });

  const create = async (path: string, body: object): Promise<Json> => {
    const answer = await ask('POST', path, { body });
    if (answer.status !== 201) throw new Error(`${path} was answered ${answer.status}`);
    return answer.body;
  };

  let seen = head;
  /** What was appended since the last call, without the bookkeeping of names. */
  const appended = async (): Promise<RecordedEvent[]> => {
    const events = await log.readAll({ after: seen, max: 100_000 });
    seen = events.at(-1)?.position ?? seen;
    // What views are told of a new event is what they are told of it when they are made from the log again.
    for (const { id, data, metadata } of events) {
      const text = JSON.stringify({ data, metadata });
      if (!isDeepStrictEqual(JSON.parse(text), { data, metadata }))
        throw new Error(`event ${id} is not what its JSON is: ${text}`);
    }
    return events.filter(({ type }) => !bookkeeping.has(type));
  };

  return {
    ask,
    /** Sends a body as nobody in particular, to any path. */
    post: (path: string, payload: string, type: string): Promise<Answered> =>
      inject('POST', path, { headers: { 'content-type': type }, payload }),
    /** Reads below the SCIM base URL without a token. */
    anonymous: (path: string, headers: Record<string, string>): Promise<Answered> =>
      inject('GET', `/scim/v2${path}`, { headers }),
    /** Creates a resource that must be creatable. */
    create,
    newUser: (attributes: object = {}): Promise<Json> => create('/Users', { userName: newName(), ...attributes }),
    appended,
    clock,
    /** Carries out what an operator asks, and waits for the views. */
    async operate<R extends { readonly position?: bigint | undefined }>(command: Command<R>): Promise<R> {
      const done = await app.get(CommandBus).execute<R>(command);
      if (done.position !== undefined) await readModels.reached(done.position);
      seen = (await log.head()) as bigint;
      return done;
    },
    /** What is answered to a platform. */
    query: <R>(query: Query<R>): Promise<R> => app.get(QueryBus).execute(query),
    /** The id of a connection. */
    idOf: (of: Connection) => connections.get(of)?.connectionId as string,
    readModels,
    /** What was asked on a connection, the newest first. */
    exchanges: (of: Connection) => exchanges.of(connections.get(of)?.connectionId as string),
    /** The quirks met on a connection. */
    quirks: (of: Connection) => quirks.of(of.split('-')[1] as string, connections.get(of)?.connectionId as string),
    async close(): Promise<void> {
      await app.close();
      await projector.stop();
      await log.close();
      await vault.close();
      await exchanges.close();
      await quirks.close();
      for (const one of [db, vaultDb, trafficDb]) await one.destroy();
      await rm(directory, { recursive: true });
      if (failures.length > 0) throw new Error(inspect(failures[0], { depth: 4 }));
    },
  };
}

// The chosen roles in one process, on one infrastructure.
import { Cascades, Checkpoints, EvidenceBundles, Ledger, Trail } from '@app/audit';
import { ConsoleModule, directoryNames, Lanes, OperatorViews } from '@app/console';
import {
  ConnectionOrders,
  DIRECTORY_DB,
  DirectoryModule,
  DirectoryView,
  OwnerPolicy,
  RoleFollower,
  SCIM_EXTENSIONS,
} from '@app/directory';
import { Decisions, EventLog, ReadModels } from '@app/event-log';
import { ExchangeLog, QuirkCounts } from '@app/http';
import { IDEMPOTENCY_DB, PlatformApiModule } from '@app/platform-api';
import { Connectors, GATE_DB, RevocationModule } from '@app/revocation';
import { Clock, type Config, type Role } from '@app/runtime';
import { SCIM_BASE_URL, ScimApiModule } from '@app/scim-api';
import { Vault } from '@app/vault';
import {
  Global,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type LoggerService,
  type Type,
} from '@nestjs/common';
import { CqrsModule, QueryBus } from '@nestjs/cqrs';
import { HealthController } from './health.controller.js';
import type { Infrastructure } from './infrastructure.js';
import type { ScimFiles } from './scim-files.js';
import { Views, type ViewsParts } from './views.js';
import { WorkerThread } from './worker-thread.js';

/** Known once the service listens: PORT may be 0. */
export interface Address {
  url: string;
}

/** Names the ledger to auditors, and must not change with the machine. */
const LOG_NAME = 'scim-cascade';

export interface StandaloneParts {
  readonly config: Config;
  readonly scimFiles: ScimFiles;
  readonly infrastructure: Infrastructure;
  readonly address: Address;
  readonly logger: LoggerService;
}

@Module({})
export class StandaloneModule {
  static of({ config, scimFiles, infrastructure, address, logger }: StandaloneParts): DynamicModule {
    const ofRole: Readonly<Record<Role, () => Type | DynamicModule>> = {
      scim: () => ScimApiModule.extendedBy(scimFiles.resourceTypes),
      platform: () => PlatformApiModule,
      console: () => ConsoleModule,
      worker: () => WorkerModule.of(config, infrastructure, logger),
    };
    const roles = config.roles.map((role) => ofRole[role]());
    return {
      module: StandaloneModule,
      imports: [
        CqrsModule.forRoot(),
        InfrastructureModule.of(infrastructure, address, scimFiles.extensions),
        ViewsModule.of({ infrastructure, roles: config.roles, logger }),
        DirectoryModule,
        RevocationModule,
        ...roles,
      ],
      controllers: [HealthController],
    };
  }
}

@Global()
@Module({})
class InfrastructureModule {
  static of(parts: Infrastructure, address: Address, extensions: ScimFiles['extensions']): DynamicModule {
    const value = (provide: unknown, useValue: unknown) => ({ provide: provide as symbol, useValue });
    const made = (
      provide: unknown,
      useFactory: FactoryProvider['useFactory'],
      inject: unknown[] = [],
    ): FactoryProvider => ({
      provide: provide as symbol,
      useFactory,
      inject: inject as symbol[],
    });
    const { auditDb: db, clock, logKey: key } = parts;
    const ledger = new Ledger(db);
    const checkpoints = key && new Checkpoints({ db, ledger, clock, logName: LOG_NAME, key });
    const providers = [
      value(EventLog, parts.log),
      value(Decisions, parts.decisions),
      value(Vault, parts.vault),
      value(Clock, clock),
      value(DIRECTORY_DB, parts.directoryDb),
      value(GATE_DB, parts.gateDb),
      value(IDEMPOTENCY_DB, parts.idempotencyDb),
      value(SCIM_BASE_URL, address),
      value(SCIM_EXTENSIONS, extensions),
      value(ExchangeLog, parts.exchanges),
      value(QuirkCounts, parts.quirks),
      value(Ledger, ledger),
      value(Cascades, new Cascades(db)),
      made(Trail, (queries: QueryBus) => new Trail(db, directoryNames(queries)), [QueryBus]),
      value(Connectors, parts.connectors),
      ...(checkpoints === undefined
        ? []
        : [
            value(Checkpoints, checkpoints),
            made(EvidenceBundles, (trail: Trail) => new EvidenceBundles({ ledger, trail, checkpoints, clock }), [
              Trail,
            ]),
          ]),
    ];
    return { module: InfrastructureModule, providers, exports: providers };
  }
}

/** Lanes are known to the worker alone. */
@Global()
@Module({})
class WorkerModule {
  static of({ eventLog }: Config, { log, redisUrl }: Infrastructure, logger: LoggerService): DynamicModule {
    const useFactory = () =>
      new WorkerThread({
        log: eventLog === 'sqlite' ? log : undefined,
        redisUrl,
        onError: (error) => logger.error(error, 'worker'),
      });
    const providers = [
      { provide: WorkerThread, useFactory },
      { provide: Lanes, useExisting: WorkerThread },
    ];
    return { module: WorkerModule, providers, exports: [Lanes] };
  }
}

@Global()
@Module({})
class ViewsModule {
  static of(parts: Pick<ViewsParts, 'infrastructure' | 'roles' | 'logger'>): DynamicModule {
    const providers: FactoryProvider[] = [
      {
        provide: Views,
        inject: [DirectoryView, OwnerPolicy, RoleFollower, ConnectionOrders],
        useFactory: (
          directory: DirectoryView,
          ownerPolicy: OwnerPolicy,
          roleFollower: RoleFollower,
          connectionOrders: ConnectionOrders,
        ) => new Views({ ...parts, directory, ownerPolicy, roleFollower, connectionOrders }),
      },
      { provide: ReadModels, inject: [Views], useFactory: (views: Views) => views.written },
      { provide: OperatorViews, inject: [Views], useFactory: (views: Views) => views.shown },
    ];
    return { module: ViewsModule, imports: [DirectoryModule], providers, exports: providers };
  }
}

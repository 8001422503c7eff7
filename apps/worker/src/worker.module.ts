// The worker role: the engine of the cascade, started once everything it calls is ready and drained before shutdown.
import { EventLog } from '@app/event-log';
import { JobQueue } from '@app/jobs';
import { Connectors, Engine, OutboundHttp, REVOCATION_DB, type RetryPolicy, type RevocationDb } from '@app/revocation';
import { Clock } from '@app/runtime';
import { Vault } from '@app/vault';
import {
  Inject,
  Injectable,
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Kysely } from 'kysely';

export interface WorkerOptions {
  readonly policy: RetryPolicy;
  /** Targets of one provider in flight at once. */
  readonly laneConcurrency: number;
  readonly sweepIntervalMs: number;
  /** ms that attempts under way are given to end; then they are aborted and made again after the next start. */
  readonly shutdownTimeoutMs: number;
}

const WORKER_OPTIONS = Symbol('WORKER_OPTIONS');

/** Jobs at once over all lanes: many dead providers can each hold a few and still leave room. */
const JOB_CONCURRENCY = 128;
/** Longest time of one call to a provider, connecting included. */
const CALL_TIMEOUT_MS = 15_000;

@Injectable()
export class Worker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('worker');
  readonly engine: Engine;

  constructor(
    log: EventLog,
    queue: JobQueue,
    vault: Vault,
    clock: Clock,
    http: OutboundHttp,
    connectors: Connectors,
    @Inject(REVOCATION_DB) db: Kysely<RevocationDb>,
    @Inject(WORKER_OPTIONS) options: WorkerOptions,
  ) {
    this.engine = new Engine({
      ...options,
      log,
      queue,
      vault,
      clock,
      http,
      connectors,
      db,
      jobConcurrency: JOB_CONCURRENCY,
      callTimeoutMs: CALL_TIMEOUT_MS,
      onError: (error, where) => this.logger.error({ err: error, where }, 'the engine failed'),
    });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.engine.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.engine.stop();
  }
}

@Module({})
export class WorkerModule {
  static register(options: WorkerOptions): DynamicModule {
    return {
      module: WorkerModule,
      global: true,
      providers: [Worker, { provide: WORKER_OPTIONS, useValue: options }],
      exports: [Worker],
    };
  }
}

// The engine: relay, dispatcher, workers and sweep as one thing to start and to stop.
import { createHash } from 'node:crypto';
import { Projector, type EventLog } from '@app/event-log';
import type { JobQueue } from '@app/jobs';
import type { Clock } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import type { Connector } from './connectors/connector.port.js';
import type { OutboundHttp } from './connectors/outbound-http.js';
import { Dispatcher } from './dispatcher.js';
import { Relay } from './relay.js';
import type { RetryPolicy } from './retry-policy.js';
import type { RevocationDb } from './revocation-db.js';
import { StepRunner } from './run-step.js';
import { SpentSecrets } from './spent-secrets.js';
import { Sweep } from './sweep.js';

export interface EngineParts {
  readonly db: Kysely<RevocationDb>;
  readonly log: EventLog;
  readonly queue: JobQueue;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly http: OutboundHttp;
  readonly connectors: { get(name: string): Connector | undefined };
  readonly policy: RetryPolicy;
  /** Targets of one lane in flight at once. */
  readonly laneConcurrency: number;
  /** Jobs at once over all lanes; far above what a few dead lanes can hold. */
  readonly jobConcurrency: number;
  readonly sweepIntervalMs: number;
  readonly callTimeoutMs: number;
  /** ms that attempts under way are given to end when the engine stops; the queue's own patience when absent. */
  readonly shutdownTimeoutMs?: number;
  /** Everything that went wrong inside and was survived, for the log. */
  readonly onError: (error: unknown, where: string) => void;
}

/** How often (ms) a start that still catches up looks whether it is to stop. */
const CATCH_UP_LOOK_MS = 500;

export class Engine {
  readonly dispatcher: Dispatcher;
  readonly relay: Projector<RevocationDb>;
  private readonly sweep: Sweep;
  private readonly spent: SpentSecrets;
  private readonly runner: StepRunner;
  private catchingUp: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly parts: EngineParts) {
    const { db, log, queue, vault, clock, onError } = parts;
    this.dispatcher = new Dispatcher({
      db,
      queue,
      clock,
      laneConcurrency: parts.laneConcurrency,
      onError: (error) => onError(error, 'dispatcher'),
    });
    this.spent = new SpentSecrets({ db, vault, clock, onError: (error) => onError(error, 'vault') });
    const relay = new Relay({
      log,
      clock,
      policyHash: policyHash(parts.policy),
      onWork: (change) => {
        this.dispatcher.onCommitted(change);
        this.spent.notice(change.ended);
      },
    });
    this.relay = new Projector({
      log,
      db,
      projection: relay,
      onError: (error) => onError(error, 'relay'),
      pauseMs: () => relay.pauseMs(),
    });
    this.sweep = new Sweep({
      dispatcher: this.dispatcher,
      queue,
      clock,
      intervalMs: parts.sweepIntervalMs,
      onError: (error) => onError(error, 'sweep'),
    });
    this.runner = new StepRunner({
      ...parts,
      isDisproved: (row) => this.dispatcher.isDisproved(row),
      onAnswer: (row, fact) => this.dispatcher.onAcknowledged(row, fact),
      onFact: (row, fact) => this.dispatcher.onRecorded(row, fact),
      onDefect: (error, targetId) => onError(error, `connector, target ${targetId}`),
    });
  }

  /** Follows the log and works from here on; hands out work once the rows are as new as the log is now. */
  async start(): Promise<void> {
    const { log, queue, jobConcurrency, onError } = this.parts;
    const head = await log.head();
    await this.relay.start();
    await queue.work((job, signal) => this.runner.run(job, signal), { concurrency: jobConcurrency });
    this.catchingUp = this.handOutFrom(head).catch((error: unknown) => onError(error, 'start'));
    this.sweep.start();
  }

  /** Drains: hands out nothing more, lets running attempts record, then stops following the log. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.sweep.stop();
    await this.dispatcher.stop();
    await this.parts.queue.close(this.parts.shutdownTimeoutMs);
    await this.relay.stop();
    await this.catchingUp;
    await this.spent.stop();
  }

  /** A relay that rebuilds its rows meets targets that were settled long ago: nobody is to be asked about them again. */
  private async handOutFrom(head: bigint | undefined): Promise<void> {
    while (!this.stopped && head !== undefined && !(await this.relay.reached(head, CATCH_UP_LOOK_MS)));
    if (this.stopped) return;
    this.dispatcher.start();
    await this.spent.recover();
  }
}

/** Identifies the rules that plans are made by. */
const policyHash = (policy: RetryPolicy): string =>
  createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 16);

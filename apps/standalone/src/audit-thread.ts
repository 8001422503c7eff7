// The audit views as the process sees them: followed on a thread of their own, so that they delay no request.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Progress } from '@app/event-log';
import type { AuditNews } from './audit-follower.js';

/** ms before a thread that ended by itself is started again. */
const RESTART_MS = 1_000;
/** Longer than the tables of an earlier version take to be changed. */
const START_MS = 3_600_000;

export interface AuditThreadParts {
  readonly onError: (error: unknown) => void;
  /** What the thread runs; tells {@link AuditNews} and ends when it is sent a message. */
  readonly file?: URL;
  /** ms that a thread is given until it follows. */
  readonly startMs?: number;
}

export class AuditThread {
  readonly name = 'audit';
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private readonly progress = new Progress();
  private worker: Worker | undefined;
  private follows = false;
  private restart: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly parts: AuditThreadParts) {}

  get position(): bigint {
    return this.progress.position;
  }

  reached(position: bigint, timeoutMs: number): Promise<boolean> {
    return this.progress.reached(position, timeoutMs);
  }

  /**
   * Resolves when the thread follows; a failure that it tries again after is reported and waited for.
   * @throws what ended it before, or that it does not follow in time
   */
  start(): Promise<void> {
    const worker = this.spawn();
    const { startMs = START_MS } = this.parts;
    return new Promise((resolve, reject) => {
      const refuse = (why: string) => reject(this.failure ?? new Error(`the thread of the audit views ${why}`));
      const timer = setTimeout(() => refuse(`does not follow within ${startMs} ms`), startMs);
      worker.on('message', ({ kind }: AuditNews) => {
        if (kind !== 'reached') return;
        clearTimeout(timer);
        resolve();
      });
      worker.once('exit', () => {
        clearTimeout(timer);
        refuse('ended before it followed');
      });
    });
  }

  /** Ends after the batch under way; at once while it does not follow yet. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    if (this.worker === undefined) return;
    const ended = once(this.worker, 'exit');
    if (this.follows) this.worker.postMessage('stop');
    else await this.worker.terminate();
    await ended;
  }

  private spawn(): Worker {
    const worker = new Worker(this.parts.file ?? new URL('./audit-follower.js', import.meta.url));
    this.worker = worker;
    worker.on('message', (news: AuditNews) => this.learn(news));
    worker.on('error', (error) => this.fail(error));
    worker.on('exit', () => {
      this.worker = undefined;
      this.follows = false;
      if (this.stopping) return;
      this.restart = setTimeout(() => this.spawn(), RESTART_MS);
    });
    return worker;
  }

  private learn(news: AuditNews): void {
    if (news.kind === 'failed') this.fail(news.error);
    if (news.kind !== 'reached') return;
    this.follows = true;
    this.failure = undefined;
    this.progress.moveTo(news.position);
  }

  private fail(error: unknown): void {
    this.failure = error;
    this.parts.onError(error);
  }
}

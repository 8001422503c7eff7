// The audit views as the process sees them: followed on a thread of their own, so that they delay no request.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Progress } from '@app/event-log';
import type { AuditNews } from './audit.thread.js';

/** ms before a thread that ended by itself is started again. */
const RESTART_MS = 1_000;

export class AuditThread {
  readonly name = 'audit';
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private readonly progress = new Progress();
  private worker: Worker | undefined;
  private restart: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly onError: (error: unknown) => void) {}

  get position(): bigint {
    return this.progress.position;
  }

  reached(position: bigint, timeoutMs: number): Promise<boolean> {
    return this.progress.reached(position, timeoutMs);
  }

  /** Resolves when the thread follows. @throws what keeps it from doing so */
  async start(): Promise<void> {
    const worker = this.spawn();
    const [news] = (await once(worker, 'message')) as [AuditNews];
    if (news.kind === 'failed') throw news.error;
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    if (this.worker === undefined) return;
    const ended = once(this.worker, 'exit');
    this.worker.postMessage('stop');
    await ended;
  }

  private spawn(): Worker {
    const worker = new Worker(new URL('./audit.thread.js', import.meta.url));
    this.worker = worker;
    worker.on('message', (news: AuditNews) => this.learn(news));
    worker.on('error', (error) => this.fail(error));
    worker.on('exit', () => {
      this.worker = undefined;
      if (this.stopping) return;
      this.restart = setTimeout(() => this.spawn(), RESTART_MS);
    });
    return worker;
  }

  private learn(news: AuditNews): void {
    if (news.kind === 'failed') this.fail(news.error);
    if (news.kind !== 'reached') return;
    this.failure = undefined;
    this.progress.moveTo(news.position);
  }

  private fail(error: unknown): void {
    this.failure = error;
    this.onError(error);
  }
}

// The audit views as the process sees them: followed on a thread of their own, so that they delay no request.
import { Progress } from '@app/event-log';
import type { AuditNews } from './audit-follower.js';
import { ServiceThread } from './service-thread.js';

export interface AuditThreadParts {
  readonly onError: (error: unknown) => void;
  /** What the thread runs; tells {@link AuditNews}. */
  readonly file?: URL;
}

export class AuditThread {
  readonly name = 'audit';
  /** The last failure; undefined while all is well. */
  failure: unknown;
  private readonly progress = new Progress();
  private readonly thread: ServiceThread<AuditNews>;

  constructor(private readonly parts: AuditThreadParts) {
    this.thread = new ServiceThread<AuditNews>({
      of: 'audit views',
      file: parts.file ?? new URL('./audit-follower.js', import.meta.url),
      onNews: (news) => this.learn(news),
      onError: (error) => this.fail(error),
    });
  }

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
    return this.thread.start();
  }

  /** Ends after the batch under way; at once while it does not follow yet. */
  stop(): Promise<void> {
    return this.thread.stop();
  }

  private learn(news: AuditNews): void {
    if (news.kind === 'failed') return this.fail(news.error);
    this.failure = undefined;
    this.progress.moveTo(news.position);
  }

  private fail(error: unknown): void {
    this.failure = error;
    this.parts.onError(error);
  }
}

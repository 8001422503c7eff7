// A part of the service on a thread of its own: started, started again when it dies, told to stop.
import { once } from 'node:events';
import { Worker, type TransferListItem, type WorkerOptions } from 'node:worker_threads';

/** ms before a thread that ended by itself is started again. */
const RESTART_MS = 1_000;
/** Longer than the tables of an earlier version take to be changed. */
const START_MS = 3_600_000;

/** Said by every thread once it does its work; whatever else it says is its own. */
export interface Ready {
  readonly kind: 'ready';
}

export interface ServiceThreadParts<News extends { readonly kind: string }> {
  /** For the sentences of errors: "the thread of the ...". */
  readonly of: string;
  /** What the thread runs. It begins when it is sent `start`, says {@link Ready}, and ends when it is sent `stop`. */
  readonly file: URL;
  readonly onNews?: (news: News) => void;
  /** Told of what it died of. */
  readonly onError: (error: unknown) => void;
  /** What each thread is given that is started. */
  readonly given?: () => Pick<WorkerOptions, 'workerData' | 'transferList'>;
  /** ms that a thread has until it is ready. */
  readonly startMs?: number;
}

export class ServiceThread<News extends { readonly kind: string } = never> {
  private worker: Worker | undefined;
  private isReady = false;
  private death: unknown;
  private restart: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly parts: ServiceThreadParts<News>) {}

  /** Loads what the thread runs, beside what this one does meanwhile. */
  load(): void {
    this.loaded();
  }

  /**
   * Resolves when the thread is ready.
   * @throws what ended it before, or that it is not ready in time
   */
  start(): Promise<void> {
    const worker = this.loaded();
    const { of, startMs = START_MS } = this.parts;
    return new Promise((resolve, reject) => {
      const refuse = (why: string) => reject(this.death ?? new Error(`the thread of the ${of} ${why}`));
      const timer = setTimeout(() => refuse(`is not ready within ${startMs} ms`), startMs);
      worker.on('message', ({ kind }: News | Ready) => {
        if (kind !== 'ready') return;
        clearTimeout(timer);
        resolve();
      });
      worker.once('exit', () => {
        clearTimeout(timer);
        refuse('ended before it was ready');
      });
      worker.postMessage('start');
    });
  }

  /** Ends after what is under way; at once while it is not ready yet. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    if (this.worker === undefined) return;
    const ended = once(this.worker, 'exit');
    if (this.isReady) this.worker.postMessage('stop');
    else await this.worker.terminate();
    await ended;
  }

  /** @returns false when there is no thread that would read it */
  tell(message: unknown, transferred: readonly TransferListItem[]): boolean {
    if (!this.isReady) return false;
    this.worker?.postMessage(message, transferred);
    return true;
  }

  private loaded(): Worker {
    clearTimeout(this.restart);
    return (this.worker ??= this.spawn());
  }

  private spawn(): Worker {
    const { file, given, onNews, onError } = this.parts;
    const worker = new Worker(file, given?.());
    worker.on('message', (news: News | Ready) => {
      if (news.kind === 'ready') this.isReady = true;
      else onNews?.(news as News);
    });
    worker.on('error', (error) => {
      this.death = error;
      onError(error);
    });
    worker.on('exit', () => {
      this.worker = undefined;
      this.isReady = false;
      if (this.stopping) return;
      this.restart = setTimeout(() => this.loaded().postMessage('start'), RESTART_MS);
    });
    return worker;
  }
}

// The sweep: compares what the log says is due with what the queue holds, and hands out again what was lost.
import { QueueUnavailable, type JobQueue } from '@app/jobs';
import type { Clock } from '@app/runtime';
import type { Dispatcher } from './dispatcher.js';

export interface SweepParts {
  readonly dispatcher: Dispatcher;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
}

export class Sweep {
  private cancelTimer: () => void = () => undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  /** When the last sweep found the queue empty; undefined when it did not. */
  private emptyAt: number | undefined;

  constructor(private readonly parts: SweepParts) {}

  /** Sweeps now, then every `intervalMs` after the last one ended. */
  start(): void {
    this.running = this.once()
      .catch((error: unknown) => this.parts.onError(error))
      .finally(() => {
        if (this.stopped) return;
        const { clock, intervalMs } = this.parts;
        this.cancelTimer = clock.at(clock.now() + intervalMs, () => this.start());
      });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    await this.running;
  }

  /**
   * A queue that was empty in two sweeps running has lost every job handed over before the first of them: such a job
   * was neither waiting nor active, and its record would have been seen by now.
   */
  async once(): Promise<void> {
    const emptyBefore = this.emptyAt;
    this.emptyAt = (await this.isEmpty()) ? this.parts.clock.now() : undefined;
    await this.parts.dispatcher.refresh(this.emptyAt === undefined ? undefined : emptyBefore);
  }

  private async isEmpty(): Promise<boolean> {
    try {
      const { waiting, active } = await this.parts.queue.counts();
      return waiting + active === 0;
    } catch (error) {
      if (!(error instanceof QueueUnavailable)) throw error;
      this.parts.onError(error);
      return false;
    }
  }
}

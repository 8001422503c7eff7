// Has what requests leave behind written now and then: no request waits for it, and a burst of them is one write.
import { Logger } from '@nestjs/common';

/** ms between something being left behind and its being written. */
const REST_MS = 1_000;

export class WriteBehind {
  private readonly logger = new Logger('traffic');
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  /** @param write what it throws is logged and it is tried again: it must keep what it did not write */
  constructor(private readonly write: () => Promise<void>) {}

  /** There is something to write. */
  soon(): void {
    this.timer ??= setTimeout(() => void this.flush(), REST_MS).unref();
  }

  /** Resolves when what there was to write has been written, or has failed. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(this.write).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'what is remembered of requests could not be written: it is tried again');
      this.soon();
    });
    return this.writing;
  }
}

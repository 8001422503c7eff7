// How far a read model has come, and who waits for it to come further.

/** A position before every event. */
export const START = -1n;

interface Waiting {
  readonly position: bigint;
  readonly resolve: () => void;
}

export class Progress {
  private current = START;
  private waiting: Waiting[] = [];

  /** Applied up to and including this position; {@link START} before the first event. */
  get position(): bigint {
    return this.current;
  }

  /** Resolves when `position` is reached, with false when `timeoutMs` is over first. */
  reached(position: bigint, timeoutMs: number): Promise<boolean> {
    if (this.current >= position) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((one) => one !== waiting);
        resolve(false);
      }, timeoutMs);
      const waiting: Waiting = {
        position,
        resolve: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      this.waiting.push(waiting);
    });
  }

  moveTo(position: bigint): void {
    this.current = position;
    if (this.waiting.length === 0) return;
    const ready = this.waiting.filter((one) => one.position <= position);
    if (ready.length === 0) return;
    this.waiting = this.waiting.filter((one) => one.position > position);
    for (const one of ready) one.resolve();
  }
}

// Shares the event loop: work of many parts lets whatever else has come in have its turn between them.

/** ms that parts follow one another before others have a turn. */
const SLICE_MS = 4;

/** One kind of work: it has its slice of each turn of the event loop, whatever other kinds there are. */
export class Turns {
  private readonly waiting: (() => void)[] = [];
  private until = 0;
  private isRunning = false;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * To be awaited between two parts, each of which takes a few ms at most. Resolves while the slice lasts, else in a later
   * turn: whoever waits goes on in the order of asking.
   */
  share(): Promise<void> {
    this.begin();
    return new Promise((resolve) => {
      // Where others wait, one of them goes on first.
      if (this.waiting.push(resolve) === 1) this.goOn();
    });
  }

  private begin(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.until = this.now() + SLICE_MS;
    setImmediate(() => {
      this.isRunning = false;
      if (this.waiting.length === 0) return;
      this.begin();
      this.goOn();
    });
  }

  /** One goes on, and the next when its part is done: that is a microtask queued before this one's. */
  private goOn(): void {
    if (this.waiting.length === 0 || this.now() >= this.until) return;
    queueMicrotask(() => {
      this.waiting.shift()?.();
      this.goOn();
    });
  }
}

// Decides when what waits is committed: soon, but not before who is about to join has joined, because each commit is a flush.

/** Turns of the event loop to wait at most for others to join. */
const TURNS = 16;
/** ms that a patient one waits for the next, and at most while others keep coming. */
const QUIET_MS = 4;
const PATIENCE_MS = 45;

export class CommitTiming {
  private gathering = false;
  private patience: { readonly timer: NodeJS.Timeout; readonly until: number } | undefined;

  /**
   * @param waiting how many wait to be committed
   * @param commit commits all of them, and calls {@link begun}
   */
  constructor(
    private readonly waiting: () => number,
    private readonly commit: () => void,
  ) {}

  /** Somebody waits for the commit. */
  soon(): void {
    if (!this.gathering) setImmediate(() => this.gather(0, 0));
    this.gathering = true;
  }

  /** Others will follow at once. */
  patiently(): void {
    const now = performance.now();
    if (this.patience === undefined) {
      const timer = setTimeout(() => this.soon(), QUIET_MS);
      this.patience = { timer, until: now + PATIENCE_MS - QUIET_MS };
    } else if (now < this.patience.until) {
      this.patience.timer.refresh();
    }
  }

  /** What waited is being committed, whoever asked for it. */
  begun(): void {
    this.gathering = false;
    clearTimeout(this.patience?.timer);
    this.patience = undefined;
  }

  /** Commits when nobody has joined for a turn: who is answered by a turn of its own, as requests are, shares the flush. */
  private gather(joined: number, turns: number): void {
    const waiting = this.waiting();
    if (waiting > joined && turns < TURNS) setImmediate(() => this.gather(waiting, turns + 1));
    else this.commit();
  }
}

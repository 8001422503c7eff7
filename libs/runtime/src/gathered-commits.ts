// Makes the transactions of a short time one commit: for what the log can rebuild, where each would write the same pages again.

/** A SQLite connection, of which nothing more is needed here. */
export interface Connection {
  readonly isTransaction: boolean;
  exec(text: string): void;
}

/** Until the commit only this connection sees what was written, and a crash takes it all back. */
export class GatheredCommits {
  private timer: NodeJS.Timeout | undefined;
  private inside = false;
  private overdue = false;
  private failure: unknown;

  constructor(
    private readonly db: Connection,
    private readonly ms: number,
  ) {}

  /** Between the begin and the end of a transaction. */
  get isInside(): boolean {
    return this.inside;
  }

  /** @throws what the last commit failed with; all that it held is gone */
  begin(): void {
    this.report();
    if (!this.db.isTransaction) {
      this.db.exec('BEGIN');
      this.timer = setTimeout(() => this.settle(), this.ms).unref();
    }
    this.db.exec('SAVEPOINT gathered');
    this.inside = true;
  }

  commit(): void {
    this.db.exec('RELEASE gathered');
    this.leave();
  }

  rollback(): void {
    // A full disk has ended the whole transaction already.
    if (this.db.isTransaction) this.db.exec('ROLLBACK TO gathered; RELEASE gathered');
    this.leave();
  }

  /**
   * To be called after a write: one that stands alone is committed at once, with all that waits.
   * @throws when that fails
   */
  written(): void {
    if (this.inside) return;
    this.settle();
    this.report();
  }

  /** Commits what waits, or does so at the end of the transaction under way. */
  settle(): void {
    this.overdue = this.inside;
    if (this.inside) return;
    clearTimeout(this.timer);
    if (!this.db.isTransaction) return;
    try {
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      this.failure = error;
    }
  }

  private report(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  private leave(): void {
    this.inside = false;
    if (this.overdue) this.settle();
  }
}

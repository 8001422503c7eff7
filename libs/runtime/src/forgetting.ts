// Removes what was deleted from the tables of a database from its files too, where older states of a page survive the deletion.
import { SqliteAdapter, sql, type Kysely } from 'kysely';
import { EmbeddedAdapter } from './sqlite.js';

/**
 * Empties SQLite's write-ahead log into the file of the database, in which deleted rows are overwritten.
 * PostgreSQL overwrites them when it vacuums; its archived log and all backups keep them as long as they exist.
 * @throws when another connection reads from it for longer than a statement waits: to be called again
 */
export async function forgetDeleted<Db>(db: Kysely<Db>): Promise<void> {
  const { adapter } = db.getExecutor();
  if (!(adapter instanceof SqliteAdapter)) return;
  // Nobody else of this thread begins a transaction meanwhile: it has one connection, and that is taken.
  await db.connection().execute(async (connection) => {
    if (adapter instanceof EmbeddedAdapter) adapter.settle();
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(connection);
    if (rows[0]?.busy === 1) throw new Error('what was deleted is still in the write-ahead log, which is being read');
  });
}

/** ms between a deletion and its being forgotten: those that follow one another cost what one does. */
const REST_MS = 3_000;

export class Forgetting<Db> {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param onError told when it could not be done; it is tried again */
  constructor(
    private readonly db: Kysely<Db>,
    private readonly onError: (error: unknown) => void,
    private readonly restMs = REST_MS,
  ) {}

  /** Something was deleted that nobody may find. */
  soon(): void {
    if (this.stopped) return;
    this.timer ??= setTimeout(() => void this.forget(), this.restMs).unref();
  }

  /** For before the database is closed, which does the same. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async forget(): Promise<void> {
    this.timer = undefined;
    try {
      await forgetDeleted(this.db);
    } catch (error) {
      this.onError(error);
      this.soon();
    }
  }
}

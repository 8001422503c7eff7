// node:sqlite behind Kysely: prepared statements, one connection that is dealt out, commits that are gathered.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteAdapter, SqliteDialect, SqliteDriver, type Driver } from 'kysely';
import { GatheredCommits } from './gathered-commits.js';

export interface DatabaseOptions {
  /** Survive a power cut to the last commit; needed only for what cannot be rebuilt from the log. */
  readonly durable?: boolean;
  /**
   * In SQLite, the transactions of this many ms become one commit: a crash may take back the last of them. No other
   * connection can open the file meanwhile, so that a query asks for no locks. PostgreSQL commits each.
   */
  readonly gatherMs?: number;
  /** What to do when the file is damaged: a sentence. */
  readonly ifDamaged?: string;
}

/** Statements kept prepared per database: more texts than the service has queries. */
const STATEMENTS = 500;

/** Pages (4 KiB) of write-ahead log before they are moved: hot pages are moved once, not with every thousandth. */
const WAL_PAGES = 8_000;
/**
 * Page cache per database; the default of 2 MiB makes every index of a larger directory a read. A commit looks through
 * all of it: only where commits are gathered may it be large.
 */
const CACHE_KIB = 32 * 1024;
const GATHERED_CACHE_KIB = 256 * 1024;

interface Prepared {
  readonly statement: StatementSync;
  /** As the tables are when it is prepared. None: it answers no rows. */
  readonly columns: readonly string[];
  readonly writes: boolean;
}

/** SQLite's codes for a file that is damaged, and for one that is no database. */
const DAMAGED = new Set([11, 26]);

/** SQLite says what is wrong, and not with which file. */
function namingFile(error: unknown, file: string, ifDamaged: string): unknown {
  const { errcode, message } = error as Error & { errcode?: number };
  if (errcode === undefined || !DAMAGED.has(errcode)) return error;
  return new Error(`${file} is damaged (${message}). ${ifDamaged}`, { cause: error });
}

/** The objects that node:sqlite makes are slow to make and slow to read: they are hash tables without a shape. */
function rowOf(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i += 1) row[columns[i] as string] = values[i];
  return row;
}

/**
 * A statement of a transaction that fails takes the whole transaction with it. SQLite would first take back the statement
 * alone, and for that copy every page before it changes: with a savepoint around them, at ever greater length.
 */
const failing = (text: string): string => text.replace(/^(insert|update)\b/i, '$1 or fail');

/** node:sqlite in the form that Kysely's SQLite driver calls; nobody reads rows one by one. */
class PreparedDatabase {
  private readonly db: DatabaseSync;
  private readonly statements = { alone: new Map<string, Prepared>(), inTransaction: new Map<string, Prepared>() };
  readonly gathered: GatheredCommits | undefined;

  /** @throws when the file is no database */
  constructor(
    private readonly file: string,
    private readonly options: DatabaseOptions,
  ) {
    this.db = new DatabaseSync(file);
    try {
      this.configure(options);
    } catch (error) {
      this.db.close();
      throw this.named(error);
    }
    this.gathered = options.gatherMs === undefined ? undefined : new GatheredCommits(this.db, options.gatherMs);
  }

  private configure(options: DatabaseOptions): void {
    // Before the first access: the index of the write-ahead log is then kept in memory too.
    if (options.gatherMs !== undefined) this.db.exec('PRAGMA locking_mode=EXCLUSIVE');
    this.db.exec('PRAGMA journal_mode=WAL; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON');
    // What a savepoint would take back is kept in memory: no file, and nobody's data in one.
    this.db.exec('PRAGMA temp_store=MEMORY');
    this.db.exec(`PRAGMA synchronous=${options.durable === true ? 'FULL' : 'NORMAL'}`);
    const cache = options.gatherMs === undefined ? CACHE_KIB : GATHERED_CACHE_KIB;
    this.db.exec(`PRAGMA wal_autocheckpoint=${WAL_PAGES}; PRAGMA cache_size=-${cache}`);
  }

  prepare(text: string) {
    const { statement, columns, writes } = this.prepared(text);
    const done = <R>(run: (...parameters: never[]) => R, parameters: readonly unknown[]): R => {
      try {
        const result = run.apply(statement, parameters as never[]);
        if (writes) this.gathered?.written();
        return result;
      } catch (error) {
        throw this.named(error);
      }
    };
    return {
      reader: columns.length > 0,
      all(parameters: readonly unknown[]) {
        const rows = done(statement.all, parameters) as unknown as unknown[][];
        return rows.map((values) => rowOf(columns, values));
      },
      run: (parameters: readonly unknown[]) => done(statement.run, parameters),
    };
  }

  private prepared(text: string): Prepared {
    const isAlone = !this.isOccupied;
    const known = isAlone ? this.statements.alone : this.statements.inTransaction;
    const found = known.get(text);
    if (found !== undefined) return found;
    const statement = this.compile(isAlone ? text : failing(text));
    statement.setReturnArrays(true);
    const columns = statement.columns().map(({ name }) => name);
    const made = { statement, columns, writes: !/^\s*select\b/i.test(text) };
    const changesTables = /^\s*(alter|create|drop)\b/i.test(text);
    if (changesTables || known.size >= STATEMENTS) for (const all of Object.values(this.statements)) all.clear();
    if (!changesTables) known.set(text, made);
    return made;
  }

  private compile(text: string): StatementSync {
    try {
      return this.db.prepare(text);
    } catch (error) {
      throw this.named(error);
    }
  }

  private named(error: unknown): unknown {
    return namingFile(error, this.file, this.options.ifDamaged ?? 'Restore it from a backup.');
  }

  /** Somebody has begun a transaction that others must not see into. */
  get isOccupied(): boolean {
    return this.gathered?.isInside ?? this.db.isTransaction;
  }

  close(): void {
    this.gathered?.settle();
    this.db.close();
  }
}

/** By which a statement that is written out finds its database. */
export class EmbeddedAdapter extends SqliteAdapter {
  constructor(private readonly database: PreparedDatabase) {
    super();
  }

  /** There is one; {@link EmbeddedDriver} deals it out. Kysely would wake all who wait for it each time it is free. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  /** Whether a statement would be carried out at the place it belongs to, if it were run now. */
  mayRun(isOfTransaction: boolean): boolean {
    return isOfTransaction || !this.database.isOccupied;
  }

  /** Commits what was gathered. */
  settle(): void {
    this.database.gathered?.settle();
  }

  run(text: string, parameters: readonly unknown[]): unknown[] {
    const statement = this.database.prepare(text);
    if (statement.reader) return statement.all(parameters);
    statement.run(parameters);
    return [];
  }
}

class GatheringDialect extends SqliteDialect {
  constructor(private readonly database: PreparedDatabase) {
    super({ database: database as never });
  }

  override createAdapter(): SqliteAdapter {
    return new EmbeddedAdapter(this.database);
  }

  override createDriver(): Driver {
    const { gathered } = this.database;
    return gathered === undefined ? new EmbeddedDriver(this.database) : new GatheringDriver(this.database, gathered);
  }
}

/** Whoever waits for the connection gets it in the order of asking. */
class EmbeddedDriver extends SqliteDriver {
  private readonly waiting: (() => void)[] = [];
  private isTaken = false;

  constructor(database: PreparedDatabase) {
    super({ database: database as never });
  }

  override async acquireConnection(): ReturnType<SqliteDriver['acquireConnection']> {
    if (this.isTaken) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.isTaken = true;
    return super.acquireConnection();
  }

  override async releaseConnection(): Promise<void> {
    const next = this.waiting.shift();
    if (next === undefined) this.isTaken = false;
    else next();
  }
}

class GatheringDriver extends EmbeddedDriver {
  constructor(
    database: PreparedDatabase,
    private readonly gathered: GatheredCommits,
  ) {
    super(database);
  }

  override async beginTransaction(): Promise<void> {
    this.gathered.begin();
  }

  override async commitTransaction(): Promise<void> {
    this.gathered.commit();
  }

  override async rollbackTransaction(): Promise<void> {
    this.gathered.rollback();
  }
}

/** A SQLite database; `:memory:` for one that lives with the process. Integers come as numbers, blobs as Uint8Array. */
export function openSqlite<Db>(file: string, options: DatabaseOptions = {}): Kysely<Db> {
  return new Kysely<Db>({ dialect: new GatheringDialect(new PreparedDatabase(file, options)) });
}

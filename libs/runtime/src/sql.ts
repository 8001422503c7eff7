// Opens the databases of the read models: SQLite or PostgreSQL, behind the same Kysely.
import { Kysely, PostgresAdapter, PostgresDialect, sql } from 'kysely';
import { Pool, types } from 'pg';
import { databaseReason } from './postgres-errors.js';
import { openSqlite, type DatabaseOptions } from './sqlite.js';

/**
 * A schema of a PostgreSQL database, created when missing. bigint columns come as numbers.
 * @throws with a sentence that names DATABASE_URL
 */
export async function openPostgres<Db>(
  url: string,
  schema: string,
  options: DatabaseOptions = {},
): Promise<Kysely<Db>> {
  // A server may be set up to answer before a commit is on its disk; what cannot be rebuilt must not be lost so.
  const durably = options.durable === true ? ' -c synchronous_commit=on' : '';
  const pool = new Pool({
    connectionString: url,
    max: 10,
    options: `-c search_path=${schema}${durably}`,
    types: {
      getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
    },
  });
  // Without a listener a connection lost while idle would end the process; the next query reports it.
  pool.on('error', () => undefined);
  const db = new Kysely<Db>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrateAlone(db, async (trx) => {
      await sql`create schema if not exists ${sql.id(schema)}`.execute(trx);
    });
  } catch (error) {
    await db.destroy();
    const text = `The PostgreSQL database of DATABASE_URL cannot be opened: ${databaseReason(error)}. Start it, or mend DATABASE_URL.`;
    throw new Error(text, { cause: error });
  }
  return db;
}

/** Any number, as long as it is the same in every process. */
const MIGRATION_LOCK = 5_417_936;

/**
 * Runs a migration so that processes which start together do not meet in it: of two CREATE ... IF NOT EXISTS at once
 * PostgreSQL fails one. There it is one transaction; SQLite waits by itself, statement by statement.
 */
export async function migrateAlone<Db>(db: Kysely<Db>, migrate: (db: Kysely<Db>) => Promise<void>): Promise<void> {
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return migrate(db);
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(trx);
    await migrate(trx);
  });
}

export interface DatabaseLocation {
  /** `postgres://...`; SQLite in `file` when absent. */
  readonly url?: string | undefined;
  readonly file: string;
  /** PostgreSQL schema: each room has its own. */
  readonly schema: string;
}

export const openDatabase = async <Db>(
  { url, file, schema }: DatabaseLocation,
  options?: DatabaseOptions,
): Promise<Kysely<Db>> => (url === undefined ? openSqlite<Db>(file, options) : openPostgres<Db>(url, schema, options));

// Creates the tables of a read model from a description that both dialects understand.
import { SqliteAdapter, sql, type Kysely } from 'kysely';

export interface Table {
  /** A `?` after the type: the column may be null. */
  readonly columns: Readonly<Record<string, 'text' | 'integer' | 'bigint' | 'text?' | 'bigint?'>>;
  readonly key: readonly string[];
}

export type Index = readonly [name: string, table: string, columns: readonly string[]];

/** 0 or 1: portable between SQLite and PostgreSQL. */
export type Flag = number;

/** Asked of the catalog: on PostgreSQL a query that fails would end the transaction that a migration is. */
export async function hasTable<Db>(db: Kysely<Db>, name: string): Promise<boolean> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  const found = isSqlite
    ? await sql`select 1 from sqlite_master where type = 'table' and name = ${name}`.execute(db)
    : await sql`select 1 where to_regclass(${name}) is not null`.execute(db);
  return found.rows.length > 0;
}

/** Creates what is missing; safe to call at every start. */
export async function createTables<Db>(
  db: Kysely<Db>,
  tables: Readonly<Record<string, Table>>,
  indexes: readonly Index[] = [],
): Promise<void> {
  for (const [name, { columns, key }] of Object.entries(tables)) {
    let table = db.schema.createTable(name).ifNotExists();
    for (const [column, type] of Object.entries(columns)) {
      const optional = type.endsWith('?');
      const sqlType = type.replace('?', '') as 'text' | 'integer' | 'bigint';
      table = table.addColumn(column, sqlType, (c) => (optional ? c : c.notNull()));
    }
    await table.addPrimaryKeyConstraint(`${name}_pk`, key as never[]).execute();
  }
  for (const [name, table, columns] of indexes) {
    await db.schema
      .createIndex(name)
      .ifNotExists()
      .on(table)
      .columns([...columns])
      .execute();
  }
}

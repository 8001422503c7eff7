// Creates the tables of a read model from a description that both dialects understand.
import { SqliteAdapter, sql, type Kysely } from 'kysely';

export interface Table {
  /** A `?` after the type: the column may be null. */
  readonly columns: Readonly<Record<string, Type | `${Type}?`>>;
  readonly key: readonly string[];
  /** In SQLite, the rows lie in the index of the key, not in a second tree beside it: for rows of up to 200 bytes. */
  readonly inKey?: boolean;
}

type Type = 'text' | 'integer' | 'bigint' | 'bytea';

/** `where`: the condition of the rows it holds; only a query that asks for no others uses it. */
export type Index = readonly [name: string, table: string, columns: readonly string[], where?: string];

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

/** Asked of the catalog, as above; false also when there is no such table. */
export async function hasColumn<Db>(db: Kysely<Db>, table: string, column: string): Promise<boolean> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  const found = isSqlite
    ? await sql`select 1 from pragma_table_info(${table}) where name = ${column}`.execute(db)
    : await sql`select 1 from pg_attribute
        where attrelid = to_regclass(${table}) and attname = ${column} and not attisdropped`.execute(db);
  return found.rows.length > 0;
}

/** Drops what is there of these tables. */
export async function dropTables<Db>(db: Kysely<Db>, names: readonly string[]): Promise<void> {
  for (const name of names) await db.schema.dropTable(name).ifExists().execute();
}

/** Creates what is missing; safe to call at every start. */
export async function createTables<Db>(
  db: Kysely<Db>,
  tables: Readonly<Record<string, Table>>,
  indexes: readonly Index[] = [],
): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  for (const [name, { columns, key, inKey = false }] of Object.entries(tables)) {
    let table = db.schema.createTable(name).ifNotExists();
    for (const [column, type] of Object.entries(columns)) {
      const optional = type.endsWith('?');
      const sqlType = type.replace('?', '') as Type;
      table = table.addColumn(column, sqlType, (c) => (optional ? c : c.notNull()));
    }
    if (inKey && isSqlite) table = table.modifyEnd(sql`without rowid`);
    await table.addPrimaryKeyConstraint(`${name}_pk`, key as never[]).execute();
  }
  for (const [name, table, columns, where] of indexes) {
    const index = db.schema
      .createIndex(name)
      .ifNotExists()
      .on(table)
      .columns([...columns]);
    await (where === undefined ? index : index.where(sql<boolean>`${sql.raw(where)}`)).execute();
  }
}

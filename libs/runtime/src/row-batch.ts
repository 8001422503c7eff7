// Reads and writes the rows that a batch of events touches in a few statements, however many events there are.
import type { Kysely } from 'kysely';
import { idLists, marks, rowGroups, run } from './statement.js';

type Name<Db> = keyof Db & string;
type Column<Db, T extends Name<Db>> = keyof Db[T] & string;

const list = <I>(items: readonly I[], each: (item: I) => string): string => items.map(each).join(', ');

const columnsOf = <Db, T extends Name<Db>>([first]: readonly Db[T][]): Column<Db, T>[] =>
  Object.keys(first ?? {}) as Column<Db, T>[];

/** The rows of one tenant whose `column` is one of `values`. */
export async function rowsIn<Db, T extends Name<Db>>(
  db: Kysely<Db>,
  table: T,
  tenant: string,
  column: Column<Db, T>,
  values: Iterable<string>,
): Promise<Db[T][]> {
  const rows: Db[T][] = [];
  for (const chunk of idLists(values)) {
    const text = `select * from "${table}" where tenant = ? and ${column} in (${marks(chunk)})`;
    rows.push(...(await run<Db[T]>(db, text, [tenant, ...chunk])));
  }
  return rows;
}

/** Inserts the rows. @param orElse what to do with one whose key is there: by default the statement fails */
export async function insertRows<Db, T extends Name<Db>>(
  db: Kysely<Db>,
  table: T,
  rows: readonly Db[T][],
  orElse: '' | `on conflict ${string}` = '',
): Promise<void> {
  for (const chunk of rowGroups(rows)) {
    const columns = columnsOf<Db, T>(chunk);
    const row = `(${marks(columns)})`;
    const text = `insert into "${table}" (${columns.join(', ')}) values ${list(chunk, () => row)} ${orElse}`;
    await run(
      db,
      text,
      chunk.flatMap((one) => columns.map((column) => one[column])),
    );
  }
}

/** Inserts the rows, or replaces `replaced` (default: all other columns) of those with the same key. */
export async function putRows<Db, T extends Name<Db>>(
  db: Kysely<Db>,
  table: T,
  key: readonly Column<Db, T>[],
  rows: readonly Db[T][],
  replaced: readonly Column<Db, T>[] = columnsOf<Db, T>(rows).filter((column) => !key.includes(column)),
): Promise<void> {
  const update = `update set ${list(replaced, (column) => `${column} = excluded.${column}`)}`;
  const orElse = replaced.length === 0 ? 'nothing' : update;
  await insertRows(db, table, rows, `on conflict (${key.join(', ')}) do ${orElse}`);
}

/** Changes some columns of rows that exist: what no index holds is changed without touching the indexes. */
export async function patchRows<Db, T extends Name<Db>>(
  db: Kysely<Db>,
  table: T,
  where: { readonly tenant: string; readonly id: Column<Db, T> },
  changed: Readonly<Partial<Record<Column<Db, T>, 'text' | 'integer'>>>,
  rows: readonly Db[T][],
): Promise<void> {
  const columns = Object.keys(changed) as Column<Db, T>[];
  const casts = columns.map((column) => `cast(? as ${changed[column]})`);
  const row = `(cast(? as text), ${casts.join(', ')})`;
  const set = columns.map((column, i) => `${column} = v.column${i + 2}`).join(', ');
  for (const chunk of rowGroups(rows)) {
    const text = `update "${table}" set ${set} from (values ${list(chunk, () => row)}) as v
      where "${table}".tenant = ? and "${table}".${where.id} = v.column1`;
    const values = chunk.flatMap((one) => [one[where.id], ...columns.map((column) => one[column])]);
    await run(db, text, [...values, where.tenant]);
  }
}

/** Deletes the rows of one tenant whose `column` is one of `values`, and whose other columns are as in `where`. */
export async function deleteRowsIn<Db, T extends Name<Db>>(
  db: Kysely<Db>,
  table: T,
  where: { readonly tenant: string } & Partial<Db[T]>,
  column: Column<Db, T>,
  values: Iterable<string>,
): Promise<void> {
  const conditions = Object.keys(where).map((name) => `${name} = ?`);
  for (const chunk of idLists(values)) {
    const text = `delete from "${table}" where ${conditions.join(' and ')} and ${column} in (${marks(chunk)})`;
    await run(db, text, [...Object.values(where), ...chunk]);
  }
}

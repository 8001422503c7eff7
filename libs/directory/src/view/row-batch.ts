// Reads and writes the rows that a batch of events touches in a few statements, however many events there are.
import { idLists, marks, rowGroups, run } from '@app/runtime';
import type { DirectoryDb, Trx } from '../directory-db.js';

type Table = keyof DirectoryDb;
type Column<T extends Table> = keyof DirectoryDb[T] & string;

const list = <I>(items: readonly I[], each: (item: I) => string): string => items.map(each).join(', ');

/** The rows of one tenant whose `column` is one of `values`. */
export async function rowsIn<T extends Table>(
  db: Trx,
  table: T,
  tenant: string,
  column: Column<T>,
  values: Iterable<string>,
): Promise<DirectoryDb[T][]> {
  const rows: DirectoryDb[T][] = [];
  for (const chunk of idLists(values)) {
    const text = `select * from "${table}" where tenant = ? and ${column} in (${marks(chunk)})`;
    rows.push(...(await run<DirectoryDb[T]>(db, text, [tenant, ...chunk])));
  }
  return rows;
}

/** Inserts the rows, or replaces those with the same key. */
export async function putRows<T extends Table>(
  db: Trx,
  table: T,
  key: readonly Column<T>[],
  rows: readonly DirectoryDb[T][],
): Promise<void> {
  for (const chunk of rowGroups(rows)) {
    const columns = Object.keys(chunk[0] as object) as Column<T>[];
    const others = columns.filter((column) => !key.includes(column));
    const row = `(${marks(columns)})`;
    const update = `update set ${list(others, (column) => `${column} = excluded.${column}`)}`;
    const text = `insert into "${table}" (${columns.join(', ')}) values ${list(chunk, () => row)}
      on conflict (${key.join(', ')}) do ${others.length === 0 ? 'nothing' : update}`;
    await run(
      db,
      text,
      chunk.flatMap((one) => columns.map((column) => one[column])),
    );
  }
}

/** Changes some columns of rows that exist: what no index holds is changed without touching the indexes. */
export async function patchRows<T extends Table>(
  db: Trx,
  table: T,
  where: { readonly tenant: string; readonly id: Column<T> },
  changed: Readonly<Partial<Record<Column<T>, 'text' | 'integer'>>>,
  rows: readonly DirectoryDb[T][],
): Promise<void> {
  const columns = Object.keys(changed) as Column<T>[];
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
export async function deleteRowsIn<T extends Table>(
  db: Trx,
  table: T,
  where: { readonly tenant: string } & Partial<DirectoryDb[T]>,
  column: Column<T>,
  values: Iterable<string>,
): Promise<void> {
  const conditions = Object.keys(where).map((name) => `${name} = ?`);
  for (const chunk of idLists(values)) {
    const text = `delete from "${table}" where ${conditions.join(' and ')} and ${column} in (${marks(chunk)})`;
    await run(db, text, [...Object.values(where), ...chunk]);
  }
}

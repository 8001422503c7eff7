// Reads and writes the rows that a batch of events touches in a few statements, however many events there are.
import { sql } from 'kysely';
import type { DirectoryDb, Trx } from '../directory-db.js';

/** The most ids or rows in one statement. */
const CHUNK = 512;

/**
 * Ids in lists of at most {@link CHUNK}, each filled up to a power of two by repeating its last id, so that ten prepared
 * statements serve every number of ids.
 */
export function* idLists(ids: Iterable<string>): Generator<string[]> {
  const all = [...ids];
  for (let start = 0; start < all.length; start += CHUNK) {
    const list = all.slice(start, start + CHUNK);
    const size = 2 ** Math.ceil(Math.log2(list.length));
    yield [...list, ...Array<string>(size - list.length).fill(list.at(-1) as string)];
  }
}

/** Rows in groups whose sizes are powers of two, for the same reason; none is repeated. */
function* rowGroups<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length;) {
    const size = Math.min(CHUNK, 2 ** Math.floor(Math.log2(rows.length - start)));
    yield rows.slice(start, start + size);
    start += size;
  }
}

type Table = keyof DirectoryDb;
type Column<T extends Table> = keyof DirectoryDb[T] & string;

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
    const found = await sql<DirectoryDb[T]>`select * from ${sql.table(table)}
      where tenant = ${tenant} and ${sql.ref(column)} in (${sql.join(chunk)})`.execute(db);
    rows.push(...found.rows);
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
    const values = chunk.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`);
    const changes = others.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`);
    await sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
      values ${sql.join(values)}
      on conflict (${sql.join(key.map((column) => sql.ref(column)))}) do update set ${sql.join(changes)}`.execute(db);
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
  const conditions = Object.entries(where).map(([name, value]) => sql`${sql.ref(name)} = ${value}`);
  for (const chunk of idLists(values)) {
    await sql`delete from ${sql.table(table)}
      where ${sql.join(conditions, sql` and `)} and ${sql.ref(column)} in (${sql.join(chunk)})`.execute(db);
  }
}

/** What a batch does to the pairs of one kind, e.g. who is in which group: the last word counts. */
export class PairChanges {
  private readonly changes = new Map<string, Map<string, string | undefined>>();

  set(left: string, right: string, type: string | undefined): void {
    let pairs = this.changes.get(left);
    if (pairs === undefined) this.changes.set(left, (pairs = new Map()));
    pairs.set(right, type);
  }

  forget(left: string): void {
    this.changes.delete(left);
  }

  /** @yields for each left side its new right sides with their types, and those that are gone */
  *byLeft(): Generator<{ left: string; added: [right: string, type: string][]; removed: string[] }> {
    for (const [left, pairs] of this.changes) {
      const added: [string, string][] = [];
      const removed: string[] = [];
      for (const [right, type] of pairs) {
        if (type === undefined) removed.push(right);
        else added.push([right, type]);
      }
      yield { left, added, removed };
    }
  }
}

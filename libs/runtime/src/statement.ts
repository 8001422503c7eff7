// Runs statements that are written out with `?` for parameters: having them composed costs more than running them.
import { CompiledQuery, type Kysely } from 'kysely';
import { EmbeddedAdapter } from './sqlite.js';

const numbered = new Map<string, string>();

/** PostgreSQL numbers its parameters. */
function inPostgres(text: string): string {
  let known = numbered.get(text);
  if (known === undefined) {
    let count = 0;
    known = text.replace(/\?/g, () => `$${(count += 1)}`);
    numbered.set(text, known);
  }
  return known;
}

type Statements = Pick<Kysely<unknown>, 'executeQuery' | 'getExecutor' | 'isTransaction'>;

/**
 * On SQLite a statement is a call, and is made at once unless it would end up in a transaction of somebody else.
 * @param text of the code alone, never of what a client sent
 */
export async function run<R>(db: Statements, text: string, parameters: readonly unknown[]): Promise<R[]> {
  const { adapter } = db.getExecutor();
  if (!(adapter instanceof EmbeddedAdapter)) return runWith<R>(db, inPostgres(text), parameters);
  return adapter.mayRun(db.isTransaction) ? (adapter.run(text, parameters) as R[]) : runWith<R>(db, text, parameters);
}

async function runWith<R>(db: Statements, text: string, parameters: readonly unknown[]): Promise<R[]> {
  return (await db.executeQuery<R>(CompiledQuery.raw(text, [...parameters]))).rows;
}

/** A mark for each of the items. */
export const marks = (items: readonly unknown[]): string => items.map(() => '?').join(', ');

/** The most ids or rows in one statement. */
export const ROWS_PER_STATEMENT = 512;

/**
 * Ids in lists of at most {@link ROWS_PER_STATEMENT}, each filled up to a power of two by repeating its last id, so that
 * ten prepared statements serve every number of ids.
 */
export function* idLists(ids: Iterable<string>): Generator<string[]> {
  const all = [...ids];
  for (let start = 0; start < all.length; start += ROWS_PER_STATEMENT) {
    const list = all.slice(start, start + ROWS_PER_STATEMENT);
    const size = 2 ** Math.ceil(Math.log2(list.length));
    yield [...list, ...Array<string>(size - list.length).fill(list.at(-1) as string)];
  }
}

/** Rows in groups whose sizes are powers of two, for the same reason; none is repeated. */
export function* rowGroups<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let start = 0; start < rows.length;) {
    const size = Math.min(ROWS_PER_STATEMENT, 2 ** Math.floor(Math.log2(rows.length - start)));
    yield rows.slice(start, start + size);
    start += size;
  }
}

/** Cuts a long list, so that a statement stays below the parameter limits of both dialects. @param size default 500 */
export function* chunksOf<T>(items: readonly T[], size = 500): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

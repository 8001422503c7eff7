// A shelf over the rows of one table: every question is answered by an index.
import type { Kysely } from 'kysely';
import type { DirectoryDb } from '../directory-db.js';
import type { IndexedEquality, Placed } from '../directory.queries.js';
import type { Shelf } from './listing.js';
import { run } from './statement.js';

type Listable = 'users' | 'groups' | 'agents' | 'applications';

/** SQL with `?` for each of the parameters. */
export interface Condition {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

export interface SqlShelfParts<T extends Listable, R extends Placed> {
  readonly db: Kysely<DirectoryDb>;
  readonly table: T;
  readonly tenant: string;
  /** The condition that an index answers; undefined when nothing of this kind can be equal. */
  readonly equality: (equality: IndexedEquality) => Condition | undefined;
  /** Makes resources of rows, in their order. */
  readonly present: (rows: readonly DirectoryDb[T][]) => Promise<R[]>;
}

export class SqlShelf<T extends Listable, R extends Placed> implements Shelf<R> {
  constructor(private readonly parts: SqlShelfParts<T, R>) {}

  async count(): Promise<number> {
    const { db, table, tenant } = this.parts;
    const [counted] = await run<{ n: number }>(db, `select count(*) as n from "${table}" where tenant = ?`, [tenant]);
    return Number(counted?.n ?? 0);
  }

  async slice(offset: number, limit: number): Promise<R[]> {
    return this.parts.present(await this.rows('', ' order by seq limit ? offset ?', [limit, offset]));
  }

  /** Sorted here: asked for an order, SQLite prefers the index of the order to that of the condition. */
  async equal(equality: IndexedEquality): Promise<R[]> {
    const condition = this.parts.equality(equality);
    if (condition === undefined) return [];
    const rows = await this.rows(` and ${condition.text}`, '', condition.parameters);
    return this.parts.present(rows.length > 1 ? rows.sort((a, b) => a.seq - b.seq) : rows);
  }

  async page(
    from: number,
    size: number,
    direction: 'after' | 'before' = 'after',
  ): Promise<{ items: R[]; next: number | undefined }> {
    const [condition, order] = direction === 'after' ? ['>', 'asc'] : ['<', 'desc'];
    const rows = await this.rows(` and seq ${condition} ?`, ` order by seq ${order} limit ?`, [from, size]);
    const items = await this.parts.present(rows);
    return { items, next: rows.length < size ? undefined : Number(rows.at(-1)?.seq) };
  }

  private rows(condition: string, window: string, parameters: readonly unknown[]): Promise<DirectoryDb[T][]> {
    const { db, table, tenant } = this.parts;
    return run(db, `select * from "${table}" where tenant = ?${condition}${window}`, [tenant, ...parameters]);
  }
}

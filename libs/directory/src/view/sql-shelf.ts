// A shelf over the rows of one table: every question is answered by an index.
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { DirectoryDb } from '../directory-db.js';
import type { IndexedEquality } from '../directory.queries.js';
import type { Shelf } from './listing.js';

type Listable = 'users' | 'groups' | 'agents';

export interface SqlShelfParts<T extends Listable, R> {
  readonly db: Kysely<DirectoryDb>;
  readonly table: T;
  readonly tenant: string;
  /** The condition that an index answers; undefined when nothing of this kind can be equal. */
  readonly equality: (equality: IndexedEquality) => RawBuilder<unknown> | undefined;
  /** Makes resources of rows, in their order. */
  readonly present: (rows: readonly DirectoryDb[T][]) => Promise<R[]>;
}

export class SqlShelf<T extends Listable, R> implements Shelf<R> {
  constructor(private readonly parts: SqlShelfParts<T, R>) {}

  async count(): Promise<number> {
    const { db, table, tenant } = this.parts;
    const counted = await sql<{
      n: number;
    }>`select count(*) as n from ${sql.table(table)} where tenant = ${tenant}`.execute(db);
    return Number(counted.rows[0]?.n ?? 0);
  }

  async slice(offset: number, limit: number): Promise<R[]> {
    return this.parts.present(await this.rows(sql`true order by seq limit ${limit} offset ${offset}`));
  }

  /** Sorted here: asked for an order, SQLite prefers the index of the order to that of the condition. */
  async equal(equality: IndexedEquality): Promise<R[]> {
    const condition = this.parts.equality(equality);
    if (condition === undefined) return [];
    const rows = await this.rows(condition);
    return this.parts.present(rows.length > 1 ? rows.sort((a, b) => a.seq - b.seq) : rows);
  }

  async page(after: number, size: number): Promise<{ items: R[]; next: number | undefined }> {
    const rows = await this.rows(sql`seq > ${after} order by seq limit ${size}`);
    const items = await this.parts.present(rows);
    return { items, next: rows.length < size ? undefined : Number(rows.at(-1)?.seq) };
  }

  private async rows(rest: RawBuilder<unknown>): Promise<DirectoryDb[T][]> {
    const { db, table, tenant } = this.parts;
    const found = await sql<
      DirectoryDb[T]
    >`select * from ${sql.table(table)} where tenant = ${tenant} and ${rest}`.execute(db);
    return found.rows;
  }
}

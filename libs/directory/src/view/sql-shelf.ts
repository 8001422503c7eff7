// A shelf over the rows of one table: every question is answered by an index.
import { run } from '@app/runtime';
import { foldCase } from '@app/scim';
import type { Kysely } from 'kysely';
import type { DirectoryDb } from '../directory-db.js';
import type { IndexedEquality, Placed } from '../directory.queries.js';
import { isWithin, type Scope } from '../scope.js';
import type { Shelf } from './listing.js';

type Listable = 'users' | 'groups' | 'agents' | 'applications' | 'resources';

/** SQL with `?` for each of the parameters. */
export interface Condition {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/**
 * How a table answers equality on what all of its resources have.
 * @param id the column of the id
 * @param name the column of the folded userName, or of what stands for it
 */
export const equalityOn =
  (id: string, name: string) =>
  ({ attribute, value }: IndexedEquality): Condition | undefined => {
    switch (attribute) {
      case 'id':
        return { text: `${id} = ?`, parameters: [value] };
      case 'userName':
        return { text: `${name} = ?`, parameters: [foldCase(value)] };
      case 'displayName':
        return { text: 'display_name_ci = ?', parameters: [foldCase(value)] };
      case 'externalId':
        return { text: 'external_id = ?', parameters: [value] };
      case 'members':
        return undefined;
    }
  };

export interface SqlShelfParts<T extends Listable, R extends Placed> {
  readonly db: Kysely<DirectoryDb>;
  readonly table: T;
  readonly scope: Scope;
  /** Which rows of the table; all when absent. */
  readonly kind?: Condition;
  /** The condition that an index answers; undefined when nothing of this kind can be equal. */
  readonly equality: (equality: IndexedEquality) => Condition | undefined;
  /** Makes resources of rows, in their order. */
  readonly present: (rows: readonly DirectoryDb[T][]) => Promise<R[]>;
}

type Scoped = Pick<DirectoryDb[Listable], 'connection_id' | 'seq'>;

export class SqlShelf<T extends Listable, R extends Placed> implements Shelf<R> {
  constructor(private readonly parts: SqlShelfParts<T, R>) {}

  async count(): Promise<number> {
    const { text, parameters } = this.within();
    const [counted] = await run<{ n: number }>(
      this.parts.db,
      `select count(*) as n from "${this.parts.table}" where ${text}`,
      parameters,
    );
    return Number(counted?.n ?? 0);
  }

  async slice(offset: number, limit: number): Promise<R[]> {
    const rows = await this.rows(this.within(), ' order by seq limit ? offset ?', [limit, offset]);
    return this.parts.present(rows);
  }

  async equal(equality: IndexedEquality): Promise<R[]> {
    return this.parts.present(await this.equalRows<DirectoryDb[T]>('*', equality));
  }

  /** @param column of the id */
  async idsOf<C extends string>(column: C, equality: IndexedEquality): Promise<string[]> {
    const rows = await this.equalRows<Record<C, string> & Scoped>(`${column}, connection_id, seq`, equality);
    return rows.map((row) => row[column]);
  }

  /**
   * Sorted and narrowed to the connection here: asked for an order or a connection, SQLite may prefer their index to that
   * of the condition, which finds few.
   */
  private async equalRows<Row extends Scoped>(columns: string, equality: IndexedEquality): Promise<Row[]> {
    const condition = this.parts.equality(equality);
    if (condition === undefined) return [];
    const { scope } = this.parts;
    const { text, parameters } = condition;
    const found = await this.rows<Row>(this.ofKind(ofTenant(scope)), ` and ${text}`, parameters, columns);
    const rows = found.filter((row) => isWithin(scope, row.connection_id));
    return rows.length > 1 ? rows.sort((a, b) => a.seq - b.seq) : rows;
  }

  async page(
    from: number,
    size: number,
    direction: 'after' | 'before' = 'after',
  ): Promise<{ items: R[]; next: number | undefined }> {
    const [condition, order] = direction === 'after' ? ['>', 'asc'] : ['<', 'desc'];
    const window = ` and seq ${condition} ? order by seq ${order} limit ?`;
    const rows = await this.rows(this.within(), window, [from, size]);
    const items = await this.parts.present(rows);
    return { items, next: rows.length < size ? undefined : Number(rows.at(-1)?.seq) };
  }

  private within(): Condition {
    const { scope } = this.parts;
    if (scope.connection === undefined) return this.ofKind(ofTenant(scope));
    return this.ofKind({ text: 'tenant = ? and connection_id = ?', parameters: [scope.tenant, scope.connection] });
  }

  private ofKind(of: Condition): Condition {
    const { kind } = this.parts;
    if (kind === undefined) return of;
    return { text: `${of.text} and ${kind.text}`, parameters: [...of.parameters, ...kind.parameters] };
  }

  private rows<Row = DirectoryDb[T]>(
    of: Condition,
    rest: string,
    parameters: readonly unknown[],
    columns = '*',
  ): Promise<Row[]> {
    const { db, table } = this.parts;
    return run<Row>(db, `select ${columns} from "${table}" where ${of.text}${rest}`, [...of.parameters, ...parameters]);
  }
}

const ofTenant = ({ tenant }: Scope): Condition => ({ text: 'tenant = ?', parameters: [tenant] });

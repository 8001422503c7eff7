// Counts, per connection, the deviations from the RFCs that were accepted: what an operator is shown about a client.
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { TrafficDb } from './traffic-db.js';
import { WriteBehind } from './write-behind.js';

type Counts = Map<
  string,
  { readonly tenant: string; readonly connection: string; readonly quirk: string; count: number }
>;

/** What all processes count is added up in the database. */
export class QuirkCounts {
  /** Not written yet; connections are few and quirks are a closed list, so this stays small. */
  private pending: Counts = new Map();
  private readonly behind = new WriteBehind(() => this.write());

  constructor(private readonly db: Kysely<TrafficDb>) {}

  /** Written within a second. */
  add(tenant: string, connection: string, quirks: Readonly<Record<string, number>>): void {
    for (const quirk in quirks) this.addOne(tenant, connection, quirk, quirks[quirk] as number);
  }

  /** How often each quirk of `quirkSentences` was met; empty for a connection that keeps to the RFCs. */
  async of(tenant: string, connection: string): Promise<Readonly<Record<string, number>>> {
    await this.behind.flush();
    const rows = await this.db
      .selectFrom('quirk_counts')
      .select(['quirk', 'count'])
      .where('tenant', '=', tenant)
      .where('connection_id', '=', connection)
      .execute();
    return Object.fromEntries(rows.map(({ quirk, count }) => [quirk, count]));
  }

  /** Writes what is left. */
  close(): Promise<void> {
    return this.behind.flush();
  }

  private addOne(tenant: string, connection: string, quirk: string, count: number): void {
    const key = `${tenant} ${connection} ${quirk}`;
    const counted = this.pending.get(key);
    if (counted === undefined) this.pending.set(key, { tenant, connection, quirk, count });
    else counted.count += count;
    this.behind.soon();
  }

  private async write(): Promise<void> {
    const { pending } = this;
    if (pending.size === 0) return;
    this.pending = new Map();
    // In one order everywhere: two processes that add up the same rows must not wait for one another in a circle.
    const counted = [...pending].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
    const values = counted.map(({ connection, ...row }) => ({ ...row, connection_id: connection }));
    try {
      await this.db
        .insertInto('quirk_counts')
        .values(values)
        .onConflict((c) =>
          c.columns(['tenant', 'connection_id', 'quirk']).doUpdateSet({
            count: sql<number>`quirk_counts.count + excluded.count`,
          }),
        )
        .execute();
    } catch (error) {
      for (const { tenant, connection, quirk, count } of pending.values()) {
        this.addOne(tenant, connection, quirk, count);
      }
      throw error;
    }
  }
}

// Keeps the last requests of each connection, for whoever has to find out what an identity provider does.
import { rowGroups, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { TrafficDb } from './traffic-db.js';
import { WriteBehind } from './write-behind.js';

/** What is known of a request and its answer. Never bodies, query strings, tokens or values of attributes. */
export interface Exchange {
  /** When it arrived, ms since the epoch. */
  readonly at: number;
  readonly method: string;
  /** As it is declared, such as `/scim/v2/Users/:id`; undefined when there is no such route. */
  readonly route: string | undefined;
  /** As it stood in the path, or of what was created; kept only if it has the form of our own ids. */
  readonly resourceId: string | undefined;
  readonly status: number;
  readonly scimType: string | undefined;
  readonly durationMs: number;
  /** The quirks that were met, with how often. */
  readonly quirks: Readonly<Record<string, number>> | undefined;
  readonly requestId: string;
}

/** Of each connection. */
const KEPT = 500;

/** The form of the ids that this service makes: whatever else stood in a path may be a name or an address. */
const OURS = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What was not written yet; the oldest gives way. */
interface Ring {
  kept: Exchange[];
  /** Where the next one goes, once it is full. */
  next: number;
}

function put(ring: Ring, exchange: Exchange): void {
  if (ring.kept.length < KEPT) {
    ring.kept.push(exchange);
    return;
  }
  ring.kept[ring.next] = exchange;
  ring.next = (ring.next + 1) % KEPT;
}

const oldestFirst = ({ kept, next }: Ring): Exchange[] => [...kept.slice(next), ...kept.slice(0, next)];

export class ExchangeLog {
  /** By connection. */
  private pending = new Map<string, Ring>();
  private written = 0;
  private readonly behind = new WriteBehind(() => this.write());

  constructor(private readonly db: Kysely<TrafficDb>) {}

  /** Costs a place in an array; written within a second. */
  add(connection: string, exchange: Exchange): void {
    let ring = this.pending.get(connection);
    if (ring === undefined) this.pending.set(connection, (ring = { kept: [], next: 0 }));
    put(ring, exchange);
    this.behind.soon();
  }

  /** The newest first; those of other processes as far as they have been written. */
  async of(connection: string): Promise<Exchange[]> {
    await this.behind.flush();
    const text = 'select exchange from exchanges where connection_id = ? order by at desc, n desc limit ?';
    const rows = await run<{ exchange: string }>(this.db, text, [connection, KEPT]);
    return rows.map((row) => JSON.parse(row.exchange) as Exchange);
  }

  /** Writes what is left. */
  close(): Promise<void> {
    return this.behind.flush();
  }

  private async write(): Promise<void> {
    const { pending } = this;
    this.pending = new Map();
    try {
      for (const [connection, ring] of pending) {
        await this.insert(connection, oldestFirst(ring));
        pending.delete(connection);
      }
    } catch (error) {
      this.takeBack(pending);
      throw error;
    }
  }

  /** What was written in part is written again: the ids of the requests say what is there. */
  private async insert(connection: string, exchanges: readonly Exchange[]): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      for (const group of rowGroups(exchanges)) {
        const rows = group.map(() => '(?, ?, ?, ?, ?)').join(', ');
        const text = `insert into exchanges (connection_id, request_id, at, n, exchange) values ${rows} on conflict do nothing`;
        const row = ({ requestId, at, ...exchange }: Exchange) => {
          const resourceId = OURS.test(exchange.resourceId ?? '') ? exchange.resourceId : undefined;
          const kept = JSON.stringify({ requestId, at, ...exchange, resourceId });
          return [connection, requestId, at, (this.written += 1), kept];
        };
        await run(trx, text, group.flatMap(row));
      }
      const oldest = 'select at from exchanges where connection_id = ? order by at desc, n desc limit 1 offset ?';
      const text = `delete from exchanges where connection_id = ? and at < (${oldest})`;
      await run(trx, text, [connection, connection, KEPT - 1]);
    });
  }

  private takeBack(unwritten: ReadonlyMap<string, Ring>): void {
    for (const [connection, ring] of unwritten) {
      for (const newer of oldestFirst(this.pending.get(connection) ?? { kept: [], next: 0 })) put(ring, newer);
      this.pending.set(connection, ring);
    }
  }
}

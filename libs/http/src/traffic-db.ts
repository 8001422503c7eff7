// The tables of what is remembered of requests, shared by all processes of the service. Losing them costs no fact.
import { createTables } from '@app/runtime';
import type { Kysely } from 'kysely';

export interface TrafficDb {
  /** The last requests of each connection. */
  exchanges: {
    /** Ids of connections are unique over all tenants. */
    connection_id: string;
    request_id: string;
    /** When it arrived, ms since the epoch. */
    at: number;
    /** Orders what arrived at one process in one millisecond. */
    n: number;
    /** JSON. */
    exchange: string;
  };
  quirk_counts: { tenant: string; connection_id: string; quirk: string; count: number };
}

/** Creates what is missing; safe to call at every start. */
export async function migrateTrafficDb(db: Kysely<TrafficDb>): Promise<void> {
  const tables = {
    exchanges: {
      columns: { connection_id: 'text', request_id: 'text', at: 'bigint', n: 'bigint', exchange: 'text' },
      key: ['connection_id', 'request_id'],
    },
    quirk_counts: {
      columns: { tenant: 'text', connection_id: 'text', quirk: 'text', count: 'bigint' },
      key: ['tenant', 'connection_id', 'quirk'],
    },
  } as const;
  await createTables(db, tables, [['exchanges_at', 'exchanges', ['connection_id', 'at', 'n']]]);
}

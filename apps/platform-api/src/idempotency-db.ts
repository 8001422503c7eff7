// Remembers which requests were carried out, so that one sent again gets the same answer and is not done twice.
import type { Kysely } from 'kysely';

/** DI token of the Kysely instance over {@link IdempotencyDb}. Losing it costs replays, never facts. */
export const IDEMPOTENCY_DB = Symbol('IDEMPOTENCY_DB');

export interface IdempotencyDb {
  idempotent_requests: {
    tenant: string;
    /** Keyed digest of the Idempotency-Key. */
    key_digest: string;
    /** Keyed digest of method, path and body: a body may hold a secret. */
    request_digest: string;
    state: 'running' | 'done' | 'shown-once';
    /** JSON; ids only. Null unless `done`. */
    answer: string | null;
    /** ms since the epoch. */
    expires_at: number;
  };
}

/** Creates what is missing; safe to call at every start. */
export async function migrateIdempotencyDb(db: Kysely<IdempotencyDb>): Promise<void> {
  await db.schema
    .createTable('idempotent_requests')
    .ifNotExists()
    .addColumn('tenant', 'text', (c) => c.notNull())
    .addColumn('key_digest', 'text', (c) => c.notNull())
    .addColumn('request_digest', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('answer', 'text')
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('idempotent_requests_pk', ['tenant', 'key_digest'])
    .execute();
  await db.schema
    .createIndex('idempotent_requests_expiry')
    .ifNotExists()
    .on('idempotent_requests')
    .column('expires_at')
    .execute();
}

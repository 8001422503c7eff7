// Data keys: made ahead, kept unwrapped for a short time, and erased to make what is sealed under them unreadable.
import { forgetDeleted, idLists, newId, ROWS_PER_STATEMENT, run, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { KeyObject } from 'node:crypto';
import { boundTo, newWrappedKey, unwrapKey } from './envelope.js';
import { TickBatch } from './tick-batch.js';
import type { VaultDb } from './vault-db.js';

/** Keys written in one commit ahead of need; the next ones are written when half of them are used. */
const BATCH = 512;
const CACHED_KEYS = 50_000;
/** A longer plaintext is not kept beside its key. */
const LAST_LENGTH = 4_096;
/** How long another process may still read under a key after it was erased. */
export const KEY_CACHE_MS = 60_000;

const placeOf = (id: string): string => boundTo('data-key', id);

interface SpareKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly wrapped: string;
}

/** A data key, and what was last sealed or opened under it: most often that is asked for again at once. */
export interface DataKey {
  readonly key: KeyObject;
  last?: Sealed | undefined;
}

/** What is sealed as what, and where it belongs. */
export interface Sealed {
  readonly place: string;
  readonly sealed: string;
  readonly plaintext: string;
}

export function remember(dataKey: DataKey, last: Sealed): void {
  dataKey.last = last.plaintext.length > LAST_LENGTH ? undefined : last;
}

export class DataKeys {
  /** Only keys that this process has written: nobody else can hand them out. */
  private spare: SpareKey[] = [];
  private refilling: Promise<void> | undefined;
  private readonly cache: LRUCache<string, DataKey>;
  private erasures = 0;
  private readonly wrapped = new TickBatch<string, string | undefined>(ROWS_PER_STATEMENT, (ids) => this.load(ids));

  constructor(
    private readonly db: Kysely<VaultDb>,
    private readonly wrapping: KeyObject,
    private readonly clock: Clock,
  ) {
    this.cache = new LRUCache({ max: CACHED_KEYS, ttl: KEY_CACHE_MS, ttlResolution: 0, perf: clock });
  }

  /** The id of a durable key that nobody has had before. */
  async take(): Promise<string> {
    while (this.spare.length === 0) await this.refill();
    const { id, key } = this.spare.pop() as SpareKey;
    this.cache.set(id, { key });
    if (this.spare.length === BATCH / 2) setImmediate(() => this.refillAhead());
    return id;
  }

  /** The key, or undefined when it was erased. */
  async get(id: string): Promise<DataKey | undefined> {
    const cached = this.cache.get(id);
    if (cached !== undefined) return cached;
    const { erasures } = this;
    const wrapped = await this.wrapped.add(id);
    if (wrapped === undefined) return undefined;
    const dataKey = { key: unwrapKey(this.wrapping, placeOf(id), wrapped) };
    // Read before an erasure and answered after it, the key must not come back into the cache.
    if (erasures === this.erasures) this.cache.set(id, dataKey);
    return dataKey;
  }

  /** Idempotent. */
  async erase(id: string): Promise<void> {
    await this.db.deleteFrom('vault_data_keys').where('data_key_id', '=', id).execute();
    this.erasures++;
    this.cache.delete(id);
    await forgetDeleted(this.db);
  }

  /** Deletes the keys that were made ahead and never taken. */
  async close(): Promise<void> {
    await this.refilling?.catch(() => undefined);
    await this.wrapped.idle();
    const unused = this.spare.map(({ id }) => id);
    this.spare = [];
    for (const ids of idLists(unused)) {
      await this.db.deleteFrom('vault_data_keys').where('data_key_id', 'in', ids).execute();
    }
  }

  private refillAhead(): void {
    if (this.spare.length > BATCH / 2) return;
    // What goes wrong here is met again, and reported, by whoever finds none left.
    this.refill().catch(() => undefined);
  }

  private refill(): Promise<void> {
    this.refilling ??= this.write().finally(() => (this.refilling = undefined));
    return this.refilling;
  }

  private async write(): Promise<void> {
    const fresh = Array.from({ length: BATCH }, () => {
      const id = newId(this.clock.now());
      return { id, ...newWrappedKey(this.wrapping, placeOf(id)) };
    });
    const text = `insert into vault_data_keys (data_key_id, wrapped_key) values ${fresh.map(() => '(?, ?)').join(', ')}`;
    await run(
      this.db,
      text,
      fresh.flatMap(({ id, wrapped }) => [id, wrapped]),
    );
    this.spare.push(...fresh);
  }

  private async load(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    const found = new Map<string, string>();
    for (const list of idLists(ids)) {
      const rows = await this.db.selectFrom('vault_data_keys').selectAll().where('data_key_id', 'in', list).execute();
      for (const row of rows) found.set(row.data_key_id, row.wrapped_key);
    }
    return ids.map((id) => found.get(id));
  }
}

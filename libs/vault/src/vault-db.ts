// The tables of the vault: wrapped keys and ciphertext only. Nothing here can be rebuilt from the log.
import { SqliteAdapter, sql, type Kysely } from 'kysely';
import { timingSafeEqual } from 'node:crypto';

export interface VaultDb {
  /** One row, by which the root key is recognised. */
  vault_root: { name: string; check_value: string };
  /** `wrapped_key` is this secret's own key under the root key, `sealed` the secret under its own key. */
  vault_secrets: { secret_id: string; tenant: string; wrapped_key: string; sealed: string };
  vault_data_keys: { data_key_id: string; wrapped_key: string };
}

const tables: Readonly<Record<keyof VaultDb, readonly string[]>> = {
  vault_root: ['name', 'check_value'],
  vault_secrets: ['secret_id', 'tenant', 'wrapped_key', 'sealed'],
  vault_data_keys: ['data_key_id', 'wrapped_key'],
};

/** Creates what is missing; safe to call at every start. The first column of each table is its key. */
export async function migrateVaultDb(db: Kysely<VaultDb>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  for (const [name, [key, ...others]] of Object.entries(tables)) {
    let table = db.schema
      .createTable(name)
      .ifNotExists()
      .addColumn(key as string, 'text', (c) => c.primaryKey());
    for (const column of others) table = table.addColumn(column, 'text', (c) => c.notNull());
    // Otherwise the keys would stand twice: in the table and in an index of their own.
    if (isSqlite) table = table.modifyEnd(sql`without rowid`);
    await table.execute();
  }
}

/** The vault was made under another root key. */
export class WrongRootKeyError extends Error {
  override readonly name = 'WrongRootKeyError';

  constructor() {
    super(
      'The vault was made under another root key. Set VAULT_KEY to that key, or put its file vault.key back into ' +
        'DATA_DIR: without it nothing in the vault can be read.',
    );
  }
}

/** The log refers to what another vault holds: without that one nobody it is about can be found, and nobody deactivated. */
export class VaultElsewhereError extends Error {
  override readonly name = 'VaultElsewhereError';

  constructor() {
    super(
      'The log has events, but the vault beside it is empty: the vault of this log is elsewhere. Put vault.db back into ' +
        'DATA_DIR, or set DATABASE_URL to the database that holds it, or leave DATABASE_URL out if it was never set: ' +
        'without that vault nobody who is in the log can be found or deactivated.',
    );
  }
}

/** @throws {VaultElsewhereError} when nobody has opened this vault before */
export async function mustBeMade(db: Kysely<VaultDb>): Promise<void> {
  const row = await db.selectFrom('vault_root').select('name').executeTakeFirst();
  if (row === undefined) throw new VaultElsewhereError();
}

/**
 * Remembers the root key's check value the first time and compares it from then on.
 * @throws {WrongRootKeyError}
 */
export async function checkRootKey(db: Kysely<VaultDb>, check: Buffer): Promise<void> {
  await db
    .insertInto('vault_root')
    .values({ name: 'root', check_value: check.toString('base64url') })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await db.selectFrom('vault_root').select('check_value').executeTakeFirstOrThrow();
  const stored = Buffer.from(row.check_value, 'base64url');
  if (stored.length !== check.length || !timingSafeEqual(stored, check)) throw new WrongRootKeyError();
}

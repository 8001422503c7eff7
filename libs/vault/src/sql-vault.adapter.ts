// The vault in a SQL database: SQLite for the embedded default, PostgreSQL in production.
import {
  forgetDeleted,
  idLists,
  marks,
  migrateAlone,
  newId,
  rowGroups,
  ROWS_PER_STATEMENT,
  run,
  SystemClock,
  type Clock,
} from '@app/runtime';
import type { Kysely } from 'kysely';
import { DataKeys, remember } from './data-keys.js';
import {
  boundTo,
  BrokenSealError,
  decrypt,
  deriveKeys,
  digest,
  encrypt,
  newWrappedKey,
  unwrapKey,
  type DerivedKeys,
} from './envelope.js';
import { TickBatch } from './tick-batch.js';
import { checkRootKey, migrateVaultDb, mustBeMade, type VaultDb } from './vault-db.js';
import { SECRET_PURPOSE, Vault, type SealContext, type StoredSecret } from './vault.port.js';

export interface SqlVaultParts {
  /** Opened with `durable: true`; the caller closes it after the vault. */
  readonly db: Kysely<VaultDb>;
  /** 32 bytes. */
  readonly rootKey: Buffer;
  /** Whether it may be made here: not where a log refers to what a vault holds already. Default true. */
  readonly mayBeNew?: boolean;
  readonly clock?: Clock;
}

type SecretRow = VaultDb['vault_secrets'];

/** The tenant of secrets of the service itself: no tenant has this id. */
const SERVICE = '';

const sealedFor = (dataKeyId: string, { tenant, subject, field, eventType }: SealContext): string =>
  boundTo('seal', dataKeyId, tenant, subject, field, eventType);

/**
 * Several processes may use one database. A data key that another process erased may be read under for
 * {@link KEY_CACHE_MS} (60 s) more; a destroyed secret is gone for all at once.
 */
export class SqlVault extends Vault {
  private readonly dataKeys: DataKeys;
  private readonly puts: TickBatch<SecretRow, void>;

  private constructor(
    private readonly db: Kysely<VaultDb>,
    private readonly keys: DerivedKeys,
    private readonly clock: Clock,
  ) {
    super();
    this.dataKeys = new DataKeys(db, keys.wrapping, clock);
    this.puts = new TickBatch(ROWS_PER_STATEMENT, (rows) => this.insert(rows));
  }

  /**
   * Creates the tables where they are missing.
   * @throws {WrongRootKeyError} if the vault was made under another root key
   * @throws {VaultElsewhereError} if it would have to be made and may not
   */
  static async open({ db, rootKey, mayBeNew = true, clock = new SystemClock() }: SqlVaultParts): Promise<SqlVault> {
    const keys = deriveKeys(rootKey);
    await migrateAlone(db, migrateVaultDb);
    if (!mayBeNew) await mustBeMade(db);
    await checkRootKey(db, keys.check);
    return new SqlVault(db, keys, clock);
  }

  /** Finishes what is being written. Nothing may be called afterwards. */
  async close(): Promise<void> {
    await this.puts.idle();
    await this.dataKeys.close();
  }

  async putSecret(tenant: string, plaintext: string): Promise<StoredSecret> {
    const secretId = newId(this.clock.now());
    await this.puts.add(this.sealedRow(tenant, secretId, plaintext));
    return { secretId, fingerprint: this.fingerprint(tenant, SECRET_PURPOSE, plaintext) };
  }

  async keepOwnSecret(name: string, plaintext: string): Promise<void> {
    await this.db
      .insertInto('vault_secrets')
      .values(this.sealedRow(SERVICE, name, plaintext))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  ownSecret(name: string): Promise<string | undefined> {
    return this.openSecret(SERVICE, name);
  }

  async openSecret(tenant: string, secretId: string): Promise<string | undefined> {
    const opened = (await this.openSecrets(tenant, [secretId])).get(secretId);
    if (opened instanceof BrokenSealError) throw opened;
    return opened;
  }

  async openSecrets(tenant: string, secretIds: readonly string[]): Promise<Map<string, string | BrokenSealError>> {
    const opened = new Map<string, string | BrokenSealError>();
    for (const ids of idLists(secretIds)) {
      const text = `select * from vault_secrets where tenant = ? and secret_id in (${marks(ids)})`;
      const rows = await run<SecretRow>(this.db, text, [tenant, ...ids]);
      for (const row of rows) opened.set(row.secret_id, this.plaintextOf(row));
    }
    return opened;
  }

  async destroySecrets(tenant: string, secretIds: readonly string[]): Promise<void> {
    if (secretIds.length === 0) return;
    await this.db.transaction().execute(async (trx) => {
      for (const ids of idLists(secretIds)) {
        const text = `delete from vault_secrets where tenant = ? and secret_id in (${marks(ids)})`;
        await run(trx, text, [tenant, ...ids]);
      }
    });
    await forgetDeleted(this.db);
  }

  newDataKey(): Promise<string> {
    return this.dataKeys.take();
  }

  async seal(dataKeyId: string, context: SealContext, plaintext: string): Promise<string> {
    const dataKey = await this.dataKeys.get(dataKeyId);
    if (dataKey === undefined) throw new Error('The data key was erased: nothing more can be sealed under it');
    const place = sealedFor(dataKeyId, context);
    const sealed = encrypt(dataKey.key, place, plaintext);
    remember(dataKey, { place, sealed, plaintext });
    return sealed;
  }

  async open(dataKeyId: string, context: SealContext, sealed: string): Promise<string | undefined> {
    const dataKey = await this.dataKeys.get(dataKeyId);
    if (dataKey === undefined) return undefined;
    const place = sealedFor(dataKeyId, context);
    const { last } = dataKey;
    if (last?.sealed === sealed && last.place === place) return last.plaintext;
    const plaintext = decrypt(dataKey.key, place, sealed).toString('utf8');
    remember(dataKey, { place, sealed, plaintext });
    return plaintext;
  }

  eraseDataKey(dataKeyId: string): Promise<void> {
    return this.dataKeys.erase(dataKeyId);
  }

  fingerprint(tenant: string, purpose: string, value: string): string {
    return digest(this.keys.fingerprints, boundTo(purpose, tenant, value));
  }

  private sealedRow(tenant: string, secretId: string, plaintext: string): SecretRow {
    const { key, wrapped } = newWrappedKey(this.keys.wrapping, boundTo('secret-key', tenant, secretId));
    const sealed = encrypt(key, boundTo('secret', tenant, secretId), plaintext);
    return { secret_id: secretId, tenant, wrapped_key: wrapped, sealed };
  }

  private plaintextOf(row: SecretRow): string | BrokenSealError {
    const { secret_id: secretId, tenant } = row;
    try {
      const key = unwrapKey(this.keys.wrapping, boundTo('secret-key', tenant, secretId), row.wrapped_key);
      return decrypt(key, boundTo('secret', tenant, secretId), row.sealed).toString('utf8');
    } catch (error) {
      if (error instanceof BrokenSealError) return error;
      throw error;
    }
  }

  private async insert(rows: readonly SecretRow[]): Promise<void[]> {
    await this.db.transaction().execute(async (trx) => {
      for (const group of rowGroups(rows)) await trx.insertInto('vault_secrets').values(group).execute();
    });
    return rows.map(() => undefined);
  }
}

// The contract on SQLite and on PostgreSQL, and what only the adapter can show: what is in the files, and which root key opens them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, openDatabase } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { sql, type Kysely } from 'kysely';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_CACHE_MS } from './data-keys.js';
import { BrokenSealError } from './envelope.js';
import { SqlVault } from './sql-vault.adapter.js';
import type { VaultDb } from './vault-db.js';
import { describeVault } from './vault.contract.js';
import type { StoredSecret } from './vault.port.js';

const ROOT_KEY = Buffer.alloc(32, 1);
const CONTEXT = { tenant: 'acme', subject: 'u1', field: 'userName', eventType: 'UserProvisioned' };

/** Several vaults over one database, as several processes would have them. */
class Processes {
  private readonly open: { db: Kysely<VaultDb>; vault: SqlVault }[] = [];

  constructor(readonly database: () => Promise<Kysely<VaultDb>>) {}

  async vault(more: { rootKey?: Buffer; clock?: ManualClock; mayBeNew?: boolean } = {}): Promise<SqlVault> {
    const db = await this.database();
    const vault = await SqlVault.open({ db, rootKey: ROOT_KEY, ...more }).catch(async (error: unknown) => {
      await db.destroy();
      throw error;
    });
    this.open.push({ db, vault });
    return vault;
  }

  async close(): Promise<void> {
    for (const { db, vault } of this.open.splice(0)) {
      await vault.close();
      await db.destroy();
    }
  }
}

/** On SQLite, in a directory of their own. */
class Files extends Processes {
  readonly directory: string;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'vault-'));
    const file = join(directory, 'vault.sqlite');
    super(() => openDatabase<VaultDb>({ file, schema: 'vault' }, { durable: true }));
    this.directory = directory;
  }

  bytes(): string {
    return readdirSync(this.directory)
      .map((name) => readFileSync(join(this.directory, name), 'latin1'))
      .join('');
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true });
  }
}

describeVault('SQLite', async () => {
  const files = new Files();
  return { vault: await files.vault(), another: () => files.vault(), close: () => files.remove() };
});

describe('a stored secret that was damaged', () => {
  it('is told as such, and holds up none of those that are opened with it', async () => {
    const files = new Files();
    const vault = await files.vault();
    const [good, sealed, wrapped] = await Promise.all(['a', 'b', 'c'].map((text) => vault.putSecret('acme', text)));
    const db = await files.database();
    const damage = (column: 'sealed' | 'wrapped_key', of: StoredSecret | undefined) =>
      db
        .updateTable('vault_secrets')
        .set(column, 'v1.damaged')
        .where('secret_id', '=', of?.secretId ?? '')
        .execute();
    await damage('sealed', sealed);
    await damage('wrapped_key', wrapped);
    const ids = [good, sealed, wrapped].map((put) => put?.secretId ?? '');
    const opened = await vault.openSecrets('acme', ids);
    expect(ids.map((id) => opened.get(id))).toEqual(['a', expect.any(BrokenSealError), expect.any(BrokenSealError)]);
    await expect(vault.openSecret('acme', ids[1] as string)).rejects.toThrow('does not open');
    await db.destroy();
    await files.remove();
  });
});

describe('on PostgreSQL', () => {
  let postgres: PrivatePostgres;
  beforeAll(async () => void (postgres = await startPrivatePostgres()), 60_000);
  afterAll(() => postgres?.stop());

  const processesOn = (schema: string): Processes =>
    new Processes(() => openDatabase<VaultDb>({ url: postgres.url, file: '', schema }, { durable: true }));

  describeVault('PostgreSQL', async () => {
    const processes = processesOn('vault');
    return { vault: await processes.vault(), another: () => processes.vault(), close: () => processes.close() };
  });

  it('processes that start together all open the vault', async () => {
    const processes = processesOn('together');
    const vaults = await Promise.all(Array.from({ length: 8 }, () => processes.vault()));
    const { secretId } = await (vaults[0] as SqlVault).putSecret('acme', 'x');
    const opened = await Promise.all(vaults.map((vault) => vault.openSecret('acme', secretId)));
    expect(opened).toEqual(Array(8).fill('x'));
    await processes.close();
  });

  it('a commit is on the disk of a server that does not wait for it by itself', async () => {
    const db = await processesOn('durable').database();
    const { rows } = await sql<{ synchronous_commit: string }>`show synchronous_commit`.execute(db);
    expect(rows).toEqual([{ synchronous_commit: 'on' }]);
    await db.destroy();
  });
});

describe('the files of the vault', () => {
  let files: Files;
  beforeEach(() => void (files = new Files()));
  afterEach(() => files.remove());

  const change = async (run: (db: Kysely<VaultDb>) => Promise<unknown>): Promise<void> => {
    const db = await files.database();
    await run(db);
    await db.destroy();
  };

  it('hold no plaintext and no root key, while open and when closed', async () => {
    const vault = await files.vault();
    await vault.putSecret('acme', 'canary-7f3a91');
    await vault.seal(await vault.newDataKey(), CONTEXT, 'canary-7f3a91');
    const hidden = ['canary-7f3a91', Buffer.from('canary-7f3a91').toString('base64url').slice(0, -2)];
    const keys = [ROOT_KEY.toString('latin1'), ROOT_KEY.toString('base64url')];
    expect(files.bytes()).toContain('acme');
    for (const text of [...hidden, ...keys]) expect(files.bytes().includes(text)).toBe(false);
    await files.close();
    for (const text of [...hidden, ...keys]) expect(files.bytes().includes(text)).toBe(false);
  });

  it('hold nothing of a destroyed secret and of an erased data key', async () => {
    const vault = await files.vault();
    const { secretId } = await vault.putSecret('acme', 'gone');
    const dataKeyId = await vault.newDataKey();
    const wrapped: string[] = [];
    await change(async (db) => {
      const { wrapped_key, sealed } = await db.selectFrom('vault_secrets').selectAll().executeTakeFirstOrThrow();
      const key = await db.selectFrom('vault_data_keys').selectAll().where('data_key_id', '=', dataKeyId).execute();
      wrapped.push(wrapped_key, sealed, ...key.map((row) => row.wrapped_key));
    });
    expect(wrapped.map((text) => files.bytes().includes(text))).toEqual([true, true, true]);
    await vault.destroySecrets('acme', [secretId]);
    await vault.eraseDataKey(dataKeyId);
    expect(wrapped.map((text) => files.bytes().includes(text))).toEqual([false, false, false]);
  });

  it('do not give up a secret that was moved to another tenant or id, or changed', async () => {
    const vault = await files.vault();
    const [first, second] = [await vault.putSecret('acme', 'one'), await vault.putSecret('acme', 'two')];
    await change(async (db) => {
      const { wrapped_key, sealed } = await db
        .selectFrom('vault_secrets')
        .selectAll()
        .where('secret_id', '=', second.secretId)
        .executeTakeFirstOrThrow();
      await db
        .updateTable('vault_secrets')
        .set({ wrapped_key, sealed })
        .where('secret_id', '=', first.secretId)
        .execute();
      await db
        .updateTable('vault_secrets')
        .set({ tenant: 'globex' })
        .where('secret_id', '=', second.secretId)
        .execute();
    });
    await expect(vault.openSecret('acme', first.secretId)).rejects.toThrow('does not open');
    await expect(vault.openSecret('globex', second.secretId)).rejects.toThrow('does not open');
  });

  it('do not give up a data key that was put in the place of another', async () => {
    const vault = await files.vault();
    const [key, other] = [await vault.newDataKey(), await vault.newDataKey()];
    const sealed = await vault.seal(other, CONTEXT, 'x');
    await change(async (db) => {
      const row = await db
        .selectFrom('vault_data_keys')
        .selectAll()
        .where('data_key_id', '=', key)
        .executeTakeFirstOrThrow();
      await db
        .updateTable('vault_data_keys')
        .set({ wrapped_key: row.wrapped_key })
        .where('data_key_id', '=', other)
        .execute();
    });
    await expect((await files.vault()).open(other, CONTEXT, sealed)).rejects.toThrow('does not open');
  });

  it('open under their own root key only, and say what to do', async () => {
    await files.vault();
    await expect(files.vault({ rootKey: Buffer.alloc(32, 2) })).rejects.toThrow(/another root key. Set VAULT_KEY/);
    await expect(files.vault({ rootKey: Buffer.alloc(31) })).rejects.toThrow('32 bytes');
    await expect(files.vault()).resolves.toBeInstanceOf(SqlVault);
  });

  it('are not made where a log refers to another one', async () => {
    await expect(files.vault({ mayBeNew: false })).rejects.toThrow(/vault of this log is elsewhere. Put vault.db back/);
    await expect(files.vault({ mayBeNew: false })).rejects.toThrow('DATABASE_URL');
    await files.vault();
    await expect(files.vault({ mayBeNew: false })).resolves.toBeInstanceOf(SqlVault);
  });

  it('keep what was put when the process ends without closing', async () => {
    const { secretId } = await (await files.vault()).putSecret('acme', 'kept');
    expect(await (await files.vault()).openSecret('acme', secretId)).toBe('kept');
  });

  it('keep no data key that was made ahead and not handed out, once closed', async () => {
    const vault = await files.vault();
    const key = await vault.newDataKey();
    await files.close();
    await change(async (db) => {
      expect(await db.selectFrom('vault_data_keys').select('data_key_id').execute()).toEqual([{ data_key_id: key }]);
    });
  });
});

describe('an erased data key', () => {
  it('is gone from the memory of other processes within a minute', async () => {
    const files = new Files();
    const clock = new ManualClock();
    const [vault, another] = [await files.vault(), await files.vault({ clock })];
    const key = await vault.newDataKey();
    const sealed = await vault.seal(key, CONTEXT, 'x');
    expect(await another.open(key, CONTEXT, sealed)).toBe('x');
    await vault.eraseDataKey(key);
    clock.advance(KEY_CACHE_MS + 1);
    expect(await another.open(key, CONTEXT, sealed)).toBeUndefined();
    await files.remove();
  });
});

// The signing key is one for all processes, and never replaced by one that contradicts what was signed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '@app/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { checkpointText, signNote, verifierKey } from './checkpoint.js';
import { LedgerView } from './ledger.view.js';
import { openLogKey, type LogKeyStore } from './log-key.js';
import { emptyRoot } from './merkle.js';

const NAME = 'audit.example/acme';
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

/** As the vault keeps it: the first stays. */
class Store implements LogKeyStore {
  constructor(public pem?: string) {}

  async read(): Promise<string | undefined> {
    return this.pem;
  }

  async create(pem: string): Promise<void> {
    this.pem ??= pem;
  }
}

describe('the signing key', () => {
  let directory: string;
  let db: Kysely<AuditDb>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'log-key-'));
    db = openSqlite<AuditDb>(':memory:');
  });
  afterEach(async () => {
    await db.destroy();
    await rm(directory, { recursive: true });
  });

  const file = () => join(directory, 'log.key');
  const open = async (store: LogKeyStore): Promise<string> =>
    verifierKey(NAME, await openLogKey({ store, db, file: file() }));
  const signBy = async (key: KeyObject, size = 0): Promise<void> => {
    await new LedgerView().migrate(db);
    const note = signNote(checkpointText({ origin: NAME, size, root: emptyRoot() }), NAME, key);
    await db.insertInto('ledger_checkpoints').values({ tenant: 'acme', size, signed_at: '', note }).execute();
  };

  it('is generated on first use and stays the same for every process', async () => {
    const store = new Store();
    const first = await open(store);
    expect(await open(store)).toBe(first);
    expect(await open(new Store())).not.toBe(first);
  });

  it('is the one of whoever was first', async () => {
    const key = newKey();
    const store = new Store();
    store.create = async () => void (store.pem = pemOf(key));
    expect(await open(store)).toBe(verifierKey(NAME, key));
  });

  it('is taken over from the file of an earlier version, once', async () => {
    const key = newKey();
    await writeFile(file(), pemOf(key));
    await signBy(key);
    const store = new Store();
    expect(await open(store)).toBe(verifierKey(NAME, key));
    await writeFile(file(), pemOf(newKey()));
    expect(await open(store)).toBe(verifierKey(NAME, key));
  });

  it('is not replaced when it is lost after something was signed', async () => {
    await signBy(newKey());
    const store = new Store();
    await expect(open(store)).rejects.toThrow(/key that signed them is lost. Put back the vault/);
    expect(store.pem).toBeUndefined();
  });

  it('is refused when another one signed the newest checkpoint', async () => {
    const key = newKey();
    await signBy(newKey());
    await writeFile(file(), pemOf(key));
    const store = new Store();
    await expect(open(store)).rejects.toThrow(/signed by another key than .*log\.key/);
    expect(store.pem).toBeUndefined();
    await expect(open(new Store(pemOf(key)))).rejects.toThrow('cannot continue');
    await signBy(key, 7);
    expect(await open(store)).toBe(verifierKey(NAME, key));
  });
});

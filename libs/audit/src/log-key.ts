// The key that signs checkpoints and bundles: one for all processes, and never another than what was signed before.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hasTable, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { InvalidNote, openNote, parseCheckpoint, verifierKey } from './checkpoint.js';

/** Where all processes keep the signing key, sealed. It is never in an event, and nowhere else. */
export interface LogKeyStore {
  /** The private key as PKCS #8 PEM; undefined before first use. */
  read(): Promise<string | undefined>;
  /** Keeps a new key durably. When another process was first, its key stays and this call returns all the same. */
  create(pem: string): Promise<void>;
}

export interface LogKeyParts {
  readonly store: LogKeyStore;
  /** Holds what was signed so far. */
  readonly db: Kysely<AuditDb>;
  /** Where an earlier version kept the key: taken into the store when that has none, and not read again. */
  readonly file: string;
}

/**
 * The signing key, generated where nothing was signed yet.
 * @throws when the newest checkpoint of a tenant was signed by another key, or the key is lost
 */
export async function openLogKey({ store, db, file }: LogKeyParts): Promise<KeyObject> {
  const kept = await store.read();
  const pem = kept ?? (await fileOfBefore(file));
  const notes = await newestNotes(db);
  if (pem === undefined && notes.length > 0) throw new Error(otherKey('The key that signed them is lost.'));
  const key = pem === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(pem);
  if (!notes.every((note) => isSignedBy(note, key))) {
    throw new Error(otherKey(kept === undefined ? `They were signed by another key than ${file}.` : ''));
  }
  if (kept !== undefined) return key;
  await store.create(key.export({ type: 'pkcs8', format: 'pem' }).toString());
  const first = await store.read();
  if (first === undefined) throw new Error('the signing key was stored and cannot be read back');
  return createPrivateKey(first);
}

const otherKey = (what: string): string =>
  `The ledger holds checkpoints that this process cannot continue. ${what} Put back the vault, or the file log.key, that ` +
  'belongs to them. If there is none, move the audit database away (audit.db in DATA_DIR, or the schema audit of ' +
  'DATABASE_URL), keep it, and start again: the ledger is made anew under a new key, which auditors have to be given.';

const fileOfBefore = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });

/** The last checkpoint of each tenant; none before the tables are made. */
async function newestNotes(db: Kysely<AuditDb>): Promise<string[]> {
  if (!(await hasTable(db, 'ledger_checkpoints'))) return [];
  const text = `select note from ledger_checkpoints c
    where size = (select max(size) from ledger_checkpoints where tenant = c.tenant)`;
  return (await run<{ note: string }>(db, text, [])).map(({ note }) => note);
}

function isSignedBy(note: string, key: KeyObject): boolean {
  try {
    openNote(note, verifierKey(parseCheckpoint(note).origin, key));
    return true;
  } catch (error) {
    if (error instanceof InvalidNote) return false;
    throw error;
  }
}

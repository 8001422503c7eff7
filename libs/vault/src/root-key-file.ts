// The root key of the vault: from the configuration, or from a file that is made at the first start.
import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KEY_BYTES } from './envelope.js';

export interface RootKeySource {
  /** The configured key; wins over the file. */
  readonly vaultKey?: Buffer | undefined;
  /** Where `vault.key` is, or is made with mode 0600. */
  readonly directory: string;
}

/**
 * The 32 bytes that everything in the vault is encrypted under.
 * @throws if the file can be read by others or does not hold a key
 */
export async function rootKeyFrom({ vaultKey, directory }: RootKeySource): Promise<Buffer> {
  if (vaultKey !== undefined) return vaultKey;
  const path = join(directory, 'vault.key');
  return (await read(path)) ?? create(path, directory);
}

async function read(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r').catch(unless('ENOENT'));
  if (file === undefined) return undefined;
  try {
    return await keyIn(file, path);
  } finally {
    await file.close();
  }
}

async function keyIn(file: FileHandle, path: string): Promise<Buffer> {
  const { mode } = await file.stat();
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others than its owner. Run: chmod 600 ${path}`);
  const text = (await file.readFile('utf8')).trim();
  const key = Buffer.from(text, 'base64');
  if (key.length === KEY_BYTES && key.toString('base64') === text) return key;
  throw new Error(
    `${path} does not hold ${KEY_BYTES} bytes in base64. Restore it from a backup, or set VAULT_KEY: without the key ` +
      'nothing in the vault can be read.',
  );
}

/** Written aside and linked into place: the file is either absent or complete, and of two processes the first wins. */
async function create(path: string, directory: string): Promise<Buffer> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const aside = `${path}.${randomUUID()}`;
  try {
    await writeDurably(aside, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await link(aside, path).catch(unless('EEXIST'));
  } finally {
    await rm(aside, { force: true });
  }
  await syncDirectory(directory);
  return (await read(path)) as Buffer;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it the name of the new file may be lost in a power cut that what was encrypted under it survives. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unless(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
}

// The root key of the vault: from the configuration, or from a file that is made at the first start.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createKeyFile, readKeyFile } from '@app/runtime';
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
  const known = await readKeyFile(path);
  if (known !== undefined) return keyIn(known, path);
  await createKeyFile(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
  return keyIn((await readKeyFile(path)) as string, path);
}

function keyIn(content: string, path: string): Buffer {
  const text = content.trim();
  const key = Buffer.from(text, 'base64');
  if (key.length === KEY_BYTES && key.toString('base64') === text) return key;
  throw new Error(
    `${path} does not hold ${KEY_BYTES} bytes in base64. Restore it from a backup, or set VAULT_KEY: without the key ` +
      'nothing in the vault can be read.',
  );
}

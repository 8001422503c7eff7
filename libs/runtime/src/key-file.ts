// Keeps a key in a file that is made once, whole, and for its owner only.
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * @returns the text of the file; undefined when there is none
 * @throws when others than its owner can read it
 */
export async function readKeyFile(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(unless('ENOENT'));
  if (file === undefined) return undefined;
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others than its owner. Run: chmod 600 ${path}`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Written aside and linked into place: the file is either absent or complete, and of two processes the first wins. */
export async function createKeyFile(path: string, text: string): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const aside = `${path}.${randomUUID()}`;
  try {
    await writeDurably(aside, text);
    await link(aside, path).catch(unless('EEXIST'));
  } finally {
    await rm(aside, { force: true });
  }
  await syncDirectory(directory);
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

/** Without it the name of the new file may be lost in a power cut that what was made with the key survives. */
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

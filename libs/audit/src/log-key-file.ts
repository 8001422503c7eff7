// Keeps the log's signing key in one file that only its owner may read.
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LogKeyStore } from './checkpoint.js';

const unless = (code: string) => (error: NodeJS.ErrnoException) => {
  if (error.code !== code) throw error;
  return undefined;
};

export class LogKeyFile implements LogKeyStore {
  constructor(private readonly path: string) {}

  read(): Promise<string | undefined> {
    return readFile(this.path, 'utf8').catch(unless('ENOENT'));
  }

  /** Written aside and linked into place: the file is either absent or complete, and the first writer wins. */
  async create(pem: string): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    const aside = `${this.path}.${process.pid}`;
    await rm(aside, { force: true });
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(pem);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, this.path).catch(unless('EEXIST'));
    await rm(aside, { force: true });
  }
}

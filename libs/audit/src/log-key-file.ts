// Keeps the log's signing key in one file that only its owner may read.
import { createKeyFile, readKeyFile } from '@app/runtime';
import type { LogKeyStore } from './checkpoint.js';

export class LogKeyFile implements LogKeyStore {
  constructor(private readonly path: string) {}

  read(): Promise<string | undefined> {
    return readKeyFile(this.path);
  }

  create(pem: string): Promise<void> {
    return createKeyFile(this.path, pem);
  }
}

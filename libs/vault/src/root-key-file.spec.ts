// Where the root key comes from, and that its file is made once, whole and for its owner only.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootKeyFrom } from './root-key-file.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'root-key-')), 'data');
  path = join(directory, 'vault.key');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

describe('the root key', () => {
  it('is the configured one, and then no file is made', async () => {
    const vaultKey = Buffer.alloc(32, 9);
    expect(await rootKeyFrom({ vaultKey, directory })).toBe(vaultKey);
    expect(() => statSync(directory)).toThrow('ENOENT');
  });

  it('is made at the first start and found again at the next', async () => {
    const first = await rootKeyFrom({ directory });
    expect(first).toHaveLength(32);
    expect(await rootKeyFrom({ directory })).toEqual(first);
    expect(Buffer.from(readFileSync(path, 'utf8'), 'base64')).toEqual(first);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is one key when many start at once, and nothing is left beside its file', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => rootKeyFrom({ directory })));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(readdirSync(directory)).toEqual(['vault.key']);
  });

  it('is refused when others can read its file', async () => {
    await rootKeyFrom({ directory });
    chmodSync(path, 0o640);
    await expect(rootKeyFrom({ directory })).rejects.toThrow(`chmod 600 ${path}`);
  });

  it.each(['', 'c2hvcnQ=', 'canary not base64'])(
    'is refused when its file holds %p, without repeating it',
    async (text) => {
      await rootKeyFrom({ directory });
      writeFileSync(path, text);
      const refusal: Error = await rootKeyFrom({ directory }).then(
        () => new Error('accepted'),
        (error: Error) => error,
      );
      expect(refusal.message).toContain('does not hold 32 bytes in base64');
      expect(refusal.message).not.toContain('canary');
    },
  );
});

// The data directory is made, or it is said why not.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeDataDirectory } from './data-directory.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-'));
  writeFileSync(join(directory, 'file'), '');
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the data directory', () => {
  it('is made with all it lies in, for its owner only, and kept as it is from then on', () => {
    const path = join(directory, 'a', 'b');
    makeDataDirectory(path);
    makeDataDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['file', /DATA_DIR is .*file, which cannot be used: it is a file\. Set DATA_DIR/],
    ['file/below', /cannot be used: it, or what it lies in, is a file/],
  ])('cannot be %s', (name, sentence) => {
    expect(() => makeDataDirectory(join(directory, name))).toThrow(sentence);
  });

  it('is not waited for where nothing can be made', () => {
    expect(() => makeDataDirectory('/proc/data/x')).toThrow(/DATA_DIR is \/proc\/data\/x, which cannot be used/);
  });
});

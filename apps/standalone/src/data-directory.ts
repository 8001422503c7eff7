// Makes the directory of everything that is kept in files, or says why it cannot be one.
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'it, or what it lies in, is a file',
  ENOENT: 'what it lies in cannot be made',
  EACCES: 'this account may not write there',
  EPERM: 'this account may not write there',
  EROFS: 'it lies on a file system that cannot be written',
};

/**
 * Creates it with mode 0700 where it is missing, and what it lies in.
 * @throws with a sentence that names DATA_DIR
 */
export function makeDataDirectory(path: string): void {
  try {
    for (const one of missing(path)) mkdirSync(one, { mode: 0o700 });
    if (!statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Error(
      `DATA_DIR is ${path}, which cannot be used: ${reasons[code] ?? message}. Set DATA_DIR to a directory that this ` +
        'account may write.',
      { cause: error },
    );
  }
}

/** From the outermost inwards. One by one, because the recursive mkdir of Node never ends below /proc. */
function missing(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return [];
  return [...missing(dirname(path)), path];
}

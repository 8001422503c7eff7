// A lock that the operating system drops with its process, however the process ends.
import { DatabaseSync } from 'node:sqlite';

/** SQLite's code for what another connection holds. */
const BUSY = 5;

/**
 * Takes the lock at `path` (an empty SQLite database held in an exclusive transaction).
 * @returns a function that releases it
 * @throws if another process, or this one, holds it
 */
export function takeLock(path: string): () => void {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== BUSY) {
      throw new Error(`${path} cannot be used: ${(error as Error).message}. Delete it: it is made again.`, {
        cause: error,
      });
    }
    throw new Error(
      `${path} is held by another process: only one may write this event log. Stop it, or choose another DATA_DIR.`,
    );
  }
  return () => lock.close();
}

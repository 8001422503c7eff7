// What is gathered is one commit, and each transaction in it still stands or falls by itself.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openSqlite } from './sqlite.js';

interface Db {
  notes: { id: number };
}

const NEVER_MS = 3_600_000;
let directory: string;
let open: Kysely<Db>[];

const openWith = (gatherMs?: number, file = 'gathered.db'): Kysely<Db> => {
  const db = openSqlite<Db>(join(directory, file), gatherMs === undefined ? {} : { gatherMs });
  open.push(db);
  return db;
};
/** Of the process before. */
async function prepare(text: string): Promise<void> {
  const db = openWith();
  await sql.raw(text).execute(db);
  await db.destroy();
}
const insert = (db: Kysely<Db>, id: number) => db.insertInto('notes').values({ id }).execute();
const inTransaction = (db: Kysely<Db>, id: number) => db.transaction().execute((trx) => insert(trx, id));
const seenBy = async (db: Kysely<Db>): Promise<number[]> =>
  (await db.selectFrom('notes').select('id').orderBy('id').execute()).map(({ id }) => id);

/** What a process that is killed now leaves behind; nobody may look into the file itself. */
async function leftBehind(): Promise<number[]> {
  for (const suffix of ['', '-wal']) {
    const file = join(directory, `gathered.db${suffix}`);
    if (existsSync(file)) copyFileSync(file, join(directory, `copy.db${suffix}`));
  }
  const copy = openWith(undefined, 'copy.db');
  const found = await seenBy(copy);
  await copy.destroy();
  return found;
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gathered-'));
  open = [];
  await prepare('create table notes (id integer primary key)');
});
afterEach(async () => {
  for (const db of open) await db.destroy();
  rmSync(directory, { recursive: true });
});

describe('gathered transactions', () => {
  it('are seen by their own connection at once, and outlive the process once they are committed', async () => {
    const db = openWith(NEVER_MS);
    await inTransaction(db, 1);
    await inTransaction(db, 2);
    expect(await seenBy(db)).toEqual([1, 2]);
    expect(await leftBehind()).toEqual([]);
  });

  it('are committed when their time is over', async () => {
    await inTransaction(openWith(1), 1);
    while ((await leftBehind()).length === 0) await turn();
    expect(await leftBehind()).toEqual([1]);
  });

  it('are committed when the connection closes', async () => {
    const db = openWith(NEVER_MS);
    await inTransaction(db, 1);
    await db.destroy();
    expect(await leftBehind()).toEqual([1]);
  });

  it('are committed with the next write that stands alone, which waits for nothing', async () => {
    const db = openWith(NEVER_MS);
    await inTransaction(db, 1);
    await insert(db, 2);
    expect(await leftBehind()).toEqual([1, 2]);
  });

  it('leave no trace of one that fails, and keep those around it', async () => {
    const db = openWith(NEVER_MS);
    await inTransaction(db, 1);
    const failing = db.transaction().execute(async (trx) => {
      await insert(trx, 2);
      throw new Error('halfway');
    });
    await expect(failing).rejects.toThrow('halfway');
    await inTransaction(db, 3);
    await db.destroy();
    expect(await leftBehind()).toEqual([1, 3]);
  });

  it('leave nothing of a statement that fails halfway, in a transaction or alone', async () => {
    const db = openWith(NEVER_MS);
    const both = (trx: Kysely<Db>) =>
      trx
        .insertInto('notes')
        .values([{ id: 2 }, { id: 1 }])
        .execute();
    await inTransaction(db, 1);
    await expect(db.transaction().execute(both)).rejects.toThrow('UNIQUE');
    await expect(both(db)).rejects.toThrow('UNIQUE');
    expect(await seenBy(db)).toEqual([1]);
  });

  it('whose time is over in the middle of one are committed at its end, not half of it', async () => {
    const db = openWith(0);
    await db.transaction().execute(async (trx) => {
      await insert(trx, 1);
      for (let turns = 0; turns < 50; turns += 1) await turn();
      expect(await leftBehind()).toEqual([]);
      await insert(trx, 2);
    });
    while ((await leftBehind()).length === 0) await turn();
    expect(await leftBehind()).toEqual([1, 2]);
  });

  describe('that cannot be committed', () => {
    let db: Kysely<Db>;
    beforeEach(async () => {
      await prepare('create table tags (note integer references notes (id) deferrable initially deferred)');
    });
    const spoil = async () => {
      await inTransaction(db, 1);
      await db.transaction().execute((trx) => sql`insert into tags values (99)`.execute(trx));
    };

    it('are all taken back, and the next one is told why', async () => {
      db = openWith(1);
      await spoil();
      while ((await seenBy(db)).length > 0) await turn();
      await expect(inTransaction(db, 2)).rejects.toThrow('FOREIGN KEY constraint failed');
      await inTransaction(db, 3);
      expect(await seenBy(db)).toEqual([3]);
    });

    it('fail the write that stands alone and was to be committed with them', async () => {
      db = openWith(NEVER_MS);
      await spoil();
      await expect(insert(db, 2)).rejects.toThrow('FOREIGN KEY constraint failed');
      expect(await seenBy(db)).toEqual([]);
    });
  });
});

// A file that is damaged is named, and what to do about it said, whenever that is found out.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { openSqlite } from './sqlite.js';

describe('a damaged SQLite file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sql-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is named when it is opened', async () => {
    const file = join(directory, 'view.db');
    await writeFile(file, 'not a database, whatever it is called');
    expect(() => openSqlite(file, { ifDamaged: 'Delete it.' })).toThrow(
      `${file} is damaged (file is not a database). Delete it.`,
    );
  });

  it('is named when it is read', async () => {
    const file = join(directory, 'view.db');
    const made = openSqlite(file);
    await sql`create table t (a text)`.execute(made);
    await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
      insert into t select hex(randomblob(50)) from n`.execute(made);
    await made.destroy();
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xa5, 4096));
    const db = openSqlite(file);
    await expect(sql`select count(*) from t where a > 'x'`.execute(db)).rejects.toThrow(
      `${file} is damaged (database disk image is malformed). Restore it from a backup.`,
    );
    await db.destroy();
  });
});

describe('the connection of a SQLite database', () => {
  it('is had by all who wait for it in the order of asking, each of them alone', async () => {
    const db = openSqlite<{ notes: { id: number } }>(':memory:');
    await sql`create table notes (id integer)`.execute(db);
    const ids = Array.from({ length: 50 }, (_, i) => i);
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      ids.map((id) =>
        db.transaction().execute(async (trx) => {
          expect((inside += 1)).toBe(1);
          await trx.insertInto('notes').values({ id }).execute();
          order.push(id);
          inside -= 1;
        }),
      ),
    );
    expect(order).toEqual(ids);
    await db.destroy();
  });

  it('is free again after a transaction that failed', async () => {
    const db = openSqlite(':memory:');
    const failing = db.transaction().execute(() => Promise.reject(new Error('halfway')));
    await expect(failing).rejects.toThrow('halfway');
    expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
    await db.destroy();
  });
});

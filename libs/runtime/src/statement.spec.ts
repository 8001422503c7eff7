// Statements that are written out are calls on SQLite, and still belong to whoever made them.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Kysely } from 'kysely';
import { openSqlite } from './sqlite.js';
import { run } from './statement.js';

interface Db {
  notes: { note: string };
}

describe.each([
  ['a database that commits each transaction', {}],
  ['a database that gathers commits', { gatherMs: 50 }],
])('statements on %s', (_, options) => {
  let db: Kysely<Db>;

  beforeEach(async () => {
    db = openSqlite<Db>(':memory:', options);
    await run(db, 'create table notes (note text not null)', []);
  });
  afterEach(() => db.destroy());

  const write = (to: Kysely<Db>, note: string) => run(to, 'insert into notes (note) values (?)', [note]);
  const notes = async () => (await run<{ note: string }>(db, 'select note from notes', [])).map(({ note }) => note);

  it('are not taken back with a transaction of somebody else', async () => {
    let meanwhile: Promise<unknown> = Promise.resolve();
    const failing = db.transaction().execute(async (trx) => {
      await write(trx, 'inside');
      meanwhile = write(db, 'beside');
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('taken back');
    });
    await expect(failing).rejects.toThrow('taken back');
    await meanwhile;
    expect(await notes()).toEqual(['beside']);
  });

  it('see nothing of a transaction that has not ended', async () => {
    let seen: Promise<string[]> = Promise.resolve([]);
    const failing = db.transaction().execute(async (trx) => {
      await write(trx, 'inside');
      seen = notes();
      throw new Error('taken back');
    });
    await expect(failing).rejects.toThrow('taken back');
    expect(await seen).toEqual([]);
  });

  it('answer the columns that a table has by now', async () => {
    await write(db, 'first');
    const all = () => run(db, 'select * from notes', []);
    const columns = [];
    for (const change of ['add column "from" text', 'drop column note', 'add column note text', 'drop column "from"']) {
      columns.push(Object.keys((await all())[0] as object));
      await run(db, `alter table notes ${change}`, []);
    }
    expect(columns).toEqual([['note'], ['note', 'from'], ['from'], ['from', 'note']]);
    expect(await all()).toEqual([{ note: null }]);
  });

  it('reject when they fail', async () => {
    await expect(run(db, 'insert into nowhere values (?)', [1])).rejects.toThrow('nowhere');
  });
});

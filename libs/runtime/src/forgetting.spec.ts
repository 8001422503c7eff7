// What is deleted is gone from the files as well.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { Forgetting, forgetDeleted } from './forgetting.js';
import { openSqlite } from './sqlite.js';

interface Db {
  people: { name: string };
}

const NEVER_MS = 3_600_000;
let directory: string;
let db: Kysely<Db>;

const isInFiles = (text: string): boolean =>
  readdirSync(directory).some((file) => readFileSync(join(directory, file)).includes(text));
const bury = async (name: string) => {
  await db.insertInto('people').values({ name }).execute();
  await db.transaction().execute((trx) => trx.deleteFrom('people').where('name', '=', name).execute());
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'forgetting-'));
});
afterEach(async () => {
  await db.destroy();
  rmSync(directory, { recursive: true });
});

describe.each([
  ['whose commits are gathered', { gatherMs: NEVER_MS }],
  ['that commits each transaction', {}],
])('a database %s', (_, options) => {
  beforeEach(async () => {
    db = openSqlite<Db>(join(directory, 'people.db'), options);
    await db.schema.createTable('people').addColumn('name', 'text').execute();
  });

  it('keeps nothing of what was deleted, once it is told to forget', async () => {
    await bury('canary');
    expect(isInFiles('canary')).toBe(true);
    await forgetDeleted(db);
    expect(isInFiles('canary')).toBe(false);
  });

  it('forgets by itself, what was deleted at once in one go', async () => {
    const forgotten = jest.spyOn(db, 'connection');
    const failed = jest.fn();
    const forgetting = new Forgetting(db, failed, 1);
    await bury('canary');
    for (let i = 0; i < 5; i += 1) forgetting.soon();
    while (isInFiles('canary')) await turn();
    expect(forgotten).toHaveBeenCalledTimes(1);
    await bury('again');
    forgetting.soon();
    while (isInFiles('again')) await turn();
    expect(failed).not.toHaveBeenCalled();
  });

  it('is asked again after a failure, and no more once it is stopped', async () => {
    const failed = jest.fn();
    const connection = jest.spyOn(db, 'connection').mockImplementationOnce(() => {
      throw new Error('no');
    });
    const forgetting = new Forgetting(db, failed, 1);
    await bury('canary');
    forgetting.soon();
    while (isInFiles('canary')) await turn();
    expect([failed.mock.calls.length, connection.mock.calls.length]).toEqual([1, 2]);
    forgetting.soon();
    forgetting.stop();
  });
});

it('is not taken for done while another connection reads what was there before', async () => {
  db = openSqlite<Db>(join(directory, 'people.db'));
  await db.schema.createTable('people').addColumn('name', 'text').execute();
  await sql`pragma busy_timeout=0`.execute(db);
  const other = new DatabaseSync(join(directory, 'people.db'));
  other.exec('BEGIN; SELECT count(*) FROM people');
  await bury('canary');
  await expect(forgetDeleted(db)).rejects.toThrow('still in the write-ahead log');
  other.close();
  await forgetDeleted(db);
  expect(isInFiles('canary')).toBe(false);
});

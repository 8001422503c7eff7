import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrateAlone, openPostgres, openSqlite } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { sql, type Kysely } from 'kysely';
import { migrateRevocationDb, type RevocationDb } from './revocation-db.js';

let postgres: PrivatePostgres;
beforeAll(async () => {
  postgres = await startPrivatePostgres();
});
afterAll(() => postgres.stop());

const dialects: [string, () => Promise<Kysely<RevocationDb>>][] = [
  ['SQLite', async () => openSqlite<RevocationDb>(':memory:')],
  ['PostgreSQL', () => openPostgres<RevocationDb>(postgres.url, 'revocation')],
];

describe.each(dialects)('the tables of the room, on %s', (_, open) => {
  it('stay as they are at a second start, and are made anew where an earlier version made them', async () => {
    const db = await open();
    const migrate = () => migrateAlone(db, migrateRevocationDb);
    const held = async () => (await db.selectFrom('held_requirements').selectAll().execute()).length;
    const checkpoints = async () => (await sql<{ name: string }>`select name from checkpoints`.execute(db)).rows;
    await migrate();
    await db.insertInto('held_requirements').values({ tenant: 'acme', group_id: 'g', holding_id: 'h' }).execute();
    await db.schema.createTable('checkpoints').addColumn('name', 'text').execute();
    await sql`insert into checkpoints (name) values ('relay'), ('another')`.execute(db);
    await migrate();
    expect([await held(), await checkpoints()]).toEqual([1, [{ name: 'relay' }, { name: 'another' }]]);
    await db.schema.alterTable('work_targets').dropColumn('secret_id').execute();
    await migrate();
    expect([await held(), await checkpoints()]).toEqual([0, [{ name: 'another' }]]);
    await migrate();
    expect(await db.selectFrom('work_targets').select('secret_id').execute()).toEqual([]);
    await db.destroy();
  });
});

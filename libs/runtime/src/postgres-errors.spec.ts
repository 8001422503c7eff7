// Which failures of a query pass by themselves, and what is said of those that keep a start from going on.
import { startPrivatePostgres } from '@app/testkit';
import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { isDatabaseAway } from './postgres-errors.js';
import { openPostgres } from './sql.js';

const coded = (code: string): Error => Object.assign(new Error('x'), { code });
const reasonOf = (url: string): Promise<string> =>
  openPostgres(url, 's').then(
    () => 'opened',
    (error: Error) => error.message,
  );

describe('PostgreSQL', () => {
  it('is away when the connection or the server goes, and not when a statement fails', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', '57P01', '57P03', '08006', '53300'])
      expect([code, isDatabaseAway(coded(code))]).toEqual([code, true]);
    expect(isDatabaseAway(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isDatabaseAway(new AggregateError([coded('ECONNREFUSED')]))).toBe(true);
    for (const error of [coded('23505'), coded('42P01'), new Error('password=1'), undefined, 'text'])
      expect(isDatabaseAway(error)).toBe(false);
  });

  it('is away to a query once it is stopped, and names DATABASE_URL when it cannot be opened', async () => {
    const server = await startPrivatePostgres();
    const db = await openPostgres(server.url, 's');
    const wrong = new URL(server.url);
    wrong.pathname = '/no_such_database';
    expect(await reasonOf(wrong.href)).toMatch(/DATABASE_URL cannot be opened: .*no_such_database.*Start it, or mend/);
    await server.stop();
    const failure = await sql`select 1`.execute(db).catch((error: unknown) => error);
    expect([failure, isDatabaseAway(failure)]).toEqual([failure, true]);
    expect(await reasonOf(server.url)).toMatch(/DATABASE_URL cannot be opened: .*ECONNREFUSED/);
    await db.destroy();
  }, 60_000);
});

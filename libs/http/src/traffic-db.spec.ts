import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openPostgres, openSqlite } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { Logger } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import { ExchangeLog, type Exchange } from './exchange-log.js';
import { QuirkCounts } from './quirk-counts.js';
import { migrateTrafficDb, type TrafficDb } from './traffic-db.js';

let requests = 0;
const exchange = (at: number, more: Partial<Exchange> = {}): Exchange => ({
  at,
  method: 'GET',
  route: '/scim/v2/Users',
  resourceId: undefined,
  status: 200,
  scimType: undefined,
  durationMs: 1,
  quirks: undefined,
  requestId: `request-${++requests}`,
  ...more,
});
const newestFirst = (from: number, count: number) => Array.from({ length: count }, (_, i) => from - i);

let postgres: PrivatePostgres;
const dbs: Partial<Record<string, Kysely<TrafficDb>>> = {};
beforeAll(async () => {
  Logger.overrideLogger(false);
  postgres = await startPrivatePostgres();
  dbs['sqlite'] = openSqlite<TrafficDb>(':memory:');
  dbs['postgres'] = await openPostgres<TrafficDb>(postgres.url, 'traffic');
  for (const db of Object.values(dbs)) await migrateTrafficDb(db as Kysely<TrafficDb>);
}, 60_000);
afterAll(async () => {
  Logger.overrideLogger(['warn', 'error']);
  for (const db of Object.values(dbs)) await db?.destroy();
  await postgres.stop();
});

describe.each(['sqlite', 'postgres'])('what is remembered of requests on %s', (name) => {
  const open = () => dbs[name] as Kysely<TrafficDb>;
  const times = async (log: ExchangeLog, connection: string) => (await log.of(connection)).map(({ at }) => at);
  const outage = (from: string, to: string) => sql`alter table ${sql.id(from)} rename to ${sql.id(to)}`.execute(open());
  afterEach(async () => {
    for (const table of ['exchanges', 'quirk_counts'] as const) await open().deleteFrom(table).execute();
  });

  it('is the last 500 requests of each connection, the newest first, whichever process they came to', async () => {
    const [one, other] = [new ExchangeLog(open()), new ExchangeLog(open())];
    for (let at = 0; at < 1_234; at += 1) {
      (at % 2 === 0 ? one : other).add('busy', exchange(at));
      if (at % 300 === 0) await one.close();
    }
    one.add('quiet', exchange(7));
    await Promise.all([one.close(), other.close()]);
    expect(await times(new ExchangeLog(open()), 'busy')).toEqual(newestFirst(1_233, 500));
    expect(await times(other, 'quiet')).toEqual([7]);
    expect(await times(one, 'unknown')).toEqual([]);
    const { rows } = await sql<{ n: number }>`select count(*) as n from exchanges`.execute(open());
    expect(Number(rows[0]?.n)).toBe(501);
  });

  it('keeps the order of what arrived in one millisecond', async () => {
    const log = new ExchangeLog(open());
    const sent = Array.from({ length: 20 }, () => exchange(1));
    for (const one of sent) log.add('okta', one);
    expect((await log.of('okta')).map(({ requestId }) => requestId)).toEqual(
      sent.map(({ requestId }) => requestId).toReversed(),
    );
  });

  it('holds ids of our own, and nothing else that stood in a path', async () => {
    const log = new ExchangeLog(open());
    const ours = '0190a3f2-7c2e-7d4b-9f53-6f0a4c1d2e3b';
    log.add('okta', exchange(1, { resourceId: 'ada@canary.example', route: '/scim/v2/Users/:id' }));
    log.add('okta', exchange(2, { resourceId: ours, quirks: { 'boolean-as-string': 2 } }));
    const [newer, older] = await log.of('okta');
    expect(newer).toMatchObject({ resourceId: ours, quirks: { 'boolean-as-string': 2 } });
    expect(older).not.toHaveProperty('resourceId');
    expect(JSON.stringify(await open().selectFrom('exchanges').selectAll().execute())).not.toContain('canary');
  });

  it('counts exactly what several processes met, also at once', async () => {
    const processes = Array.from({ length: 4 }, () => new QuirkCounts(open()));
    for (let round = 0; round < 50; round += 1) {
      for (const counts of processes) counts.add('acme', 'okta', { a: 1, b: 2 });
      await Promise.all(processes.map((counts) => counts.close()));
    }
    processes[0]?.add('globex', 'entra', { a: 1 });
    expect(await processes[0]?.of('acme', 'okta')).toEqual({ a: 200, b: 400 });
    expect(await new QuirkCounts(open()).of('globex', 'entra')).toEqual({ a: 1 });
    expect(await new QuirkCounts(open()).of('globex', 'okta')).toEqual({});
  });

  it('is written without being asked for', async () => {
    const [log, counts] = [new ExchangeLog(open()), new QuirkCounts(open())];
    log.add('okta', exchange(1));
    counts.add('acme', 'okta', { a: 1 });
    const written = async () =>
      (await open().selectFrom('exchanges').selectAll().execute()).length +
      (await open().selectFrom('quirk_counts').selectAll().execute()).length;
    expect(await written()).toBe(0);
    while ((await written()) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('survives an outage of the database: the newest requests and every count', async () => {
    const [log, counts] = [new ExchangeLog(open()), new QuirkCounts(open())];
    await outage('exchanges', 'exchanges_away');
    await outage('quirk_counts', 'quirk_counts_away');
    for (let at = 0; at < 400; at += 1) log.add('okta', exchange(at));
    counts.add('acme', 'okta', { a: 3 });
    await Promise.all([log.close(), counts.close()]);
    for (let at = 400; at < 700; at += 1) log.add('okta', exchange(at));
    counts.add('acme', 'okta', { a: 4 });
    await Promise.all([log.close(), counts.close()]);
    await outage('exchanges_away', 'exchanges');
    await outage('quirk_counts_away', 'quirk_counts');
    expect(await times(log, 'okta')).toEqual(newestFirst(699, 500));
    expect(await counts.of('acme', 'okta')).toEqual({ a: 7 });
  });
});

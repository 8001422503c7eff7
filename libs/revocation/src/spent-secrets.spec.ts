import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openPostgres, openSqlite } from '@app/runtime';
import type { Vault } from '@app/vault';
import { eventually, startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import type { Kysely } from 'kysely';
import { Bench } from './cascade.fixture.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { SpentSecrets } from './spent-secrets.js';

let bench: Bench;
let spent: SpentSecrets;
let secretId: string;
const errors: unknown[] = [];

const over = (vault: Pick<Vault, 'destroySecrets'>) =>
  new SpentSecrets({ db: bench.db, vault: vault as Vault, clock: bench.clock, onError: (error) => errors.push(error) });

const begin = async (db: Kysely<RevocationDb>) => {
  errors.length = 0;
  bench = await Bench.open(db);
  spent = over(bench.vault);
  bench.onWork = (change) => spent.notice(change.ended);
  ({ secretId } = await bench.vault.putSecret('acme', 'the-token'));
  await bench.user('ada');
  await bench.credential('token', { userId: 'ada', secretId });
  await bench.deactivate('ada');
  await bench.follow();
};

afterEach(async () => {
  await spent.stop();
  await bench.close();
});

const material = () => bench.vault.openSecret('acme', secretId);
const gone = () =>
  eventually('the material is gone', async () => ((await material()) === undefined ? true : undefined));
const kept = () => bench.db.selectFrom('held_holdings').select('secret_ids').executeTakeFirst();
const target = async () => (await bench.targets())[0] as TargetRow;

const stored = async (secret: string) => (await bench.vault.putSecret('acme', secret)).secretId;

const settleOpen = async () => {
  for (const row of await bench.targets()) if (row.state !== 'settled') await bench.settle(row, 'RevocationVerified');
  await bench.follow();
};

const settleAll = async () => {
  await bench.settle(await target(), 'RevocationAcknowledged');
  await bench.follow();
};

let postgres: PrivatePostgres;
beforeAll(async () => {
  postgres = await startPrivatePostgres();
});
afterAll(() => postgres.stop());

let schemas = 0;
const dialects: [string, () => Promise<Kysely<RevocationDb>>][] = [
  ['SQLite', async () => openSqlite<RevocationDb>(':memory:')],
  ['PostgreSQL', () => openPostgres<RevocationDb>(postgres.url, `spent${(schemas += 1)}`)],
];

describe.each(dialects)('the material of a holding, on %s', (_, open) => {
  beforeEach(async () => begin(await open()));

  it('stays while its target is open, and is destroyed within a second of its end', async () => {
    spent.notice([{ tenant: 'acme', holding_type: 'credential', holding_id: 'token' }]);
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await material()).toBe('the-token');
    spent = over(bench.vault);
    await settleAll();
    expect(await material()).toBe('the-token');
    bench.clock.advance(1_000);
    await gone();
    await spent.stop();
    expect(await kept()).toEqual({ secret_ids: '[]' });
  });

  it('stays while a second target of the same holding is open', async () => {
    await bench.db
      .insertInto('work_targets')
      .values({ ...(await target()), target_id: 'second' })
      .execute();
    await settleAll();
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await material()).toBe('the-token');
  });

  it('stays until the targets of its plan are there, whatever else is read first', async () => {
    const other = await stored('another');
    await bench.user('bob');
    await bench.credential('behind', { userId: 'bob', secretId: other });
    await bench.deactivate('bob');
    await bench.release('behind');
    // The plan is recorded behind the release, and read in the next batch.
    await bench.followOnce();
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await bench.vault.openSecret('acme', other)).toBe('another');
    spent = over(bench.vault);
    await bench.follow();
    await settleOpen();
    bench.clock.advance(1_000);
    await eventually('the material is gone', async () =>
      (await bench.vault.openSecret('acme', other)) === undefined ? true : undefined,
    );
  });

  it('stays until then also when it was rotated and released since', async () => {
    const [first, second] = [await stored('first'), await stored('second')];
    await bench.user('bob');
    await bench.credential('behind', { userId: 'bob', secretId: first });
    await bench.deactivate('bob');
    await bench.reactivate('bob', 2);
    await bench.rotate('behind', second);
    await bench.release('behind');
    await bench.followOnce();
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await bench.vault.openSecret('acme', first)).toBe('first');
  });

  it('stays when a new secret made the holding held again', async () => {
    await settleAll();
    await bench.db.updateTable('held_holdings').set({ state: 'held' }).execute();
    bench.clock.advance(1_000);
    await spent.stop();
    expect(await material()).toBe('the-token');
  });

  it('is found again by the next process when this one died before it was destroyed', async () => {
    bench.onWork = () => undefined;
    await settleAll();
    const next = over(bench.vault);
    await next.recover();
    bench.clock.advance(1_000);
    await gone();
    await next.stop();
  });

  it('is destroyed later when the vault does not answer', async () => {
    let reachable = false;
    spent = over({
      destroySecrets: (...args) =>
        reachable ? bench.vault.destroySecrets(...args) : Promise.reject(new Error('the vault does not answer')),
    });
    await settleAll();
    bench.clock.advance(1_000);
    await eventually('the failure is reported', async () => (errors.length > 0 ? true : undefined));
    reachable = true;
    await eventually('the second try destroys it', async () => {
      bench.clock.advance(5_000);
      return (await material()) === undefined ? true : undefined;
    });
    expect(errors).toHaveLength(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Projector } from '@app/event-log';
import { openSqlite } from '@app/runtime';
import { sql, type Kysely } from 'kysely';
import { ChangeAgent, DeleteAgent } from './agent.commands.js';
import type { DirectoryDb } from './directory-db.js';
import { Directory } from './directory.fixture.js';
import { DirectoryView } from './directory.view.js';
import { ChangeGroup, DeleteGroup } from './group.commands.js';
import { CreateTenant, IssueConnectionToken, OpenConnection } from './tenant.commands.js';
import { ChangeUser, DeleteUser } from './user.commands.js';

let directory: Directory;

beforeEach(async () => {
  directory = await Directory.open();
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const tables = ['users', 'groups', 'members', 'agents', 'owners', 'connections', 'tokens'] as const;

async function rowsOf(db: Kysely<DirectoryDb>): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const table of tables) {
    const rows = await db.selectFrom(table).selectAll().execute();
    all[table] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return all;
}

async function rebuilt(batch: number): Promise<Record<string, unknown[]>> {
  const db = openSqlite<DirectoryDb>(':memory:');
  const view = new DirectoryView(directory.vault);
  await view.migrate(db);
  const events = await directory.events();
  for (let start = 0; start < events.length; start += batch) {
    await db.transaction().execute((trx) => view.apply(trx, events.slice(start, start + batch)));
  }
  const rows = await rowsOf(db);
  await db.destroy();
  return rows;
}

/** A little of everything, in two tenants. */
async function tell(): Promise<void> {
  const run = directory.run.bind(directory);
  const request = () => directory.request();
  await run(new CreateTenant(request(), 'Acme'));
  const { connectionId } = await run(new OpenConnection(request(), 'Okta', 'lenient'));
  await run(new IssueConnectionToken(request(), connectionId));
  const ada = await directory.user('ada', { displayName: 'Ada', externalId: 'x1' });
  const bob = await directory.user('bob');
  const eve = await directory.user('eve', { active: false });
  await directory.user('ada', { tenant: 'globex' });
  const write = { attributes: { userName: 'ada', displayName: 'Countess' }, active: false, changed: ['displayName'] };
  await run(new ChangeUser(request(), ada, () => write));
  const ops = await directory.group('Ops', [ada, bob, eve]);
  const old = await directory.group('Old', [ada, ops]);
  const delta = { attributes: { displayName: 'Dev' }, changed: ['displayName'], added: [old], removed: [bob] };
  await run(new ChangeGroup(request(), ops, () => delta));
  await run(new DeleteGroup(request(), old));
  const bot = await directory.agent('Bot', [
    { type: 'User', id: bob },
    { type: 'Group', id: ops },
  ]);
  const gone = await directory.agent('Gone', [{ type: 'User', id: bob }]);
  await run(
    new ChangeAgent(request(), bot, (a) => ({ ...a, name: 'Robot', active: false, owners: a.owners.slice(1) })),
  );
  await run(new DeleteAgent(request(), gone));
  await run(new DeleteUser(request(), eve));
  await directory.settled();
}

describe('the view', () => {
  it.each([1, 2, 7, 1000])('has the same rows however the log is cut (batches of %d)', async (batch) => {
    await tell();
    expect(await rebuilt(batch)).toEqual(await rowsOf(directory.db));
  });

  it('keeps nothing of a deleted user', async () => {
    const eve = await directory.user('eve', { displayName: 'Eve Moneypenny' });
    const ops = await directory.group('Ops', [eve]);
    await directory.run(new DeleteUser(directory.request(), eve));
    const { groups, ...rest } = await rowsOf(directory.db);
    expect(groups?.join()).toContain(ops);
    expect(JSON.stringify(rest)).not.toMatch(new RegExp(`${eve}|Moneypenny`));
  });

  it('erases the key of a deleted user although the first try to apply the deletion is rolled back', async () => {
    await directory.close();
    directory = await Directory.open({ view: false });
    const eve = await directory.user('eve');
    const [provisioned] = await directory.eventsOf('UserProvisioned');
    const { dataKeyId, sealed } = provisioned?.data as { dataKeyId: string; sealed: string };
    const context = { tenant: 'acme', subject: eve, field: 'resource', eventType: 'UserProvisioned' };
    await directory.run(new DeleteUser(directory.request(), eve));
    expect(await directory.vault.open(dataKeyId, context, sealed)).toContain('eve');
    const crash = directory.db.transaction().execute(async (trx) => {
      await directory.get(DirectoryView).migrate(trx);
      await directory.get(DirectoryView).apply(trx, await directory.events());
      throw new Error('power cut');
    });
    await expect(crash).rejects.toThrow('power cut');
    await directory.runView();
    await directory.settled();
    expect(await directory.vault.open(dataKeyId, context, sealed)).toBeUndefined();
    expect(await directory.db.selectFrom('users').selectAll().execute()).toEqual([]);
  });

  it('shows no user whose key was erased, even before it sees the deletion', async () => {
    await directory.user('eve');
    await directory.run(
      new DeleteUser(directory.request(), (await directory.eventsOf('UserProvisioned'))[0]?.data.userId as string),
    );
    const upToDeletion = (await directory.events()).filter((event) => event.type === 'UserProvisioned');
    const db = openSqlite<DirectoryDb>(':memory:');
    const view = new DirectoryView(directory.vault);
    await view.migrate(db);
    await view.apply(db, upToDeletion);
    expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  it('tells its listeners of every batch that is committed, before a write of it is answered', async () => {
    const told: string[] = [];
    directory.get(DirectoryView).onCommitted((events) => told.push(...events.map((event) => event.type)));
    await directory.user('ada');
    expect(told).toEqual(['UserNameReserved', 'UserProvisioned']);
    await directory.run(new CreateTenant(directory.request(), 'Acme'));
    expect(told.slice(2)).toEqual(['TenantCreated']);
  });
});

describe('a database of an earlier version', () => {
  it('is made from the log again, without what is not in the log being lost', async () => {
    await tell();
    const db = openSqlite<DirectoryDb>(':memory:');
    const follow = async () => {
      const projection = new DirectoryView(directory.vault);
      const onError = (error: unknown) => directory.errors.push(error);
      const projector = new Projector<DirectoryDb>({ log: directory.log, db, projection, onError });
      await projector.start();
      expect(await projector.reached((await directory.log.head()) as bigint, 5_000)).toBe(true);
      await projector.stop();
      return rowsOf(db);
    };
    const rows = await follow();
    const use = { tenant: 'acme', token_id: 'x', used_at: directory.clock.iso() };
    await db.insertInto('token_uses').values(use).execute();
    for (const index of ['users_connection', 'users_user_name']) await sql`drop index ${sql.id(index)}`.execute(db);
    await sql`alter table users drop column connection_id`.execute(db);
    expect(await follow()).toEqual(rows);
    expect(await db.selectFrom('token_uses').selectAll().execute()).toEqual([use]);
    await db.destroy();
  });
});

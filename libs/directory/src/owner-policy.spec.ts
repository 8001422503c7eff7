import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqlite } from '@app/runtime';
import { sql } from 'kysely';
import { ChangeAgent, type AgentWrite } from './agent.commands.js';
import { Directory } from './directory.fixture.js';
import { FindAgent, FindUser } from './directory.queries.js';
import { DeleteGroup } from './group.commands.js';
import { OwnerPolicy } from './owner-policy.js';
import type { OwnerPolicyDb } from './owner-policy-db.js';
import { ChangeUser, DeleteUser } from './user.commands.js';

let directory: Directory;
let ada: string;
let bob: string;

const user = (id: string) => ({ type: 'User', id }) as const;
const group = (id: string) => ({ type: 'Group', id }) as const;
const setActive = (userId: string, active: boolean) =>
  directory.run(new ChangeUser(directory.request(), userId, ({ attributes }) => ({ attributes, active, changed: [] })));
const changeAgent = (agentId: string, write: Partial<AgentWrite>) =>
  directory.run(new ChangeAgent(directory.request(), agentId, (current) => ({ ...current, ...write })));
const isActive = async (agentId: string) => (await directory.ask(new FindAgent('acme', agentId)))?.active;
const orphaned = async () => (await directory.eventsOf('AgentOrphaned')).map((event) => event.data.agentId);

beforeEach(async () => {
  directory = await Directory.open();
  ada = await directory.user('ada');
  bob = await directory.user('bob');
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

describe('an agent is suspended', () => {
  it('when its only owner is deactivated, with the request that caused it', async () => {
    const agent = await directory.agent('Bot', [user(ada)]);
    await setActive(ada, false);
    await directory.settled();
    expect(await isActive(agent)).toBe(false);
    const [cause] = await directory.eventsOf('UserDeactivated');
    const [event] = await directory.eventsOf('AgentOrphaned');
    expect(event?.metadata).toMatchObject({
      actor: 'system:owner-policy',
      causationId: cause?.id,
      correlationId: cause?.metadata.correlationId,
      receivedAt: cause?.metadata.receivedAt,
    });
  });

  it('when its last owners are deleted one after the other, and only then', async () => {
    const agent = await directory.agent('Bot', [user(ada), user(bob)]);
    await directory.run(new DeleteUser(directory.request(), ada));
    await directory.settled();
    expect(await isActive(agent)).toBe(true);
    await directory.run(new DeleteUser(directory.request(), bob));
    await directory.settled();
    expect(await isActive(agent)).toBe(false);
  });

  it('when the group that owned it is deleted; an empty group owns it until then', async () => {
    const ops = await directory.group('Ops');
    const agent = await directory.agent('Bot', [user(ada), group(ops)]);
    await setActive(ada, false);
    await directory.settled();
    expect(await isActive(agent)).toBe(true);
    await directory.run(new DeleteGroup(directory.request(), ops));
    await directory.settled();
    expect(await isActive(agent)).toBe(false);
  });

  it('when it is left to an owner who may not act', async () => {
    await setActive(bob, false);
    const agent = await directory.agent('Bot', [user(ada), user(bob)]);
    await changeAgent(agent, { owners: [user(bob)] });
    await directory.settled();
    expect(await orphaned()).toEqual([agent]);
  });

  it('when it is left to an owner who was inactive from the beginning, and not to one who has come back', async () => {
    const carl = await directory.user('carl');
    await setActive(carl, false);
    await setActive(carl, true);
    const kept = await directory.agent('Kept', [user(ada), user(carl)]);
    const dora = await directory.user('dora', { active: false });
    const left = await directory.agent('Left', [user(ada), user(dora)]);
    await setActive(ada, false);
    await directory.settled();
    expect([await isActive(kept), await isActive(left)]).toEqual([true, false]);
  });

  it('when it is provisioned, or reactivated, while none of its owners may act', async () => {
    await setActive(ada, false);
    const agent = await directory.agent('Bot', [user(ada)]);
    await directory.settled();
    expect(await isActive(agent)).toBe(false);
    await changeAgent(agent, { active: true });
    await directory.settled();
    expect(await isActive(agent)).toBe(false);
    expect(await orphaned()).toEqual([agent, agent]);
    await changeAgent(agent, { active: true, owners: [user(bob)] });
    await directory.settled();
    expect(await isActive(agent)).toBe(true);
  });

  it('when it is pushed as a user and its manager goes, but not while nobody but its connection owns it', async () => {
    const asAgent = { agentWhen: 'userType eq "Agent"', userType: 'Agent' };
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const managed = await directory.user('bot', { ...asAgent, [enterprise]: { manager: { value: ada } } });
    const free = await directory.user('free-bot', asAgent);
    await setActive(ada, false);
    await directory.settled();
    expect(await orphaned()).toEqual([managed]);
    expect([await isActive(managed), await isActive(free)]).toEqual([false, true]);
    expect(await directory.ask(new FindUser('acme', managed))).toMatchObject({ active: false });
  });

  it('but not its children, and not the agents of other owners', async () => {
    const parent = await directory.agent('Parent', [user(ada)]);
    await directory.agent('Child', [user(bob)], { parentId: parent });
    await setActive(ada, false);
    await directory.settled();
    expect(await orphaned()).toEqual([parent]);
  });

  it('once for many causes at once', async () => {
    const agent = await directory.agent('Bot', [user(ada), user(bob)]);
    await Promise.all([
      setActive(ada, false),
      setActive(bob, false),
      directory.run(new DeleteUser(directory.request(), ada)).catch(() => undefined),
    ]);
    await directory.settled();
    expect(await orphaned()).toEqual([agent]);
  });
});

describe('a replay', () => {
  /** Applies the whole log with a policy that forgot everything, as after a crash or a rebuild. */
  async function replay(): Promise<void> {
    const db = openSqlite<OwnerPolicyDb>(':memory:');
    const policy = directory.get(OwnerPolicy);
    await policy.migrate(db);
    await policy.apply(db, await directory.events());
    await db.destroy();
  }

  it('follows when the tables are those of an earlier version', async () => {
    const db = openSqlite<OwnerPolicyDb>(':memory:');
    for (const table of ['policy_owners', 'policy_owned', 'policy_agents'])
      await db.schema.createTable(table).addColumn('old', 'text').execute();
    await db.schema.createTable('checkpoints').addColumn('name', 'text').execute();
    await sql`insert into checkpoints (name) values ('owner-policy'), ('another')`.execute(db);
    await directory.get(OwnerPolicy).migrate(db);
    expect((await sql<{ name: string }>`select name from checkpoints`.execute(db)).rows).toEqual([{ name: 'another' }]);
    expect(await db.selectFrom('policy_agents').selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  it('appends nothing again', async () => {
    await directory.agent('Bot', [user(ada)]);
    await setActive(ada, false);
    await directory.settled();
    const head = await directory.log.head();
    await replay();
    expect(await directory.log.head()).toBe(head);
  });

  it('does not suspend what was reactivated since', async () => {
    const agent = await directory.agent('Bot', [user(ada)]);
    await setActive(ada, false);
    await directory.settled();
    await changeAgent(agent, { active: true, owners: [user(bob)] });
    await replay();
    expect(await isActive(agent)).toBe(true);
  });

  it('does not suspend what was inactive when its owner left and was activated later', async () => {
    const agent = await directory.agent('Bot', [user(ada)], { active: false });
    await setActive(ada, false);
    await changeAgent(agent, { active: true, owners: [user(bob)] });
    await directory.settled();
    await replay();
    expect(await orphaned()).toEqual([]);
  });

  it('finishes what a crash left undone', async () => {
    await directory.close();
    directory = await Directory.open({ policy: false });
    const [owner] = [await directory.user('ada')];
    const agent = await directory.agent('Bot', [user(owner)]);
    await setActive(owner, false);
    await changeAgent(agent, { name: 'Renamed' });
    expect(await orphaned()).toEqual([]);
    await directory.runPolicy();
    await directory.settled();
    expect(await orphaned()).toEqual([agent]);
  });

  it('is complete when it stopped after the append and before the checkpoint', async () => {
    await directory.close();
    directory = await Directory.open({ policy: false });
    const owner = await directory.user('ada');
    const agent = await directory.agent('Bot', [user(owner)]);
    await setActive(owner, false);
    const db = openSqlite<OwnerPolicyDb>(':memory:');
    const policy = directory.get(OwnerPolicy);
    await policy.migrate(db);
    const events = await directory.events();
    const crash = db.transaction().execute(async (trx) => {
      await policy.apply(trx, events);
      throw new Error('power cut');
    });
    await expect(crash).rejects.toThrow('power cut');
    expect(await orphaned()).toEqual([agent]);
    await directory.runPolicy(db);
    await directory.settled();
    expect(await orphaned()).toEqual([agent]);
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { streams, type RecordedEvent } from '@app/events';
import { openSqlite } from '@app/runtime';
import { Logger } from '@nestjs/common';
import { Directory } from '../directory.fixture.js';
import { InvalidPolicy, NotFound, RoleIsComputed, UnknownMembers } from '../directory.errors.js';
import { DeleteGroup } from '../group.commands.js';
import { DefineCondition, DefineRole, GrantRole, WithdrawRole, type RoleDefinition } from '../role.commands.js';
import { ListRoles, RoleMembers } from '../role.queries.js';
import { ChangeUser, DeleteUser, type Attributes } from '../user.commands.js';
import { Conditions } from './conditions.js';
import { People } from './people.js';
import { RoleFollower, type RoleFollowerDb } from './role-follower.js';
import { rolesAggregate } from './roles.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const engineering = `${ENTERPRISE}:department eq "Engineering"`;
const inDepartment = (department: string) => ({ [ENTERPRISE]: { department } });

let directory: Directory;
beforeEach(async () => {
  directory = await Directory.open({ policy: false });
  await directory.runRoles();
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const define = (roleId: string, more: Partial<RoleDefinition> = {}, tenant = 'acme') =>
  directory.run(new DefineRole(directory.request(tenant), roleId, { name: roleId, kind: 'role', ...more }));
const pushed = { agentWhen: 'userType eq "Agent"', userType: 'Agent' };
const grant = (roleId: string, userId: string) => directory.run(new GrantRole(directory.request(), roleId, userId));
const withdraw = (roleId: string, userId: string) =>
  directory.run(new WithdrawRole(directory.request(), roleId, userId));
const change = (userId: string, attributes: Attributes, active = true) =>
  directory.run(
    new ChangeUser(directory.request(), userId, (user) => ({
      attributes: { ...user.attributes, ...attributes },
      active,
      changed: Object.keys(attributes),
    })),
  );

async function membersOf(roleId: string, tenant = 'acme'): Promise<Record<string, readonly string[]> | undefined> {
  await directory.settled();
  const found = await directory.ask(new RoleMembers(tenant, roleId, 0, 1_000));
  return found && Object.fromEntries(found.items.map(({ userId, sources }) => [userId, sources]));
}

describe('a condition', () => {
  it('holds for those who satisfied it before it was defined, and for those who come', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await directory.user('bob', inDepartment('Sales'));
    await define('engineers', { condition: engineering });
    const eve = await directory.user('eve', inDepartment('engineering'));
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'], [eve]: ['condition'] });
  });

  it('ends with the change that makes it false, as part of the same request', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    await directory.settled();
    await change(ada, inDepartment('Sales'));
    expect(await membersOf('engineers')).toEqual({});
    const [cause] = await directory.eventsOf('UserChanged');
    const last = (await directory.eventsOf('RoleMembershipChanged')).at(-1);
    expect(last?.data).toEqual({ roleId: 'engineers', added: [], changed: [], removed: [ada] });
    expect(last?.metadata).toMatchObject({
      actor: 'system:roles',
      causationId: cause?.id,
      correlationId: cause?.metadata.correlationId,
      receivedAt: cause?.metadata.receivedAt,
    });
  });

  it('begins and ends for an agent that is pushed as a user as for a person', async () => {
    await define('engineers', { condition: engineering });
    const bot = await directory.user('bot', { ...pushed, ...inDepartment('Engineering') });
    expect(await membersOf('engineers')).toEqual({ [bot]: ['condition'] });
    await change(bot, inDepartment('Sales'));
    expect(await membersOf('engineers')).toEqual({});
    await change(bot, inDepartment('Engineering'));
    await directory.run(new DeleteUser(directory.request(), bot));
    expect(await membersOf('engineers')).toEqual({});
  });

  it('ends when the attribute is removed, and when the person is', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    const bob = await directory.user('bob', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    await change(ada, { [ENTERPRISE]: undefined });
    expect(await membersOf('engineers')).toEqual({ [bob]: ['condition'] });
    await directory.run(new DeleteUser(directory.request(), bob));
    expect(await membersOf('engineers')).toEqual({});
  });

  it('may ask whether somebody is active', async () => {
    const ada = await directory.user('ada');
    await define('present', { condition: 'active eq true' });
    await change(ada, {}, false);
    expect(await membersOf('present')).toEqual({});
  });

  it('that changes is judged anew for everybody', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    const bob = await directory.user('bob', inDepartment('Sales'));
    await define('some', { condition: engineering });
    await define('some', { condition: `${ENTERPRISE}:department eq "Sales"` });
    expect(await membersOf('some')).toEqual({ [bob]: ['condition'] });
    await define('some');
    expect(await membersOf('some')).toEqual({});
    expect(ada).toBeDefined();
  });

  it('alone decides: nobody is given its role by hand', async () => {
    const ada = await directory.user('ada');
    await define('engineers', { condition: engineering });
    await expect(grant('engineers', ada)).rejects.toThrow(RoleIsComputed);
    await define('plain');
    await grant('plain', ada);
    await define('plain', { condition: engineering });
    expect(await membersOf('plain')).toEqual({});
  });

  it('written in another way is the same one', async () => {
    const context = directory.request();
    const one = await directory.run(new DefineCondition(context, engineering));
    const two = await directory.run(new DefineCondition(context, `( ${ENTERPRISE}:department  EQ "Engineering" )`));
    expect(two.roleId).toBe(one.roleId);
    expect(await directory.eventsOf('RoleDefined')).toHaveLength(1);
  });
});

describe('a role given by hand', () => {
  it('stays whatever changes, until it is taken by hand or the person is deleted', async () => {
    const [ada, bob] = [await directory.user('ada'), await directory.user('bob')];
    await define('ops', { kind: 'team' });
    await grant('ops', ada);
    await grant('ops', bob);
    await change(ada, { title: 'Other' });
    expect(await membersOf('ops')).toEqual({ [ada]: ['manual'], [bob]: ['manual'] });
    await withdraw('ops', ada);
    await directory.run(new DeleteUser(directory.request(), bob));
    expect(await membersOf('ops')).toEqual({});
  });

  it('is recorded once, and taking what nobody has records nothing', async () => {
    const ada = await directory.user('ada');
    await define('ops');
    await withdraw('ops', ada);
    await grant('ops', ada);
    await grant('ops', ada);
    expect(await directory.eventsOf('RoleMembershipChanged')).toHaveLength(1);
  });

  it('needs a role and a person that exist', async () => {
    const group = await directory.group('g');
    await expect(grant('none', await directory.user('ada'))).rejects.toThrow(NotFound);
    await define('ops');
    await expect(grant('ops', 'nobody')).rejects.toThrow(UnknownMembers);
    await expect(grant('ops', group)).rejects.toThrow(UnknownMembers);
  });
});

it('roles are those of one tenant', async () => {
  const theirs = await directory.user('ada', { ...inDepartment('Engineering'), tenant: 'globex' });
  await define('engineers', { condition: engineering });
  expect(await membersOf('engineers')).toEqual({});
  expect(await membersOf('engineers', 'globex')).toBeUndefined();
  expect(await directory.ask(new ListRoles('globex'))).toEqual([]);
  await define('ops');
  await expect(grant('ops', theirs)).rejects.toThrow(UnknownMembers);
});

it('a role is defined once, and listed with how many have it', async () => {
  const ada = await directory.user('ada');
  await define('ops', { name: 'Operations', kind: 'team' });
  await define('ops', { name: 'Operations', kind: 'team' });
  await grant('ops', ada);
  expect(await directory.eventsOf('RoleDefined')).toHaveLength(1);
  const [summary] = await directory.ask(new ListRoles('acme'));
  expect(summary).toEqual({ roleId: 'ops', name: 'Operations', kind: 'team', memberCount: 1 });
  await expect(define('condition-mine')).rejects.toThrow(InvalidPolicy);
});

describe('the follower', () => {
  it('leaves everything alone as long as there are no roles', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await change(ada, inDepartment('Sales'));
    await directory.group('g', [ada]);
    await directory.settled();
    expect(directory.get(RoleFollower).inForce).toBe(false);
  });

  it('records nothing again in a replay, whole or after a crash before the checkpoint', async () => {
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    await change(ada, inDepartment('Sales'));
    await change(ada, inDepartment('Engineering'));
    await directory.settled();
    const head = await directory.log.head();
    await directory.runRoles();
    await directory.settled();
    expect(await directory.log.head()).toBe(head);
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'] });
  });

  it('takes no role by what somebody once was, while a view that is made anew has not come as far as the roles', async () => {
    const ada = await directory.user('ada', inDepartment('Sales'));
    await define('engineers', { condition: engineering });
    await directory.settled();
    const then = (await directory.log.head()) as bigint;
    await change(ada, inDepartment('Engineering'));
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'] });
    // As the view was when it had come to that position.
    const attributes = JSON.stringify({ userName: 'ada', ...inDepartment('Sales') });
    await directory.db.updateTable('users').set({ attributes }).where('user_id', '=', ada).execute();
    const db = openSqlite<RoleFollowerDb>(':memory:');
    const follower = directory.get(RoleFollower);
    follower.uses({ view: { reached: (position) => Promise.resolve(position <= then) }, db });
    await follower.migrate(db);
    const replayed = (await directory.events()).filter(({ position }) => position <= then);
    await expect(follower.apply(db, replayed)).rejects.toThrow(/view has not reached/);
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'] });
    await db.destroy();
  });

  it('finishes what a crash left undone', async () => {
    await directory.close();
    directory = await Directory.open({ policy: false });
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    const db = openSqlite<RoleFollowerDb>(':memory:');
    await directory.runRoles(db);
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'] });
  });

  it('of another process on the same database is to be waited for up to what this one recorded', async () => {
    await directory.close();
    directory = await Directory.open({ policy: false });
    const db = openSqlite<RoleFollowerDb>(':memory:');
    await directory.runRoles(db);
    const ada = await directory.user('ada', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    await directory.settled();
    const other = new RoleFollower({
      log: directory.log,
      decisions: directory.get(Decisions),
      clock: directory.clock,
      people: directory.get(People),
      conditions: directory.get(Conditions),
    });
    other.uses({ view: { reached: () => Promise.resolve(true) }, db });
    await other.migrate(db);
    expect([other.inForce, other.appendedTo]).toEqual([true, directory.get(RoleFollower).appendedTo]);
    await change(ada, inDepartment('Sales'));
    await directory.settled();
    await other.committed([]);
    const last = (await directory.eventsOf('RoleMembershipChanged')).at(-1);
    expect(other.appendedTo).toBe(last?.position);
  });

  it('of another process meets the first role where it is, and ignores nothing that comes after it', async () => {
    await directory.user('ada', inDepartment('Engineering'));
    await define('engineers', { condition: engineering });
    const before = await directory.eventsOf('UserProvisioned');
    const [defined] = await directory.eventsOf('RoleDefined');
    const other = new RoleFollower({
      log: directory.log,
      decisions: directory.get(Decisions),
      clock: directory.clock,
      people: directory.get(People),
      conditions: directory.get(Conditions),
    });
    const ignored = () => [...before, defined as RecordedEvent].map((event) => other.ignores(event));
    expect(ignored()).toEqual([true, false]);
    // The batch had been applied by the other process, so that this one is only told of it.
    await other.committed([defined as RecordedEvent]);
    expect(ignored()).toEqual([false, false]);
  });

  it('lets a condition that cannot be read hold for nobody, and goes on with everything else', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const ada = await directory.user('ada', inDepartment('Engineering'));
    const context = contextOf(directory.request(), directory.clock.iso());
    const recorded = { roleId: 'former', name: 'former', kind: 'role', condition: 'active lt null' } as const;
    await directory.get(Decisions).execute(streams.roles('acme'), rolesAggregate, () => ({
      events: [newEvent('RoleDefined', recorded, context)],
      result: undefined,
    }));
    await define('engineers', { condition: engineering });
    await define('engineers', { condition: engineering }, 'globex');
    const theirs = await directory.user('eve', { ...inDepartment('Engineering'), tenant: 'globex' });
    expect(await membersOf('former')).toEqual({});
    expect(await membersOf('engineers')).toEqual({ [ada]: ['condition'] });
    expect(await membersOf('engineers', 'globex')).toEqual({ [theirs]: ['condition'] });
    expect(logged).toHaveBeenCalledTimes(1);
    logged.mockRestore();
  });

  it('takes what came through a group when the group is deleted', async () => {
    const ada = await directory.user('ada');
    const group = await directory.group('Ops', [ada]);
    await define('in-ops', { condition: 'groups.display eq "ops"' });
    expect(await membersOf('in-ops')).toEqual({ [ada]: ['condition'] });
    await directory.run(new DeleteGroup(directory.request(), group));
    expect(await membersOf('in-ops')).toEqual({});
  });
});

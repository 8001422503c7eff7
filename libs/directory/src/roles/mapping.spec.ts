import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { contextOf, Decisions, newEvent } from '@app/event-log';
import { streams } from '@app/events';
import { AlreadyExists, InvalidPolicy, MappingReplaced, NotFound, RoleIsGiven } from '../directory.errors.js';
import { Directory } from '../directory.fixture.js';
import { ChangeGroup, DeleteGroup } from '../group.commands.js';
import { ActivateMapping, DefineRole, DeleteRole, DraftMapping, GrantRole, WithdrawRole } from '../role.commands.js';
import { DiffMapping, ListMappings, RoleMembers } from '../role.queries.js';
import { rolesAggregate } from './roles.js';
import type { RuleInput } from './rules.js';

let directory: Directory;
let ada: string;
let bob: string;
beforeEach(async () => {
  directory = await Directory.open({ policy: false });
  await directory.runRoles();
  [ada, bob] = [await directory.user('ada'), await directory.user('bob')];
  for (const roleId of ['prod', 'test']) {
    await directory.run(new DefineRole(directory.request(), roleId, { name: roleId, kind: 'role' }));
  }
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const draft = async (...rules: RuleInput[]): Promise<string> =>
  (await directory.run(new DraftMapping(directory.request(), 'mapping', rules))).mappingId;
const activate = (mappingId: string, insteadOf?: string | null) =>
  directory.run(new ActivateMapping(directory.request(), mappingId, insteadOf));
const compare = (mappingId: string, tenant = 'acme') => directory.ask(new DiffMapping(tenant, mappingId));
const diff = async (mappingId: string) => (await compare(mappingId))?.roles;
const inForce = async (...rules: RuleInput[]) => activate(await draft(...rules));
const byName = (displayName: string, role: string, ignoreCase = false): RuleInput => ({
  role,
  group: { displayName, ignoreCase },
});
const changeGroup = (groupId: string, change: { displayName?: string; added?: string[]; removed?: string[] }) =>
  directory.run(
    new ChangeGroup(directory.request(), groupId, ({ attributes }) => ({
      attributes: { ...attributes, ...(change.displayName === undefined ? {} : { displayName: change.displayName }) },
      changed: change.displayName === undefined ? [] : ['displayName'],
      added: change.added ?? [],
      removed: change.removed ?? [],
    })),
  );

async function membersOf(roleId: string): Promise<Record<string, readonly string[]>> {
  await directory.settled();
  const found = await directory.ask(new RoleMembers('acme', roleId, 0, 1_000));
  return Object.fromEntries((found?.items ?? []).map(({ userId, sources }) => [userId, sources]));
}

describe('a mapping in force', () => {
  it('gives roles to the members of groups by id and by name, and shows through which', async () => {
    const [ops, dev] = [await directory.group('Ops', [ada]), await directory.group('Dev', [bob])];
    await inForce({ role: 'prod', group: { id: ops } }, byName('Dev', 'test'), byName('DEV', 'prod'));
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${ops}`] });
    expect(await membersOf('test')).toEqual({ [bob]: [`scim:${dev}`] });
  });

  it('compares names without regard to case where it says so', async () => {
    const group = await directory.group('Platform OPS', [ada]);
    await inForce(byName('platform ops', 'prod', true), byName('platform ops', 'test'));
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${group}`] });
    expect(await membersOf('test')).toEqual({});
  });

  it('follows members who come and go', async () => {
    const ops = await directory.group('Ops', [ada]);
    await inForce(byName('Ops', 'prod'));
    await changeGroup(ops, { added: [bob], removed: [ada] });
    expect(await membersOf('prod')).toEqual({ [bob]: [`scim:${ops}`] });
  });

  it('takes a role with the last of two ways to it only', async () => {
    const [one, two] = [await directory.group('One', [ada]), await directory.group('Two', [ada])];
    await inForce(byName('One', 'prod'), byName('Two', 'prod'));
    await directory.run(new GrantRole(directory.request(), 'prod', ada));
    expect(await membersOf('prod')).toEqual({ [ada]: ['manual', `scim:${one}`, `scim:${two}`].sort() });
    await changeGroup(one, { removed: [ada] });
    await directory.run(new WithdrawRole(directory.request(), 'prod', ada));
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${two}`] });
    await directory.run(new DeleteGroup(directory.request(), two));
    expect(await membersOf('prod')).toEqual({});
    const removals = (await directory.eventsOf('RoleMembershipChanged')).filter(({ data }) => data.removed.length > 0);
    expect(removals).toHaveLength(1);
  });

  it('follows the name of a group', async () => {
    const group = await directory.group('Ops', [ada, bob]);
    await inForce(byName('Ops', 'prod'), byName('Former', 'test'));
    await changeGroup(group, { displayName: 'Former' });
    expect(await membersOf('prod')).toEqual({});
    expect(await membersOf('test')).toEqual({ [ada]: [`scim:${group}`], [bob]: [`scim:${group}`] });
  });

  it('gives roles by claims: by one name, by any name, and by the names themselves', async () => {
    const roles = [{ value: '{"value":"Admin"}' }, { value: '{"value":"test"}' }];
    const eve = await directory.user('eve', { roles, title: 'Lead' });
    const names = '{{#each roles}}{{#with (json value)}}{{value}}\n{{/with}}{{/each}}';
    await inForce(
      { role: 'prod', claim: { template: names, equals: 'admin', ignoreCase: true } },
      { claim: { template: names } },
    );
    expect(await membersOf('prod')).toEqual({ [eve]: ['claim'] });
    expect(await membersOf('test')).toEqual({ [eve]: ['claim'] });
    await inForce({ role: 'prod', claim: { template: '{{title}}' } });
    expect(await membersOf('test')).toEqual({});
    expect(await membersOf('prod')).toEqual({ [eve]: ['claim'] });
  });

  it('gives roles by their ids without regard to case where it says so, and none that a condition decides about', async () => {
    await directory.run(
      new DefineRole(directory.request(), 'Active', { name: 'Active', kind: 'role', condition: 'title eq "none"' }),
    );
    const entitlements = [{ value: 'PROD' }, { value: 'Test' }, { value: 'active' }];
    const eve = await directory.user('eve', { entitlements });
    const template = '{{#each entitlements}}{{value}}\n{{/each}}';
    await inForce({ claim: { template } });
    expect([await membersOf('prod'), await membersOf('test')]).toEqual([{}, {}]);
    await inForce({ claim: { template, ignoreCase: true } });
    expect([await membersOf('prod'), await membersOf('test')]).toEqual([{ [eve]: ['claim'] }, { [eve]: ['claim'] }]);
    expect(await membersOf('Active')).toEqual({});
  });

  it('gives nothing by a template of an earlier version that is refused now, and everything else', async () => {
    const eve = await directory.user('eve', { title: 'Lead' });
    const context = contextOf(directory.request(), directory.clock.iso());
    const unreadable = { role: 'test', claim: { template: '{{#each}}' } };
    const readable = { role: 'prod', claim: { template: '{{title}}' } };
    const drafted = { mappingId: 'former', name: 'former', rules: [unreadable, readable] };
    await directory.get(Decisions).execute(streams.roles('acme'), rolesAggregate, () => ({
      events: [
        newEvent('MappingDrafted', drafted, context),
        newEvent('MappingActivated', { mappingId: 'former' }, context),
      ],
      result: undefined,
    }));
    expect([await membersOf('prod'), await membersOf('test')]).toEqual([{ [eve]: ['claim'] }, {}]);
  });

  it('gives nothing by a claim of somebody whose data is too much for its template', async () => {
    const eve = await directory.user('eve', { title: 'x'.repeat(20_000) });
    await inForce({ role: 'prod', claim: { template: '{{title}}' } });
    expect(await membersOf('prod')).toEqual({});
    expect(eve).toBeDefined();
  });

  it('is left alone by a draft, and replaced by the next that is activated', async () => {
    await directory.group('Ops', [ada]);
    const first = await draft(byName('Ops', 'prod'));
    await activate(first);
    const second = await draft(byName('Ops', 'test'));
    expect(Object.keys(await membersOf('prod'))).toEqual([ada]);
    await activate(second);
    await activate(second);
    expect(await membersOf('prod')).toEqual({});
    expect(Object.keys(await membersOf('test'))).toEqual([ada]);
    const listed = await directory.ask(new ListMappings('acme'));
    expect(listed.map(({ mappingId, active }) => [mappingId, active])).toEqual([
      [first, false],
      [second, true],
    ]);
    expect(await directory.eventsOf('MappingActivated')).toHaveLength(2);
  });
});

describe('a group in a group', () => {
  const byId = (id: string, role: string): RuleInput => ({ role, group: { id } });

  it('gives its members what the groups above it give, however far above, in a circle too', async () => {
    const low = await directory.group('Low', [ada]);
    const middle = await directory.group('Middle', [low]);
    const top = await directory.group('Top', [middle, bob]);
    await inForce(byId(top, 'prod'));
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${top}`], [bob]: [`scim:${top}`] });
    await changeGroup(low, { added: [top] });
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${top}`], [bob]: [`scim:${top}`] });
    await changeGroup(middle, { removed: [low] });
    expect(await membersOf('prod')).toEqual({ [bob]: [`scim:${top}`] });
    await changeGroup(middle, { added: [low] });
    expect(Object.keys(await membersOf('prod')).toSorted()).toEqual([ada, bob].toSorted());
    await changeGroup(low, { removed: [ada] });
    expect(await membersOf('prod')).toEqual({ [bob]: [`scim:${top}`] });
  });

  it('takes what the groups above gave when it is deleted, except what is given in another way', async () => {
    const low = await directory.group('Low', [ada, bob]);
    const top = await directory.group('Top', [low, bob]);
    await inForce(byId(top, 'prod'));
    await directory.run(new DeleteGroup(directory.request(), low));
    expect(await membersOf('prod')).toEqual({ [bob]: [`scim:${top}`] });
  });

  it('is seen by conditions and by the diff, and a new name of the group above is noticed', async () => {
    const low = await directory.group('Low', [ada]);
    const top = await directory.group('Top', [low]);
    const condition = 'groups.display eq "Top"';
    await directory.run(new DefineRole(directory.request(), 'tops', { name: 'Tops', kind: 'role', condition }));
    expect(await membersOf('tops')).toEqual({ [ada]: ['condition'] });
    const mapping = await draft(byName('Top', 'prod'));
    expect(await diff(mapping)).toMatchObject([{ roleId: 'prod', gains: [{ userId: ada, sources: [`scim:${top}`] }] }]);
    await activate(mapping);
    await changeGroup(top, { displayName: 'Former' });
    expect([await membersOf('tops'), await membersOf('prod')]).toEqual([{}, {}]);
  });
});

describe('a role that is deleted', () => {
  const remove = (roleId: string) => directory.run(new DeleteRole(directory.request(), roleId));

  it('belongs to nobody any more, and one that is defined under its id begins with nobody', async () => {
    await directory.run(new GrantRole(directory.request(), 'prod', ada));
    await remove('prod');
    expect(await directory.ask(new RoleMembers('acme', 'prod', 0, 10))).toBeUndefined();
    await expect(remove('prod')).rejects.toThrow(NotFound);
    await directory.run(new DefineRole(directory.request(), 'prod', { name: 'prod', kind: 'role' }));
    expect(await membersOf('prod')).toEqual({});
  });

  it('is refused while the mapping in force gives it', async () => {
    await inForce(byName('Ops', 'prod'));
    await expect(remove('prod')).rejects.toThrow(RoleIsGiven);
    await inForce(byName('Ops', 'test'));
    await remove('prod');
  });

  it('keeps a draft that gives it from being compared and put in force, with the number of the rule', async () => {
    const mapping = await draft(byName('Ops', 'test'), byName('Ops', 'prod'));
    await remove('prod');
    await expect(diff(mapping)).rejects.toThrow(/^Rule 2: There is no such role/);
    await expect(activate(mapping)).rejects.toThrow(/^Rule 2: There is no such role/);
  });
});

describe('the diff of a draft', () => {
  it('shows who gains and who loses what, and is what happens then', async () => {
    const [ops, dev] = [await directory.group('Ops', [ada]), await directory.group('Dev', [ada, bob])];
    await inForce(byName('Ops', 'prod'), byName('Dev', 'test'));
    const next = await draft(byName('Dev', 'prod'));
    expect(await diff(next)).toEqual([
      {
        roleId: 'prod',
        gainCount: 1,
        gains: [{ userId: bob, sources: [`scim:${dev}`] }],
        losses: [],
      },
      { roleId: 'test', gainCount: 0, gains: [], losses: [ada, bob] },
    ]);
    expect(Object.keys(await membersOf('test'))).toHaveLength(2);
    await activate(next);
    expect(await membersOf('prod')).toEqual({ [ada]: [`scim:${dev}`], [bob]: [`scim:${dev}`] });
    expect(await membersOf('test')).toEqual({});
    expect(await diff(next)).toEqual([]);
    expect(ops).toBeDefined();
  });

  it('says what it was made against, and what it shows is activated instead of that alone', async () => {
    const [first, second, third] = [await draft(byName('Ops', 'prod')), await draft(), await draft()];
    expect(await compare(first)).toMatchObject({ insteadOf: null });
    await activate(first, null);
    expect(await compare(second)).toMatchObject({ insteadOf: first });
    await activate(third);
    await expect(activate(second, first)).rejects.toThrow(MappingReplaced);
    await expect(activate(second, null)).rejects.toThrow(MappingReplaced);
    expect(await compare(second)).toMatchObject({ insteadOf: third });
    await activate(second, third);
    // The same request again, its answer having been lost.
    await activate(second, third);
    expect(await compare(second)).toMatchObject({ insteadOf: second });
  });

  it('is that of one tenant', async () => {
    const mapping = await draft(byName('Ops', 'prod'));
    expect(await compare(mapping, 'globex')).toBeUndefined();
    await expect(directory.run(new ActivateMapping(directory.request('globex'), mapping))).rejects.toThrow(NotFound);
    expect(await directory.ask(new ListMappings('globex'))).toEqual([]);
    await expect(
      directory.run(new DraftMapping(directory.request('globex'), 'theirs', [byName('Ops', 'prod')])),
    ).rejects.toThrow(InvalidPolicy);
  });
});

describe('a draft', () => {
  it.each<[string, RuleInput]>([
    ['a role that does not exist', byName('Ops', 'none')],
    ['a group without a role', { group: { id: 'g' } }],
    ['neither group nor claim', { role: 'prod' }],
    ['both', { role: 'prod', group: { id: 'g' }, claim: { template: 'x' } }],
    ['a group named twice', { role: 'prod', group: { id: 'g', displayName: 'G' } }],
    ['a group that is not named', { role: 'prod', group: {} }],
    ['an id in any case', { role: 'prod', group: { id: 'g', ignoreCase: true } }],
    ['a name without a role', { claim: { template: 'x', equals: 'x' } }],
    ['a template that cannot be read', { role: 'prod', claim: { template: '{{#each}}' } }],
  ])('is refused for %s, with the number of the rule', async (_, rule) => {
    const refused = draft({ role: 'prod', group: { id: 'g' } }, rule);
    await expect(refused).rejects.toThrow(InvalidPolicy);
    await expect(refused).rejects.toThrow(/^Rule 2: /);
  });

  it('is refused for a role that a condition decides about', async () => {
    const definition = { name: 'x', kind: 'role', condition: 'active eq true' } as const;
    await directory.run(new DefineRole(directory.request(), 'computed', definition));
    await expect(draft(byName('Ops', 'computed'))).rejects.toThrow(InvalidPolicy);
  });

  it('with the same id is the same draft, and with other rules is refused', async () => {
    const send = (role: string) =>
      directory.run(new DraftMapping(directory.request(), 'm', [byName('Ops', role)], 'chosen'));
    await send('prod');
    await send('prod');
    await expect(send('test')).rejects.toThrow(AlreadyExists);
    expect(await directory.eventsOf('MappingDrafted')).toHaveLength(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Directory } from '../directory.fixture.js';
import { NotFound, RevisionMismatch, UnknownMembers } from '../directory.errors.js';
import { FindGroup, FindUser, ListGroups } from '../directory.queries.js';
import { ChangeGroup, CreateGroup, DeleteGroup, type GroupWrite } from '../group.commands.js';
import { DeleteUser } from '../user.commands.js';
import { MEMBERS_PER_APPEND } from './group.js';

let directory: Directory;

beforeEach(async () => {
  directory = await Directory.open();
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const change = (groupId: string, write: Partial<GroupWrite>, expected?: bigint, tenant = 'acme') =>
  directory.run(
    new ChangeGroup(
      directory.request(tenant),
      groupId,
      ({ attributes }) => ({ attributes, changed: [], added: [], removed: [], ...write }),
      expected,
    ),
  );
const find = (groupId: string, tenant = 'acme') => directory.ask(new FindGroup(tenant, groupId));
const memberIds = async (groupId: string) => (await find(groupId))?.members.map((m) => m.id).sort();

describe('groups', () => {
  it('are created with members, who are shown with what they are and how they are called', async () => {
    const ada = await directory.user('ada', { displayName: 'Ada' });
    const bob = await directory.user('bob');
    const inner = await directory.group('Inner');
    const outer = await directory.group('Outer', [ada, bob, inner]);
    const found = await find(outer);
    expect(found?.members).toHaveLength(3);
    expect(found?.members).toEqual(
      expect.arrayContaining([
        { id: ada, type: 'User', display: 'Ada' },
        { id: bob, type: 'User', display: 'bob' },
        { id: inner, type: 'Group', display: 'Inner' },
      ]),
    );
    expect((await directory.ask(new FindUser('acme', ada)))?.groups).toEqual([
      { id: outer, type: 'Group', display: 'Outer', connection: 'okta' },
    ]);
    expect((await directory.ask(new FindGroup('acme', outer, false)))?.members).toEqual([]);
  });

  it('refuse members that this tenant does not have, naming them, and stay as they were', async () => {
    const ada = await directory.user('ada');
    const foreign = await directory.user('eve', { tenant: 'globex' });
    const group = await directory.group('Ops', [ada]);
    await expect(change(group, { added: [foreign, 'nobody'] })).rejects.toMatchObject({ ids: [foreign, 'nobody'] });
    await expect(directory.group('Other', ['nobody'])).rejects.toThrow(UnknownMembers);
    expect(await memberIds(group)).toEqual([ada]);
  });

  it('do not record a change that changes nothing', async () => {
    const ada = await directory.user('ada');
    const group = await directory.group('Ops', [ada]);
    const before = await directory.log.head();
    expect(await change(group, { added: [ada], removed: ['nobody'] })).toMatchObject({ changed: false });
    const unchanged = await directory.run(new ChangeGroup(directory.request(), group, () => undefined));
    expect(unchanged).toMatchObject({ changed: false, position: undefined, resource: { revision: 1n } });
    expect(await directory.log.head()).toBe(before);
  });

  it('lose no member when many are added and removed at once', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => directory.user(`user${i}`)));
    const group = await directory.group('Ops', ids.slice(0, 20));
    await Promise.all([
      ...ids.slice(20).map((id) => change(group, { added: [id] })),
      ...ids.slice(0, 10).map((id) => change(group, { removed: [id] })),
    ]);
    expect(await memberIds(group)).toEqual(ids.slice(10).sort());
  });

  it('take more members than one append holds', async () => {
    const rows = Array.from({ length: MEMBERS_PER_APPEND + 500 }, (_, i) => `bulk${i}`);
    const seq = { created: '', last_modified: '', revision: 0, seq: 0, attributes: '{}' };
    const known = { tenant: 'acme', connection_id: 'okta', display_name_ci: null, external_id: null };
    const columns = { ...known, active: 1, data_key_id: '', ...seq };
    for (let start = 0; start < rows.length; start += 500) {
      const values = rows
        .slice(start, start + 500)
        .map((id) => ({ ...columns, user_id: id, user_name_ci: id, display: id }));
      await directory.db.insertInto('users').values(values).execute();
    }
    const group = await directory.group('Everybody', rows);
    expect(await memberIds(group)).toEqual([...rows].sort());
    expect(await change(group, { removed: rows.slice(1) })).toMatchObject({ changed: true });
    expect(await memberIds(group)).toEqual(['bulk0']);
  });

  it('check the expected revision and know nobody else’s groups', async () => {
    const group = await directory.group('Ops');
    await change(group, { attributes: { displayName: 'Dev' }, changed: ['displayName'] }, 0n);
    expect(await find(group)).toMatchObject({ attributes: { displayName: 'Dev' }, revision: 1n });
    await expect(change(group, { removed: [] }, 0n)).rejects.toThrow(RevisionMismatch);
    await expect(change(group, {}, undefined, 'globex')).rejects.toThrow(NotFound);
    expect(await find(group, 'globex')).toBeUndefined();
  });

  it('are gone from the groups they were in when deleted, and so are users', async () => {
    const [ada, bob] = [await directory.user('ada'), await directory.user('bob')];
    const inner = await directory.group('Inner', [ada]);
    const outer = await directory.group('Outer', [ada, bob, inner]);
    await directory.run(new DeleteUser(directory.request(), ada));
    await directory.run(new DeleteGroup(directory.request(), inner));
    expect(await memberIds(outer)).toEqual([bob]);
    expect(await find(inner)).toBeUndefined();
    await expect(change(inner, { added: [bob] })).rejects.toThrow(NotFound);
    await expect(directory.run(new DeleteGroup(directory.request(), inner))).rejects.toThrow(NotFound);
  });

  it('are found by name, member and external id', async () => {
    const ada = await directory.user('ada');
    const ops = await directory.group('Ops', [ada]);
    await directory.group('Dev');
    const created = await directory.run(
      new CreateGroup(directory.request(), { attributes: { displayName: 'QA', externalId: 'x1' }, added: [] }),
    );
    const ids = async (attribute: 'displayName' | 'members' | 'externalId' | 'id', value: string) => {
      const listing = { equals: { attribute, value }, offset: 0, limit: 10 };
      return (await directory.ask(new ListGroups('acme', listing, false))).items.map((group) => group.id);
    };
    expect(await ids('displayName', 'OPS')).toEqual([ops]);
    expect(await ids('members', ada)).toEqual([ops]);
    expect(await ids('id', ops)).toEqual([ops]);
    expect(await ids('externalId', 'x1')).toEqual([created.resource.id]);
    expect(await ids('externalId', 'x2')).toEqual([]);
  });
});

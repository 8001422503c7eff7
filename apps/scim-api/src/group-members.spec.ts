// What a write may say about the members of a group, and what it is answered.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { groupSchema, userSchema } from '@app/scim';
import { newName, openScim, patch, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

const idsOf = async (group: Json): Promise<string[]> =>
  ((await world.ask('GET', `/Groups/${group.id}`)).body.members ?? []).map(({ value }: Json) => value).toSorted();

describe('members selected by what is answered of them', () => {
  const newGroup = (...members: Json[]): Promise<Json> =>
    world.create('/Groups', { displayName: newName(), members: members.map(({ id }) => ({ value: id })) });
  const patched = (group: Json, ...operations: object[]) =>
    world.ask('PATCH', `/Groups/${group.id}`, { body: patch(...operations) });

  it('are removed by their name, as it is now', async () => {
    const [ada, bob] = [await world.newUser({ displayName: 'Ada' }), await world.newUser({ displayName: 'Bob' })];
    const inner = await world.create('/Groups', { displayName: 'Ada’s team' });
    const group = await newGroup(ada, bob, inner);
    await world.ask('PATCH', `/Users/${bob.id}`, {
      body: patch({ op: 'replace', path: 'displayName', value: 'Robert' }),
    });
    expect((await patched(group, { op: 'remove', path: 'members[display eq "Bob"]' })).status).toBe(204);
    expect(await idsOf(group)).toEqual([ada.id, bob.id, inner.id].toSorted());
    await patched(group, { op: 'remove', path: 'members[display eq "robert" or display sw "ada’s"]' });
    expect(await idsOf(group)).toEqual([ada.id]);
    const { body } = await world.ask('GET', '/Groups?filter=members[display%20eq%20%22Ada%22]');
    expect(body.Resources.map(({ id }: Json) => id)).toContain(group.id);
  });

  it('are replaced and removed by their URL', async () => {
    const [ada, bob] = [await world.newUser(), await world.newUser()];
    const group = await newGroup(ada);
    await patched(group, {
      op: 'replace',
      path: `members[$ref eq "${ada.meta.location}"]`,
      value: [{ value: bob.id }],
    });
    expect(await idsOf(group)).toEqual([bob.id]);
    await patched(group, { op: 'remove', path: `members[$ref ew "${bob.id}"]` });
    expect(await idsOf(group)).toEqual([]);
  });

  it.each([
    ['name', () => 'display eq "Ada"'],
    ['type', () => 'type eq "User"'],
    ['URL', (ada: Json) => `$ref eq "${ada.meta.location}"`],
    ['id', (ada: Json) => `value eq "${ada.id}"`],
  ])('are those that the same PATCH has added before, too: by their %s', async (_, filterOf) => {
    const ada = await world.newUser({ displayName: 'Ada' });
    const inner = await world.create('/Groups', { displayName: 'Inner' });
    const group = await newGroup();
    const add = { op: 'add', path: 'members', value: [{ value: ada.id }, { value: inner.id }] };
    await patched(group, add, { op: 'remove', path: `members[${filterOf(ada)}]` });
    expect(await idsOf(group)).toEqual([inner.id]);
    await patched(
      group,
      { op: 'add', value: { members: { value: ada.id } } },
      { op: 'remove', path: 'members[type pr]' },
    );
    expect(await idsOf(group)).toEqual([]);
  });

  it('are never those of another connection', async () => {
    const group = await newGroup();
    const body = { schemas: [userSchema.id], userName: newName(), displayName: 'Ada' };
    const ada: Json = (await world.ask('POST', '/Users', { body, as: 'strict-acme' })).body;
    const add = { op: 'add', path: 'members', value: [{ value: ada.id }] };
    const taken = await patched(group, add, { op: 'remove', path: 'members[display eq "Ada"]' });
    expect(taken).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
  });

  it('are nobody where the group is another connection’s', async () => {
    const group = await newGroup(await world.newUser({ displayName: 'Ada' }));
    const body = patch({ op: 'remove', path: 'members[display eq "Ada"]' });
    expect((await world.ask('PATCH', `/Groups/${group.id}`, { body, as: 'strict-acme' })).status).toBe(404);
    expect(await idsOf(group)).toHaveLength(1);
  });
});

describe('a member that is said to be what it is not', () => {
  /** On a connection: a group, a user in it, and one who is not. */
  const cast = async (as: Connection) => {
    const made = async (path: string, body: object): Promise<Json> =>
      (await world.ask('POST', path, { body, as })).body;
    const newUser = () => made('/Users', { schemas: [userSchema.id], userName: newName() });
    const [ada, bob] = [await newUser(), await newUser()];
    const members = [{ value: ada.id, type: 'User' }];
    return { ada, bob, group: await made('/Groups', { schemas: [groupSchema.id], displayName: newName(), members }) };
  };
  const writes = (group: Json, value: object[]) =>
    [
      ['POST', '/Groups', { schemas: [groupSchema.id], displayName: newName(), members: value }],
      ['PUT', `/Groups/${group.id}`, { schemas: [groupSchema.id], displayName: group.displayName, members: value }],
      ['PATCH', `/Groups/${group.id}`, patch({ op: 'add', path: 'members', value })],
    ] as const;

  it.each([
    ['type', (id: string) => ({ value: id, type: 'Group' })],
    ['URL', (id: string) => ({ value: id, $ref: `http://scim.test/scim/v2/Groups/${id}` })],
  ])('by its %s is refused by a strict connection, new or not', async (_, said) => {
    const { ada, bob, group } = await cast('strict-acme');
    await world.appended();
    for (const { id } of [ada, bob]) {
      for (const [method, path, body] of writes(group, [said(id)])) {
        const answer = await world.ask(method, path, { body, as: 'strict-acme' });
        expect(answer).toMatchObject({
          status: 400,
          body: { scimType: 'invalidValue', detail: `The member ${id} is said to be a Group, and is a User.` },
        });
      }
    }
    expect(await world.appended()).toEqual([]);
  });

  it('stays what it is on a lenient one, which counts each', async () => {
    const { ada, bob, group } = await cast('lenient-globex');
    const countedOn = () => world.quirks('lenient-globex');
    const before = (await countedOn())['wrong-member-type'] ?? 0;
    const value = [ada, bob].map(({ id }) => ({ value: id, type: 'Group' }));
    for (const [method, path, body] of writes(group, value)) {
      const answer = await world.ask(method, path, { body, as: 'lenient-globex' });
      expect(answer.status).toBeLessThan(300);
    }
    expect((await countedOn())['wrong-member-type']).toBe(before + 6);
    const { members } = (await world.ask('GET', `/Groups/${group.id}`, { as: 'lenient-globex' })).body;
    expect(members.map(({ type }: Json) => type)).toEqual(['User', 'User']);
  });
});

// What a write may say about the members of a group, and what it is answered.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

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

  it('are nobody where the group is another connection’s', async () => {
    const group = await newGroup(await world.newUser({ displayName: 'Ada' }));
    const body = patch({ op: 'remove', path: 'members[display eq "Ada"]' });
    expect((await world.ask('PATCH', `/Groups/${group.id}`, { body, as: 'strict-acme' })).status).toBe(404);
    expect(await idsOf(group)).toHaveLength(1);
  });
});

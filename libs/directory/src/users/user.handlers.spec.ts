import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import { contextOf, newEvent } from '@app/event-log';
import { Directory } from '../directory.fixture.js';
import { NameTaken, NotFound, RevisionMismatch } from '../directory.errors.js';
import { FindUser, ListUsers } from '../directory.queries.js';
import { ChangeUser, DeleteUser, ProvisionUser, type Attributes, type UserWrite } from '../user.commands.js';
import { CLAIM_MS, UserNames } from './user-name.js';

let directory: Directory;

beforeEach(async () => {
  directory = await Directory.open();
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const provision = (userName: string, more: Attributes = {}, tenant = 'acme') =>
  directory.run(
    new ProvisionUser(directory.request(tenant), { attributes: { userName, ...more }, active: true, changed: [] }),
  );
const change = (userId: string, write: Partial<UserWrite>, expected?: bigint, tenant = 'acme') =>
  directory.run(
    new ChangeUser(
      directory.request(tenant),
      userId,
      ({ attributes, active }) => ({ attributes, active, changed: [], ...write }),
      expected,
    ),
  );
const rename = (userId: string, userName: string) =>
  change(userId, { attributes: { userName }, changed: ['userName'] });
const remove = (userId: string, expected?: bigint, tenant = 'acme') =>
  directory.run(new DeleteUser(directory.request(tenant), userId, expected));
const find = (userId: string, tenant = 'acme') => directory.ask(new FindUser(tenant, userId));
const typesOf = async (stream: string) =>
  (await directory.events()).filter((event) => event.stream.startsWith(stream)).map((event) => event.type);

describe('provisioning', () => {
  it('stores the user, who is then found', async () => {
    const { resource, changed } = await provision('ada@acme.test', { displayName: 'Ada', externalId: 'x1' });
    expect(changed).toBe(true);
    expect(resource).toMatchObject({ active: true, revision: 0n, attributes: { userName: 'ada@acme.test' } });
    expect(await find(resource.id)).toMatchObject({ ...resource, groups: [] });
  });

  it('reserves the name before the user, and writes no name or attribute in the clear', async () => {
    await provision('ada@acme.test', { displayName: 'Ada Lovelace' });
    const events = await directory.events();
    expect(events.map((event) => event.type)).toEqual(['UserNameReserved', 'UserProvisioned']);
    const log = events.map((event) => Buffer.from(event.bytes).toString()).join('');
    expect(log).not.toMatch(/ada@|Lovelace/i);
  });

  it('has exactly one winner among 100 parallel creates of one name', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => provision(i % 2 === 0 ? 'Ada@acme.test' : 'ada@ACME.test')),
    );
    expect(tries.filter((t) => t.status === 'fulfilled')).toHaveLength(1);
    for (const t of tries) if (t.status === 'rejected') expect(t.reason).toBeInstanceOf(NameTaken);
    expect(await directory.eventsOf('UserProvisioned')).toHaveLength(1);
    expect(await directory.eventsOf('UserNameReserved')).toHaveLength(1);
  });

  it('as inactive records no deactivation', async () => {
    const id = await directory.user('ada', { active: false });
    expect(await typesOf('user-')).toEqual(['UserProvisioned']);
    expect((await find(id))?.active).toBe(false);
  });

  it('may use the same name in two tenants', async () => {
    const first = await provision('ada');
    const second = await provision('ada', {}, 'globex');
    const [one, two] = await directory.eventsOf('UserProvisioned');
    expect(one?.data.userNameHash).not.toBe(two?.data.userNameHash);
    expect(await find(first.resource.id, 'globex')).toBeUndefined();
    expect(await find(second.resource.id)).toBeUndefined();
    await expect(change(first.resource.id, { active: false }, undefined, 'globex')).rejects.toThrow(NotFound);
    await expect(remove(first.resource.id, undefined, 'globex')).rejects.toThrow(NotFound);
  });

  it('takes over a claim whose user never came, once it has expired', async () => {
    const names = directory.get(UserNames);
    const claim = await names.claim(directory.request(), names.hashOf('acme', 'ada'), 'never-came');
    await directory.log.appendAll([claim]);
    await expect(provision('ADA')).rejects.toThrow(NameTaken);
    directory.clock.advance(CLAIM_MS + 1);
    await provision('ada');
    expect(await directory.eventsOf('UserNameReserved')).toHaveLength(2);
  });

  it('takes over the claim of a user who was deleted or renamed without giving it back', async () => {
    const { id } = (await provision('ada')).resource;
    const names = directory.get(UserNames);
    await directory.log.appendAll([await names.claim(directory.request(), names.hashOf('acme', 'halfway'), id)]);
    const context = contextOf(directory.request(), directory.clock.iso());
    await directory.log.append(streams.user('acme', id), 0n, [
      newEvent('UserDeleted', { userId: id, userNameHash: '' }, context),
    ]);
    await expect(provision('ada')).rejects.toThrow(NameTaken);
    await expect(provision('halfway')).rejects.toThrow(NameTaken);
    directory.clock.advance(CLAIM_MS + 1);
    await provision('ada');
    await provision('halfway');
  });

  it('never takes over the claim of a user who exists, however old', async () => {
    await provision('ada');
    directory.clock.advance(1_000 * CLAIM_MS);
    await expect(provision('ada')).rejects.toThrow(NameTaken);
  });
});

describe('a change', () => {
  it('that changes nothing appends nothing and keeps the revision', async () => {
    const { resource } = await provision('ada');
    const before = await directory.log.head();
    const nothing = await directory.run(new ChangeUser(directory.request(), resource.id, () => undefined));
    expect(nothing).toEqual({ resource, changed: false, position: undefined });
    expect(await change(resource.id, {})).toMatchObject({ changed: false, resource: { revision: 0n } });
    expect(await directory.log.head()).toBe(before);
  });

  it('of active is recorded as deactivation and as reactivation with the next generation', async () => {
    const { id } = (await provision('ada')).resource;
    expect((await change(id, { active: false })).resource).toMatchObject({ active: false, revision: 1n });
    expect(await find(id)).toMatchObject({ active: false, revision: 1n });
    await change(id, { active: true });
    expect(await find(id)).toMatchObject({ active: true, revision: 2n });
    expect((await directory.eventsOf('UserReactivated'))[0]?.data).toEqual({ userId: id, generation: 2 });
  });

  it('of active and of attributes is one append', async () => {
    const { resource } = await provision('ada');
    directory.clock.advance(1_000);
    const attributes = { userName: 'ada', displayName: 'Ada', externalId: 'x9' };
    const { resource: after } = await change(resource.id, { active: false, attributes, changed: ['displayName'] });
    expect(await typesOf('user-')).toEqual(['UserProvisioned', 'UserDeactivated', 'UserChanged']);
    expect(after).toMatchObject({ attributes, active: false, revision: 2n, created: resource.created });
    expect(after.lastModified).toBe(directory.clock.iso());
    expect(await find(resource.id)).toMatchObject({ ...after, groups: [] });
    expect((await directory.eventsOf('UserChanged'))[0]?.data.changed).toEqual(['displayName']);
  });

  it('is refused when the revision is not the expected one', async () => {
    const { resource } = await provision('ada');
    await change(resource.id, { active: false }, 0n);
    await expect(change(resource.id, { active: true }, 0n)).rejects.toMatchObject({
      name: 'RevisionMismatch',
      actual: 1n,
    });
    await expect(remove(resource.id, 0n)).rejects.toThrow(RevisionMismatch);
  });

  it('that is made by many at once loses none of them', async () => {
    const { id } = (await provision('ada', { n: 0 })).resource;
    const plusOne = () =>
      directory.run(
        new ChangeUser(directory.request(), id, ({ attributes, active }) => ({
          attributes: { ...attributes, n: (attributes.n as number) + 1 },
          active,
          changed: ['n'],
        })),
      );
    await Promise.all(Array.from({ length: 50 }, plusOne));
    expect((await find(id))?.attributes.n).toBe(50);
  });

  it('passes on what the caller throws', async () => {
    const { id } = (await provision('ada')).resource;
    const refuse = () => {
      throw new Error('noTarget');
    };
    await expect(directory.run(new ChangeUser(directory.request(), id, refuse))).rejects.toThrow('noTarget');
  });
});

describe('renaming', () => {
  it('reserves the new name, changes the user and releases the old name, which is free at once', async () => {
    const { id } = (await provision('ada')).resource;
    await rename(id, 'countess');
    expect((await directory.events()).map((e) => e.type).slice(2)).toEqual([
      'UserNameReserved',
      'UserChanged',
      'UserNameReleased',
    ]);
    await provision('ada');
    await expect(provision('COUNTESS')).rejects.toThrow(NameTaken);
  });

  it('to another spelling of the same name needs no new claim', async () => {
    const { id } = (await provision('ada')).resource;
    await rename(id, 'ＡＤＡ');
    expect(await directory.eventsOf('UserNameReserved')).toHaveLength(1);
    expect((await find(id))?.attributes.userName).toBe('ＡＤＡ');
  });

  it('to a taken name changes nothing', async () => {
    const { id } = (await provision('ada')).resource;
    await provision('bob');
    await expect(rename(id, 'Bob')).rejects.toThrow(NameTaken);
    expect(await find(id)).toMatchObject({ revision: 0n, attributes: { userName: 'ada' } });
  });

  it('of many to one name, while others are created with it, has exactly one winner', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => directory.user(`user${i}`)));
    directory.clock.advance(2 * CLAIM_MS);
    const tries = [...ids.map((id) => rename(id, 'boss')), ...Array.from({ length: 20 }, () => provision('boss'))];
    const settled = await Promise.allSettled(tries);
    expect(settled.filter((t) => t.status === 'fulfilled')).toHaveLength(1);
    for (const t of settled) if (t.status === 'rejected') expect(t.reason).toBeInstanceOf(NameTaken);
    const found = await directory.ask(
      new ListUsers('acme', { equals: { attribute: 'userName', value: 'boss' }, offset: 0, limit: 10 }),
    );
    expect(found.total).toBe(1);
  });

  it('of two users to each other’s names at once refuses both and waits for neither', async () => {
    const [ada, bob] = [await directory.user('ada'), await directory.user('bob')];
    directory.clock.advance(2 * CLAIM_MS);
    const settled = await Promise.allSettled([rename(ada, 'bob'), rename(bob, 'ada')]);
    expect(settled.map((t) => t.status)).toEqual(['rejected', 'rejected']);
  });
});

describe('deletion', () => {
  it('hides the user, frees the name and makes what was sealed unreadable', async () => {
    const { id } = (await provision('ada')).resource;
    await remove(id);
    expect(await find(id)).toBeUndefined();
    expect(await typesOf('user')).toEqual(expect.arrayContaining(['UserDeleted', 'UserNameReleased']));
    const [provisioned] = await directory.eventsOf('UserProvisioned');
    const { dataKeyId, sealed } = provisioned?.data as { dataKeyId: string; sealed: string };
    const seal = { tenant: 'acme', subject: id, field: 'resource', eventType: 'UserProvisioned' };
    expect(await directory.vault.open(dataKeyId, seal, sealed)).toBeUndefined();
    await provision('ada');
  });

  it('ends the user: every later request finds nobody', async () => {
    const { id } = (await provision('ada')).resource;
    await remove(id);
    await expect(change(id, { active: false })).rejects.toThrow(NotFound);
    await expect(remove(id)).rejects.toThrow(NotFound);
    await expect(remove('nobody')).rejects.toThrow(NotFound);
  });
});

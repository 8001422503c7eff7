// Resources of an operator's own types in the directory: erased when deleted, alone with what is unique, and handed over.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Directory } from '../directory.fixture.js';
import { NameTaken, NotFound } from '../directory.errors.js';
import { FindResource, ListResources, NamesOf } from '../directory.queries.js';
import { ChangeResource, CreateResource, DeleteResource } from '../resource.commands.js';
import { CloseConnection, CreateTenant, HandOverConnection, OpenConnection } from '../tenant.commands.js';

let directory: Directory;
beforeEach(async () => {
  directory = await Directory.open({ policy: false });
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const write = (tag: string, more: object = {}) => ({
  attributes: { displayName: `Lock ${tag}`, tag, ...more },
  unique: [{ attribute: 'tag', value: tag }],
  changed: ['tag'],
});
const create = async (tag: string, { type = 'Device', connection = 'okta', ...more } = {}) =>
  (await directory.run(new CreateResource(directory.request('acme', connection), type, write(tag, more)))).resource.id;
const retag = (id: string, tag: string, connection = 'okta') =>
  directory.run(new ChangeResource(directory.request('acme', connection), 'Device', id, () => write(tag)));
const find = (id: string, connection?: string) => directory.ask(new FindResource('acme', 'Device', id, connection));

describe('a resource', () => {
  it('is unreadable for good once it is deleted, also to views that are made again', async () => {
    const id = await create('t1');
    const [created] = await directory.eventsOf('ResourceCreated');
    expect(await directory.ask(new NamesOf('acme', [id]))).toEqual(new Map([[id, 'Lock t1']]));
    await directory.run(new DeleteResource(directory.request(), 'Device', id));
    const { dataKeyId, sealed, resourceId } = created?.data as {
      dataKeyId: string;
      sealed: string;
      resourceId: string;
    };
    const context = { tenant: 'acme', subject: resourceId, field: 'resource', eventType: 'ResourceCreated' };
    expect(await directory.vault.open(dataKeyId, context, sealed)).toBeUndefined();
    await directory.db.deleteFrom('checkpoints' as never).execute();
    await directory.db.deleteFrom('resources').execute();
    await directory.runView();
    await directory.reached();
    expect(await find(id)).toBeUndefined();
  });

  it('is of its type alone', async () => {
    const [device, room] = [await create('t1'), await create('t1', { type: 'Room' })];
    expect(await find(room)).toBeUndefined();
    await expect(directory.run(new DeleteResource(directory.request(), 'Device', room))).rejects.toThrow(NotFound);
    const { total, items } = await directory.ask(new ListResources('acme', 'Device', { offset: 0, limit: 10 }));
    expect([total, items.map(({ id }) => id)]).toEqual([1, [device]]);
  });

  it('is the only one of many at once to get what is unique', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => create('same')));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tries) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(NameTaken);
    const id = await create('other');
    await expect(retag(id, 'same')).rejects.toThrow(NameTaken);
    expect((await find(id))?.attributes.tag).toBe('other');
  });

  it('is handed over with its connection, without the externalId of the former one', async () => {
    const operator = () => {
      const { connection: _, ...request } = directory.request();
      return request;
    };
    const open = async (name: string) =>
      (await directory.run(new OpenConnection(operator(), name, 'lenient'))).connectionId;
    await directory.run(new CreateTenant(operator(), 'Acme'));
    const [okta, entra] = [await open('Okta'), await open('Entra')];
    const id = await create('t1', { connection: okta, externalId: 'o-1' } as never);
    await directory.runOrders();
    await directory.run(new CloseConnection(operator(), okta));
    await directory.run(new HandOverConnection(operator(), okta, entra));
    await directory.settled();
    expect(await find(id, okta)).toBeUndefined();
    expect((await find(id, entra))?.attributes).toEqual({ displayName: 'Lock t1', tag: 't1' });
    await expect(retag(id, 't2', okta)).rejects.toThrow(NotFound);
    const seen: unknown[] = [];
    const look = new ChangeResource(directory.request('acme', entra), 'Device', id, ({ attributes }) => {
      seen.push(attributes);
      return undefined;
    });
    expect((await directory.run(look)).changed).toBe(false);
    expect(seen).toEqual([{ displayName: 'Lock t1', tag: 't1' }]);
  });
});

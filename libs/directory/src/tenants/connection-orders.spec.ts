import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Decisions } from '@app/event-log';
import type { RequestContext } from '@app/events';
import { openSqlite } from '@app/runtime';
import { ProvisionAgent } from '../agent.commands.js';
import { ProvisionApplication } from '../application.commands.js';
import { Directory } from '../directory.fixture.js';
import { ConnectionIsOpen, NotFound, UnusableSuccessor } from '../directory.errors.js';
import { FindAgent, FindApplication, FindGroup, FindUser, ListConnections, ListUsers } from '../directory.queries.js';
import { ChangeGroup, CreateGroup } from '../group.commands.js';
import { CloseConnection, CreateTenant, HandOverConnection, OpenConnection } from '../tenant.commands.js';
import { ChangeUser, ProvisionUser } from '../user.commands.js';
import { ConnectionOrders, type ConnectionOrdersDb } from './connection-orders.js';

let directory: Directory;
let okta: string;
let entra: string;
let nobodyElses: string;

const operator = (): RequestContext => {
  const { connection: _, ...request } = directory.request();
  return { ...request, actor: 'operator:key' };
};
const open = async (name: string) =>
  (await directory.run(new OpenConnection(operator(), name, 'lenient'))).connectionId;
const user = async (connection: string, userName: string, more: { active?: boolean; externalId?: string } = {}) => {
  const { active = true, ...attributes } = more;
  const write = { attributes: { userName, ...attributes }, active, changed: [] };
  return (await directory.run(new ProvisionUser(directory.request('acme', connection), write))).resource.id;
};
const close = (provisioned?: 'deactivate' | 'keep') =>
  directory.run(new CloseConnection(operator(), okta, provisioned));
const handOver = (to: string) => directory.run(new HandOverConnection(operator(), okta, to));
const isActive = async (id: string) => (await directory.ask(new FindUser('acme', id)))?.active;
const deactivated = async () => (await directory.eventsOf('UserDeactivated')).map(({ data }) => data.userId);
const orderOf = async (id: string) =>
  (await directory.ask(new ListConnections('acme'))).find(({ connectionId }) => connectionId === id)?.order;

beforeEach(async () => {
  directory = await Directory.open({ policy: false });
  await directory.run(new CreateTenant(operator(), 'Acme'));
  okta = await open('Okta');
  entra = await open('Entra');
  nobodyElses = await user(entra, 'zoe');
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

describe('closing a connection', () => {
  it('deactivates everybody and everything that it provisioned, with the request that closed it', async () => {
    const [ada, bob] = [await user(okta, 'ada'), await user(okta, 'bob')];
    await user(okta, 'idle', { active: false });
    const context = directory.request('acme', okta);
    const bot = { name: 'Bot', owners: [{ type: 'User' as const, id: ada }], active: true, attributes: {} };
    const agent = (await directory.run(new ProvisionAgent(context, bot))).resource.id;
    const billing = { name: 'Billing', active: true, attributes: {} };
    const application = (await directory.run(new ProvisionApplication(context, billing))).resource.id;
    await directory.runOrders();
    await close();
    await directory.settled();

    expect(await deactivated()).toEqual([ada, bob]);
    expect((await directory.ask(new FindAgent('acme', agent)))?.active).toBe(false);
    expect((await directory.ask(new FindApplication('acme', application)))?.active).toBe(false);
    expect(await isActive(nobodyElses)).toBe(true);
    expect(await orderOf(okta)).toEqual({ isCarriedOut: true });
    const [order] = await directory.eventsOf('ConnectionOffboardingOrdered');
    const [event] = await directory.eventsOf('UserDeactivated');
    expect(event?.metadata).toMatchObject({
      actor: 'system:connection-orders',
      causationId: order?.id,
      correlationId: order?.metadata.correlationId,
      receivedAt: order?.metadata.receivedAt,
    });
  });

  it('goes through more people than fit into one step', async () => {
    const people = await Promise.all(Array.from({ length: 150 }, (_, i) => user(okta, `person-${i}`)));
    await directory.runOrders();
    await close();
    await directory.settled();
    expect(new Set(await deactivated())).toEqual(new Set(people));
  });

  it('deactivates also whom a request brings in that was under way', async () => {
    await directory.runOrders();
    await close();
    const late = await user(okta, 'late');
    await directory.settled();
    expect(await deactivated()).toEqual([late]);
  });

  it('leaves everybody as they are when asked to, until it is asked again otherwise', async () => {
    const ada = await user(okta, 'ada');
    await directory.runOrders();
    await close('keep');
    await directory.settled();
    expect([await isActive(ada), await orderOf(okta)]).toEqual([true, undefined]);
    expect((await close('keep')).position).toBeUndefined();
    await close('deactivate');
    await directory.settled();
    expect(await isActive(ada)).toBe(false);
    expect((await close()).position).toBeUndefined();
    expect(await directory.eventsOf('ConnectionClosed')).toHaveLength(1);
  });
});

describe('handing over', () => {
  it('gives everything to the other connection, which may change it and sets its own externalId', async () => {
    const ada = await user(okta, 'ada', { externalId: 'okta-1' });
    const group = (
      await directory.run(
        new CreateGroup(directory.request('acme', okta), {
          attributes: { displayName: 'Ops', externalId: 'okta-g' },
          added: [ada],
        }),
      )
    ).resource.id;
    await directory.runOrders();
    await close('keep');
    await handOver(entra);
    await directory.settled();

    expect((await directory.ask(new FindUser('acme', ada, true, okta)))?.id).toBeUndefined();
    const seen = await directory.ask(new FindUser('acme', ada, true, entra));
    expect(seen).toMatchObject({ active: true, attributes: { userName: 'ada' }, groups: [{ id: group }] });
    expect(seen?.attributes).not.toHaveProperty('externalId');
    const byOld = { equals: { attribute: 'externalId', value: 'okta-1' }, offset: 0, limit: 1 } as const;
    expect((await directory.ask(new ListUsers('acme', byOld))).total).toBe(0);
    expect((await directory.ask(new FindGroup('acme', group, true, entra)))?.attributes).toEqual({
      displayName: 'Ops',
    });
    expect(await orderOf(okta)).toEqual({ to: entra, isCarriedOut: true });
    expect(await deactivated()).toEqual([]);

    const change = (connection: string) =>
      new ChangeUser(directory.request('acme', connection), ada, ({ attributes, active }) => {
        expect(attributes).not.toHaveProperty('externalId');
        return { attributes: { ...attributes, externalId: 'entra-1' }, active, changed: ['externalId'] };
      });
    await expect(directory.run(change(okta))).rejects.toThrow(NotFound);
    await directory.run(change(entra));
    expect((await directory.ask(new FindUser('acme', ada, true, entra)))?.attributes.externalId).toBe('entra-1');
    const add = new ChangeGroup(directory.request('acme', entra), group, ({ attributes }) => ({
      attributes,
      changed: [],
      added: [nobodyElses],
      removed: [],
    }));
    await directory.run(add);
    expect((await directory.ask(new FindGroup('acme', group)))?.members).toHaveLength(2);
  });

  it('takes along an agent that is pushed as a user, which the next connection owns then', async () => {
    const write = { attributes: { userName: 'bot', externalId: 'okta-1' }, active: true, changed: [] };
    const context = directory.request('acme', okta);
    const bot = (await directory.run(new ProvisionUser(context, write, 'userName eq "bot"'))).resource.id;
    await directory.runPolicy();
    await directory.runOrders();
    await close('keep');
    await handOver(entra);
    await directory.settled();
    const seen = await directory.ask(new FindUser('acme', bot, true, entra));
    expect(seen).toMatchObject({ id: bot, active: true, attributes: { userName: 'bot' } });
    expect(seen?.attributes).not.toHaveProperty('externalId');
    const owners = async () => (await directory.ask(new FindAgent('acme', bot)))?.owners;
    expect(await owners()).toEqual([{ type: 'Connection', id: entra }]);
    expect(await directory.ask(new FindAgent('acme', bot, entra))).toBeUndefined();

    const rename = new ChangeUser(directory.request('acme', entra), bot, ({ attributes, active }) => ({
      attributes: { ...attributes, externalId: 'entra-1' },
      active,
      changed: ['externalId'],
    }));
    expect((await directory.run(rename)).resource.attributes).toEqual({ userName: 'bot', externalId: 'entra-1' });
    await directory.run(new CloseConnection(operator(), entra));
    await directory.settled();
    expect((await directory.ask(new FindAgent('acme', bot)))?.active).toBe(false);
    expect(await directory.eventsOf('AgentOrphaned')).toEqual([]);
  });

  it('comes after a deactivation that is under way, and gives the deactivated', async () => {
    const ada = await user(okta, 'ada');
    await close();
    await handOver(entra);
    await directory.runOrders();
    await directory.settled();
    expect((await directory.ask(new FindUser('acme', ada, true, entra)))?.active).toBe(false);
  });

  it('is refused while the connection is open, and to one that is closed, unknown or the same', async () => {
    await expect(handOver(entra)).rejects.toThrow(ConnectionIsOpen);
    await close('keep');
    for (const to of [okta, 'nobody']) await expect(handOver(to)).rejects.toThrow(UnusableSuccessor);
    await directory.run(new CloseConnection(operator(), entra, 'keep'));
    await expect(handOver(entra)).rejects.toThrow(UnusableSuccessor);
    await expect(directory.run(new HandOverConnection(operator(), 'nobody', await open('New')))).rejects.toThrow(
      NotFound,
    );
  });
});

describe('an order', () => {
  it('that was interrupted is finished by the next start, and nobody is deactivated twice', async () => {
    const people = [await user(okta, 'ada'), await user(okta, 'bob'), await user(okta, 'cyd')];
    await close();
    const log = directory.log;
    const decisions = directory.get(Decisions);
    const dying = Object.assign(Object.create(decisions) as Decisions, {
      execute: (stream: string, ...rest: never[]) =>
        stream.endsWith(people[2] as string)
          ? Promise.reject(new Error('power cut'))
          : (decisions.execute as (...all: unknown[]) => unknown).call(decisions, stream, ...rest),
    });
    const orders = new ConnectionOrders({ log, decisions: dying, clock: directory.clock, directory: directory.db });
    const db = openSqlite<ConnectionOrdersDb>(':memory:');
    await orders.migrate(db);
    orders.uses({ view: { reached: async () => true }, db });
    const events = await directory.events();
    await expect(db.transaction().execute((trx) => orders.apply(trx, events))).rejects.toThrow('power cut');
    expect(await orderOf(okta)).toEqual({ isCarriedOut: false });
    await directory.runOrders(db);
    await directory.settled();
    expect((await deactivated()).toSorted()).toEqual(people.toSorted());
    expect(await orderOf(okta)).toEqual({ isCarriedOut: true });
  });

  it('is not carried out again by a replay, also of somebody whom the next owner reactivated', async () => {
    const ada = await user(okta, 'ada');
    await directory.runOrders();
    await close();
    await handOver(entra);
    await directory.settled();
    const reactivate = new ChangeUser(directory.request('acme', entra), ada, ({ attributes }) => ({
      attributes,
      active: true,
      changed: [],
    }));
    await directory.run(reactivate);
    const head = await directory.log.head();
    await directory.runOrders();
    await directory.settled();
    expect(await directory.log.head()).toBe(head);
    expect(await isActive(ada)).toBe(true);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RequestContext } from '@app/events';
import { Directory } from '../directory.fixture.js';
import { InvalidPolicy } from '../directory.errors.js';
import { CreateGroup } from '../group.commands.js';
import { ActivateMapping, DefineRole, DraftMapping } from '../role.commands.js';
import { DiffMapping, RoleMembers, TestMapping } from '../role.queries.js';
import { CloseConnection, CreateTenant, HandOverConnection, OpenConnection } from '../tenant.commands.js';
import { ProvisionUser } from '../user.commands.js';
import type { RuleInput } from './rules.js';

let directory: Directory;
let okta: string;
let entra: string;

const operator = (tenant = 'acme'): RequestContext => {
  const { connection: _, ...request } = directory.request(tenant);
  return { ...request, actor: 'operator:key' };
};
const open = async (name: string, tenant = 'acme') =>
  (await directory.run(new OpenConnection(operator(tenant), name, 'lenient'))).connectionId;

/** Somebody in a group of this name, both of one connection. */
async function memberOf(displayName: string, connection: string): Promise<{ person: string; group: string }> {
  const context = directory.request('acme', connection);
  const write = { attributes: { userName: `somebody at ${connection}` }, active: true, changed: [] };
  const person = (await directory.run(new ProvisionUser(context, write))).resource.id;
  const made = await directory.run(new CreateGroup(context, { attributes: { displayName }, added: [person] }));
  return { person, group: made.resource.id };
}

const draft = async (...rules: RuleInput[]): Promise<string> =>
  (await directory.run(new DraftMapping(operator(), 'mapping', rules))).mappingId;

async function membersOf(roleId: string): Promise<Record<string, readonly string[]>> {
  await directory.settled();
  const found = await directory.ask(new RoleMembers('acme', roleId, 0, 1_000));
  return Object.fromEntries((found?.items ?? []).map(({ userId, sources }) => [userId, sources]));
}

beforeEach(async () => {
  directory = await Directory.open({ policy: false });
  await directory.runRoles();
  for (const tenant of ['acme', 'globex']) await directory.run(new CreateTenant(operator(tenant), tenant));
  [okta, entra] = [await open('Okta'), await open('Entra')];
  await directory.run(new DefineRole(operator(), 'prod', { name: 'prod', kind: 'role' }));
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

describe('a rule about the groups of one connection', () => {
  it.each([false, true])('gives nothing to groups of that name of another one (any case: %s)', async (ignoreCase) => {
    const [ours, theirs] = [await memberOf('Admins', okta), await memberOf('Admins', entra)];
    const displayName = ignoreCase ? 'ADMINS' : 'Admins';
    const mapping = await draft({ role: 'prod', group: { displayName, ignoreCase, connection: okta } });
    const gains = [{ userId: ours.person, sources: [`scim:${ours.group}`] }];
    expect((await directory.ask(new DiffMapping('acme', mapping)))?.roles).toMatchObject([{ roleId: 'prod', gains }]);
    await directory.run(new ActivateMapping(operator(), mapping));
    expect(await membersOf('prod')).toEqual({ [ours.person]: [`scim:${ours.group}`] });

    const every = await draft({ role: 'prod', group: { displayName, ignoreCase } });
    await directory.run(new ActivateMapping(operator(), every));
    expect(Object.keys(await membersOf('prod')).toSorted()).toEqual([ours.person, theirs.person].toSorted());
  });

  it('gives nothing by groups that are handed over to another one', async () => {
    const ours = await memberOf('Admins', okta);
    const mapping = await draft({ role: 'prod', group: { displayName: 'Admins', connection: okta } });
    await directory.run(new ActivateMapping(operator(), mapping));
    expect(Object.keys(await membersOf('prod'))).toEqual([ours.person]);
    await directory.runOrders();
    await directory.run(new CloseConnection(operator(), okta, 'keep'));
    await directory.run(new HandOverConnection(operator(), okta, entra));
    expect(await membersOf('prod')).toEqual({});
  });

  it('is tried on groups of that connection', async () => {
    const rules = [{ role: 'prod', group: { displayName: 'Admins', connection: okta } }];
    const tried = async (connection: string | undefined) => {
      const groups = [{ id: 'g', display: 'Admins', connection }];
      return (await directory.ask(new TestMapping('acme', rules, { attributes: {}, groups }))).roles;
    };
    expect(await tried(okta)).toEqual([{ roleId: 'prod', sources: ['scim:g'] }]);
    expect([await tried(entra), await tried(undefined)]).toEqual([[], []]);
  });

  it('is refused for a connection that the tenant does not have, and beside the id of a group', async () => {
    const elsewhere = await open('Okta', 'globex');
    for (const group of [
      { displayName: 'Admins', connection: 'none' },
      { displayName: 'Admins', connection: elsewhere },
      { id: 'g', connection: okta },
    ]) {
      const refused = draft({ role: 'prod', group });
      await expect(refused).rejects.toThrow(InvalidPolicy);
      await expect(refused).rejects.toThrow(/^Rule 1: /);
    }
  });
});

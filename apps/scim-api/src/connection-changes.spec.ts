// What an identity provider meets at a connection that an operator has changed: the next request is read and answered otherwise.
import 'reflect-metadata';
import { ChangeConnection, type ConnectionChanges } from '@app/directory';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, openScim, patch, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

let scim: ScimWorld;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());

const operator = {
  tenant: 'acme',
  actor: 'operator:spec',
  correlationId: 'spec',
  receivedAt: '2026-01-01T00:00:00.000Z',
};
const change = (of: Connection, changes: ConnectionChanges) =>
  scim.operate(new ChangeConnection(operator, scim.idOf(of), changes));

describe('a changed connection', () => {
  const as = 'pushing-acme';
  const push = async (userType: string): Promise<string> =>
    (await scim.ask('POST', '/Users', { as, body: { userName: newName(), userType } })).body.id;
  const provisioned = async () => (await scim.appended()).map(({ type }) => type);

  it('provisions by its new rule from the next request on, and whoever is there stays what they are', async () => {
    const [bot, person] = [await push('Agent'), await push('Service')];
    await change(as, { agentWhen: 'userType eq "Service"' });
    await push('Agent');
    await push('Service');
    expect(await provisioned()).toEqual(['UserProvisioned', 'AgentProvisioned']);
    for (const [id, event] of [
      [bot, 'AgentDeactivated'],
      [person, 'UserDeactivated'],
    ] as const) {
      const off = patch({ op: 'replace', path: 'active', value: false });
      expect((await scim.ask('PATCH', `/Users/${id}`, { as, body: off })).status).toBe(200);
      expect(await provisioned()).toEqual([event]);
    }
    await change(as, { agentWhen: null });
    await push('Service');
    expect(await provisioned()).toEqual(['UserProvisioned']);
  });

  it('shows agents under the other name, also where the answer was kept', async () => {
    const of = 'naming-acme';
    const owner = (await scim.ask('POST', '/Users', { as: of, body: { userName: newName() } })).body.id;
    const body = { agentUserName: 'Bot', owners: [{ value: owner }] };
    const { id } = (await scim.ask('POST', '/Agents', { as: of, body })).body;
    const shown = async () => {
      const one = (await scim.ask('GET', `/Agents/${id}`, { as: of })).body;
      const [listed] = (await scim.ask('GET', '/Agents?count=1', { as: of })).body.Resources;
      return [one, listed].map(({ name, agentUserName }: Json) => ({ name, agentUserName }));
    };
    expect([await shown(), await shown()].flat()).toEqual(Array(4).fill({ name: 'Bot' }));
    await change(of, { agentNameKey: 'agentUserName' });
    expect([await shown(), await shown()].flat()).toEqual(Array(4).fill({ agentUserName: 'Bot' }));
    await change(of, { agentNameKey: 'name' });
    expect(await shown()).toEqual(Array(2).fill({ name: 'Bot' }));
  });

  it('refuses what it still read leniently, also where the answer was kept', async () => {
    const loose = '/Users?filter=active%20eq%20%22true%22';
    const statuses = async () => [(await scim.ask('GET', loose)).status, (await scim.ask('GET', loose)).status];
    expect(await statuses()).toEqual([200, 200]);
    await change('lenient-acme', { dialect: 'strict' });
    expect(await statuses()).toEqual([400, 400]);
    await change('lenient-acme', { dialect: 'lenient' });
    expect(await statuses()).toEqual([200, 200]);
  });
});

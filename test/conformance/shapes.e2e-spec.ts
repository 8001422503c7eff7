// Sends every shape in which access is taken away, and every one that takes nothing, twice, to a started service.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startedService, type Client, type StartedService } from './started-service.js';
import { expectEvents, filled, patch, shapes, type Shape } from './tables.js';

let service: StartedService;
let client: Client;
let n = 0;
beforeAll(async () => {
  service = await startedService();
  client = await service.connect('shapes');
});
afterAll(() => service.stop());

/** A stopped application with one of two agents. */
async function stoppedApplication(name: string): Promise<Map<string, string>> {
  const owners = [{ value: (await client.create('/Users', { userName: name })).id }];
  const inside = (await client.create('/Agents', { name: `${name}-1`, owners })).id;
  const out = (await client.create('/Agents', { name: `${name}-2`, owners })).id;
  const application = { name, active: false, agents: [{ value: inside }] };
  const { id } = await client.create('/AgenticApplications', application);
  return new Map(Object.entries({ name, id, in: inside, out }));
}

async function source(type: Shape['type']): Promise<Map<string, string>> {
  const name = `subject-${++n}`;
  if (type === 'AgenticApplication') return stoppedApplication(name);
  if (type === 'Group') {
    const u1 = (await client.create('/Users', { userName: `${name}-1` })).id;
    const u2 = (await client.create('/Users', { userName: `${name}-2` })).id;
    const { id } = await client.create('/Groups', { displayName: name, members: [{ value: u1 }, { value: u2 }] });
    return new Map(Object.entries({ name, id, u1, u2 }));
  }
  const { id } = await client.create('/Users', {
    userName: name,
    externalId: `ext-${name}`,
    displayName: 'Ada',
    active: true,
    roles: [{ value: 'Admin' }, { value: 'Reader' }],
    entitlements: [{ value: 'vpn' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R&D' },
  });
  return new Map(Object.entries({ name, id }));
}

describe.each([...shapes])('%s', (_, table) => {
  it.each(table)('$type: $name', async ({ type, method, operations = [], with: sent, events }) => {
    const kept = await source(type);
    await client.appended();
    const body = method === 'DELETE' ? undefined : filled(sent ?? patch(...operations), kept);
    const path = `/${type}s/${kept.get('id')}`;
    const first = await client.ask(method, path, body);
    expect([200, 204]).toContain(first.status);
    expectEvents(await client.appended(), filled(events, kept));

    // Every client repeats itself: the second time there is nothing left to record.
    const again = await client.ask(method, path, body);
    expect(again.status).toBe(method === 'DELETE' ? 404 : first.status);
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expectEvents(await client.appended(), []);
  });
});

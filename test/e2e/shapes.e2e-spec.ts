// Every shape in which clients take access away ends in exactly one cascade, every shape that takes nothing in none.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { expectStatus, PROVIDER, Scenario } from './scenario.js';

interface Shape {
  readonly name: string;
  readonly type: 'User' | 'Group';
  readonly method: string;
  readonly operations?: readonly object[];
  readonly with?: object;
  readonly events: readonly (
    string | { readonly type: string; readonly data?: { readonly removed?: readonly object[] } }
  )[];
}

/** A shape that was sent: whose cascades to count, and how many targets they must have. */
interface Sent {
  readonly name: string;
  readonly subject: string;
  readonly targets: number;
}

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const shapesOf = (file: string): readonly Shape[] =>
  JSON.parse(readFileSync(new URL(`../conformance/shapes/${file}.json`, import.meta.url), 'utf8')) as Shape[];

function filled<T>(value: T, kept: Readonly<Record<string, string>>): T {
  const text = JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (all, name: string) => kept[name] ?? all);
  return JSON.parse(text) as T;
}

let scenario: Scenario;
let people = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

const created = async (path: string, body: object): Promise<string> =>
  expectStatus(await scenario.scim.post<{ id: string }>(path, body), 201).id;
const newUser = (more: object = {}) => created('/Users', { userName: `person-${++people}@example.com`, ...more });
const newAgent = (owners: readonly string[], more: object = {}) =>
  created('/Agents', { agentUserName: `bot-${++people}`, owners: owners.map((value) => ({ value })), ...more });

async function hold(holder: { userId?: string; agentId?: string }, requiresGroups: readonly string[] = []) {
  const secret = scenario.provider.issueGrant().accessTokens[0] as string;
  const credential = { kind: 'oauth_access_token', providerId: PROVIDER, secret, requiresGroups, ...holder };
  expectStatus(await scenario.api.post('/credentials', credential), 201);
}

/** As a client does after a timeout: everything is sent twice. */
async function sendTwice(method: string, path: string, body?: unknown): Promise<void> {
  const send = () => {
    if (method === 'DELETE') return scenario.scim.delete(path);
    if (method === 'PUT') return scenario.scim.put(path, body);
    return method === 'POST' ? scenario.scim.post(path, body) : scenario.scim.patch(path, body);
  };
  const first = await send();
  if (first.status >= 300) throw new Error(`${method} ${path} was answered ${first.status}`);
  await send();
}

const bodyOf = ({ with: sent, operations }: Shape) => sent ?? { schemas: [PATCH], Operations: operations ?? [] };

async function sendToUser(shape: Shape): Promise<Sent> {
  const name = `shape-${++people}`;
  const id = await newUser({
    userName: name,
    externalId: `ext-${name}`,
    displayName: 'Ada',
    roles: [{ value: 'Admin' }, { value: 'Reader' }],
    entitlements: [{ value: 'vpn' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R&D' },
  });
  await hold({ userId: id });
  await sendTwice(shape.method, `/Users/${id}`, filled(bodyOf(shape), { name, id }));
  return { name: shape.name, subject: id, targets: 1 };
}

/** Both members hold something that the group is required for. */
async function sendToGroup(shape: Shape): Promise<Sent> {
  const name = `shape-${++people}`;
  const [u1, u2] = [await newUser(), await newUser()];
  const id = await created('/Groups', { displayName: name, members: [{ value: u1 }, { value: u2 }] });
  for (const userId of [u1, u2]) await hold({ userId }, [id]);
  await sendTwice(shape.method, `/Groups/${id}`, filled(bodyOf(shape), { name, id, u1, u2 }));
  const [event] = shape.events;
  const removed = typeof event === 'object' ? event.data?.removed?.length : undefined;
  return { name: shape.name, subject: id, targets: removed ?? 2 };
}

const send = (shape: Shape): Promise<Sent> => (shape.type === 'User' ? sendToUser(shape) : sendToGroup(shape));

const off = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };

/** An agent with a credential of its own, and what is done to it; the subject is who lost access first. */
const agentShapes: Readonly<Record<string, () => Promise<string>>> = {
  'an agent is deactivated by PATCH': async () => {
    const agent = await newAgent([await newUser()]);
    await hold({ agentId: agent });
    await sendTwice('PATCH', `/Agents/${agent}`, off);
    return agent;
  },
  'an agent is deactivated by PUT': async () => {
    const owner = await newUser();
    const agent = await newAgent([owner]);
    await hold({ agentId: agent });
    await sendTwice('PUT', `/Agents/${agent}`, { name: 'bot', owners: [{ value: owner }], active: false });
    return agent;
  },
  'an agent is deleted': async () => {
    const agent = await newAgent([await newUser()]);
    await hold({ agentId: agent });
    await sendTwice('DELETE', `/Agents/${agent}`);
    return agent;
  },
  'an agent loses its last owner': async () => {
    const owner = await newUser();
    const agent = await newAgent([owner]);
    await hold({ agentId: agent });
    const operation = { op: 'remove', path: `owners[value eq "${owner}"]` };
    await sendTwice('PATCH', `/Agents/${agent}`, { schemas: [PATCH], Operations: [operation] });
    return agent;
  },
  'the owner of an agent is deactivated': async () => {
    const owner = await newUser();
    await hold({ agentId: await newAgent([owner]) });
    await sendTwice('PATCH', `/Users/${owner}`, off);
    return owner;
  },
  'the parent of an agent is deactivated': async () => {
    const owner = await newUser();
    const parent = await newAgent([owner]);
    await hold({ agentId: await newAgent([owner], { parent: { value: parent } }) });
    await sendTwice('PATCH', `/Agents/${parent}`, off);
    return parent;
  },
  'the application of an agent is deactivated': async () => {
    const application = await created('/AgenticApplications', { name: 'billing' });
    await hold({ agentId: await newAgent([await newUser()], { applications: [{ value: application }] }) });
    await sendTwice('PATCH', `/AgenticApplications/${application}`, off);
    return application;
  },
  'the application of an agent is deleted': async () => {
    const application = await created('/AgenticApplications', { name: 'billing' });
    await hold({ agentId: await newAgent([await newUser()], { applications: [{ value: application }] }) });
    await sendTwice('DELETE', `/AgenticApplications/${application}`);
    return application;
  },
  'a bulk request deactivates a user': async () => {
    const userId = await newUser();
    await hold({ userId });
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    await sendTwice('POST', '/Bulk', {
      schemas,
      Operations: [{ method: 'PATCH', path: `/Users/${userId}`, data: off }],
    });
    return userId;
  },
};

const takingEvents = new Set(['UserDeactivated', 'UserDeleted', 'GroupMembershipChanged', 'GroupDeleted']);
const takesHoldings = ({ events }: Shape) =>
  events.some((event) => takingEvents.has(typeof event === 'string' ? event : event.type));

it('ends every shape that takes access away in one cascade, and every other shape in none', async () => {
  const taking: Sent[] = [];
  for (const shape of shapesOf('takes-access').filter(takesHoldings)) taking.push(await send(shape));
  for (const [name, act] of Object.entries(agentShapes)) taking.push({ name, subject: await act(), targets: 1 });
  const harmless: Sent[] = [];
  for (const shape of shapesOf('takes-nothing')) harmless.push(await send(shape));
  // Nobody holds anything of a test user and a test group: JumpCloud makes and deletes them at activation.
  const testUser = await newUser({ userName: 'jc-test-user' });
  const testGroup = await created('/Groups', { displayName: 'jc-test-group', members: [{ value: testUser }] });
  await sendTwice('DELETE', `/Groups/${testGroup}`);
  await sendTwice('DELETE', `/Users/${testUser}`);
  for (const subject of [testUser, testGroup]) harmless.push({ name: 'a test object', subject, targets: 0 });

  // The log is worked off in its order: whoever is deactivated last is the last to have a cascade.
  const last = await newUser();
  await hold({ userId: last });
  await scenario.deactivate(last);
  await scenario.completed(last);

  const counted = await Promise.all(
    taking.map(async ({ name, subject }) => [
      name,
      (await scenario.cascadesOf(subject)).map(({ targetCount }) => targetCount),
    ]),
  );
  expect(counted).toEqual(taking.map(({ name, targets }) => [name, [targets]]));
  for (const { name, subject } of harmless) {
    // That nothing was held by somebody who is gone is recorded, but is no cascade: it has no target.
    const cascades = (await scenario.cascadesOf(subject)).filter(({ targetCount }) => targetCount > 0);
    expect([name, cascades]).toEqual([name, []]);
  }

  for (const { subject } of taking) await scenario.completed(subject);
  const targets = taking.reduce((sum, one) => sum + one.targets, 0);
  expect(scenario.provider.count('POST /revoke')).toBe(targets + 1);
});

// Every shape in which clients take access away ends in exactly one cascade, every shape that takes nothing in none.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ApiClient, eventually, type ApiAnswer } from '@app/testkit';
import { expectStatus, PROVIDER, Scenario } from './scenario.js';

interface Shape {
  readonly name: string;
  readonly type: 'User' | 'Group' | 'AgenticApplication';
  readonly method: string;
  readonly operations?: readonly object[];
  readonly with?: object;
  readonly events: readonly (
    | string
    | {
        readonly type: string;
        readonly data?: { readonly added?: readonly unknown[]; readonly removed?: readonly unknown[] };
      }
  )[];
}

/** A shape that was sent: whose cascades to count, and how many targets the one that is expected must have. */
interface Sent {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly targets: number;
}

/** Sends a request that must be accepted. */
type Send = (method: string, path: string, body?: unknown) => Promise<void>;

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

interface Requirement {
  readonly requiresGroups?: readonly string[];
  readonly requiresRoles?: readonly string[];
}

async function hold(holder: { userId?: string; agentId?: string }, requirement: Requirement = {}): Promise<void> {
  const secret = scenario.provider.issueGrant().accessTokens[0] as string;
  const credential = { kind: 'oauth_access_token', providerId: PROVIDER, secret, ...requirement, ...holder };
  expectStatus(await scenario.api.post('/credentials', credential), 201);
}

async function sendDirectly(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  if (method === 'DELETE') return scenario.scim.delete(path);
  if (method === 'PUT') return scenario.scim.put(path, body);
  return method === 'POST' ? scenario.scim.post(path, body) : scenario.scim.patch(path, body);
}

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

async function sendInBulk(method: string, path: string, data?: unknown): Promise<ApiAnswer> {
  const bulkId = method === 'POST' ? { bulkId: 'one' } : {};
  const Operations = [{ method, path, ...bulkId, ...(data === undefined ? {} : { data }) }];
  const answer = await scenario.scim.post<{ Operations: { status: string }[] }>('/Bulk', {
    schemas: [BULK],
    Operations,
  });
  return { ...answer, status: Number(answer.body.Operations[0]?.status) };
}

/** As a client does after a timeout: everything is sent twice. */
const twice =
  (send: typeof sendDirectly): Send =>
  async (method, path, body) => {
    const first = await send(method, path, body);
    if (!(first.status < 300)) throw new Error(`${method} ${path} was answered ${first.status}`);
    await send(method, path, body);
  };

const ways = { itself: twice(sendDirectly), 'a bulk request': twice(sendInBulk) };

const bodyOf = ({ method, with: sent, operations }: Shape) =>
  method === 'DELETE' ? undefined : (sent ?? { schemas: [PATCH], Operations: operations ?? [] });

const has = (shape: Shape, type: string): boolean =>
  shape.events.some((event) => (typeof event === 'string' ? event : event.type) === type);

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** Holds something for being this person, and something that everything is required for that shapes take from it. */
async function sendToUser(shape: Shape, send: Send): Promise<Sent> {
  const name = `shape-${++people}`;
  const id = await newUser({
    userName: name,
    externalId: `ext-${name}`,
    displayName: 'Ada',
    roles: [{ value: 'Admin' }, { value: 'Reader' }],
    entitlements: [{ value: 'vpn' }],
    [ENTERPRISE]: { department: 'R&D' },
  });
  const condition = [
    `userName eq "${name}"`,
    'roles.value eq "Admin"',
    'entitlements.value eq "vpn"',
    `${ENTERPRISE}:department eq "R&D"`,
  ].join(' and ');
  expectStatus(await scenario.api.put(`/roles/${name}`, { name, condition }), 200);
  await hold({ userId: id });
  await hold({ userId: id }, { requiresRoles: [name] });
  const body = bodyOf(shape);
  await send(shape.method, `/Users/${id}`, body && filled(body, { name, id }));
  const goes = has(shape, 'UserDeactivated') || has(shape, 'UserDeleted');
  return { name: shape.name, subjects: [id, name], targets: goes ? 2 : 1 };
}

const rules: object[] = [];

/** Makes the group give the role, beside all groups that give one already. */
async function giveRole(role: string, displayName: string): Promise<void> {
  expectStatus(await scenario.api.put(`/roles/${role}`, { name: role }), 200);
  rules.push({ role, group: { displayName } });
  const { id } = expectStatus(await scenario.api.post<{ id: string }>('/mappings', { name: role, rules }), 201);
  expectStatus(await scenario.api.post(`/mappings/${id}/activate`, {}), 204);
}

/** Both members hold something that the group is required for, or the role that it gives by its name. */
async function sendToGroup(shape: Shape, send: Send): Promise<Sent> {
  const name = `shape-${++people}`;
  const [u1, u2] = [await newUser(), await newUser()];
  const id = await created('/Groups', { displayName: name, members: [{ value: u1 }, { value: u2 }] });
  const renames = shape.name.includes('rename');
  if (renames) await giveRole(name, name);
  for (const userId of [u1, u2]) await hold({ userId }, renames ? { requiresRoles: [name] } : { requiresGroups: [id] });
  const body = bodyOf(shape);
  await send(shape.method, `/Groups/${id}`, body && filled(body, { name, id, u1, u2 }));
  const [event] = shape.events;
  const removed = typeof event === 'object' ? event.data?.removed?.length : undefined;
  return { name: shape.name, subjects: [id, name], targets: removed ?? 2 };
}

/** A stopped application with one of two agents; the other one holds something. Who may act afterwards is who is out. */
async function sendToApplication(shape: Shape, send: Send): Promise<Sent> {
  const name = `shape-${++people}`;
  const owner = await newUser();
  const [inside, out] = [await newAgent([owner]), await newAgent([owner])];
  await hold({ agentId: out });
  const id = await created('/AgenticApplications', { name, active: false, agents: [{ value: inside }] });
  await send(shape.method, `/AgenticApplications/${id}`, filled(bodyOf(shape), { name, id, in: inside, out }));
  const [event] = shape.events;
  const { added = [], removed = [] } = (typeof event === 'object' ? event.data : undefined) ?? {};
  const may = [await scenario.mayAct(inside), await scenario.mayAct(out)];
  expect([shape.name, ...may]).toEqual([shape.name, removed.length > 0, added.length === 0]);
  return { name: shape.name, subjects: [id, inside, out], targets: added.length };
}

const senders = { User: sendToUser, Group: sendToGroup, AgenticApplication: sendToApplication };
const sendShape = (shape: Shape, send: Send): Promise<Sent> => senders[shape.type](shape, send);

const off = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };

/** What else takes access from whoever holds something; answers whose cascade it is. */
const acts: Readonly<Record<string, (send: Send) => Promise<string>>> = {
  'an agent is deactivated by PATCH': async (send) => {
    const agent = await newAgent([await newUser()]);
    await hold({ agentId: agent });
    await send('PATCH', `/Agents/${agent}`, off);
    return agent;
  },
  'an agent is deactivated by PUT': async (send) => {
    const owner = await newUser();
    const agent = await newAgent([owner]);
    await hold({ agentId: agent });
    await send('PUT', `/Agents/${agent}`, { name: `bot-${++people}`, owners: [{ value: owner }], active: false });
    return agent;
  },
  'an agent is deleted': async (send) => {
    const agent = await newAgent([await newUser()]);
    await hold({ agentId: agent });
    await send('DELETE', `/Agents/${agent}`);
    return agent;
  },
  'an agent loses its last owner': async (send) => {
    const owner = await newUser();
    const agent = await newAgent([owner]);
    await hold({ agentId: agent });
    const operation = { op: 'remove', path: `owners[value eq "${owner}"]` };
    await send('PATCH', `/Agents/${agent}`, { schemas: [PATCH], Operations: [operation] });
    return agent;
  },
  'the owner of an agent is deactivated': async (send) => {
    const owner = await newUser();
    await hold({ agentId: await newAgent([owner]) });
    await send('PATCH', `/Users/${owner}`, off);
    return owner;
  },
  'the group that owns an agent is deleted': async (send) => {
    const group = await created('/Groups', { displayName: `owners-${++people}` });
    await hold({ agentId: await newAgent([], { owners: [{ value: group, type: 'Group' }] }) });
    await send('DELETE', `/Groups/${group}`);
    return group;
  },
  'the parent of an agent is deactivated': async (send) => {
    const owner = await newUser();
    const parent = await newAgent([owner]);
    await hold({ agentId: await newAgent([owner], { parent: { value: parent } }) });
    await send('PATCH', `/Agents/${parent}`, off);
    return parent;
  },
  'the application of an agent is deactivated': async (send) => {
    const application = await created('/AgenticApplications', { name: `application-${++people}` });
    await hold({ agentId: await newAgent([await newUser()], { applications: [{ value: application }] }) });
    await send('PATCH', `/AgenticApplications/${application}`, off);
    return application;
  },
  'the application of an agent is deleted': async (send) => {
    const application = await created('/AgenticApplications', { name: `application-${++people}` });
    await hold({ agentId: await newAgent([await newUser()], { applications: [{ value: application }] }) });
    await send('DELETE', `/AgenticApplications/${application}`);
    return application;
  },
  'somebody known is created again as inactive': async (send) => {
    const known = { userName: `known-${++people}`, externalId: `known-${people}` };
    const userId = await newUser(known);
    await hold({ userId });
    await send('POST', '/Users', { ...known, active: false });
    return userId;
  },
  'the connection of somebody is closed': async () => {
    const { id } = expectStatus(await scenario.api.post<{ id: string }>('/connections', { name: 'Other' }), 201);
    const { token } = expectStatus(await scenario.api.post<{ token: string }>(`/connections/${id}/tokens`, {}), 201);
    const scim = new ApiClient(scenario.service.scimBaseUrl, token, 'application/scim+json');
    const person = { userName: `person-${++people}@example.com` };
    const userId = expectStatus(await scim.post<{ id: string }>('/Users', person), 201).id;
    await hold({ userId });
    for (const _ of ['first', 'again']) expect((await scenario.api.delete(`/connections/${id}`)).status).toBe(204);
    return userId;
  },
};

/** JumpCloud makes and deletes them at activation: nobody holds anything of them. */
async function testObjects(send: Send): Promise<Sent> {
  const user = await newUser({ userName: `jc-test-user-${++people}` });
  const group = await created('/Groups', { displayName: `jc-test-group-${people}`, members: [{ value: user }] });
  await send('DELETE', `/Groups/${group}`);
  await send('DELETE', `/Users/${user}`);
  return { name: 'test objects', subjects: [user, group], targets: 0 };
}

/** Sizes of the cascades. That nothing was held by somebody who is gone is recorded, but is no cascade: it has no target. */
async function cascadesOf({ subjects }: Sent): Promise<number[]> {
  const found = await Promise.all(subjects.map((subject) => scenario.cascadesOf(subject)));
  return found.flatMap((of) => of.map(({ targetCount }) => targetCount)).filter((size) => size > 0);
}

const completed = ({ subjects }: Sent): Promise<boolean> =>
  eventually('its cascade is complete', async () => {
    const found = await Promise.all(subjects.map((subject) => scenario.cascadesOf(subject)));
    const cascades = found.flat().filter(({ targetCount }) => targetCount > 0);
    return cascades.length > 0 && cascades.every(({ status }) => status !== 'open') ? true : undefined;
  });

it.each(Object.entries(ways))(
  'ends every shape that takes access away, sent by %s, in one cascade, and every other shape in none',
  async (_, send) => {
    const revokedBefore = scenario.provider.count('POST /revoke');
    const taking: Sent[] = [];
    for (const shape of shapesOf('takes-access')) taking.push(await sendShape(shape, send));
    for (const [name, act] of Object.entries(acts)) taking.push({ name, subjects: [await act(send)], targets: 1 });
    const harmless: Sent[] = [await testObjects(send)];
    for (const shape of shapesOf('takes-nothing')) harmless.push(await sendShape(shape, send));

    for (const one of taking) await completed(one);
    // The log is worked off in its order: whoever is deactivated last is the last to have a cascade.
    const last = await newUser();
    await hold({ userId: last });
    await scenario.deactivate(last);
    await scenario.completed(last);

    for (const one of taking) expect([one.name, await cascadesOf(one)]).toEqual([one.name, [one.targets]]);
    for (const one of harmless) expect([one.name, await cascadesOf(one)]).toEqual([one.name, []]);
    const targets = taking.reduce((sum, one) => sum + one.targets, 0);
    expect(scenario.provider.count('POST /revoke') - revokedBefore).toBe(targets + 1);
  },
);

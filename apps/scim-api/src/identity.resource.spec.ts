// Agentic identities over SCIM: the agents that are at /Agents, in the words of an earlier draft.
import 'reflect-metadata';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { FindAgent } from '@app/directory';
import { off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

const identitySchema = 'urn:ietf:params:scim:schemas:core:2.0:AgenticIdentity';
const client = {
  clientId: 'c-1',
  issuer: 'https://idp.example.com',
  subject: 's',
  audiences: ['https://a', 'https://b'],
};

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

const newIdentity = (attributes: object = {}): Promise<Json> =>
  world.create('/AgenticIdentities', { schemas: [identitySchema], displayName: 'Invoices', ...attributes });
const typesOf = async () => (await world.appended()).map(({ type }) => type);
const ownersOf = async (id: string) => (await world.query(new FindAgent('acme', id)))?.owners;

it('is an agent, and shown as one too', async () => {
  await world.appended();
  const { id, ...shown } = await newIdentity({ oAuthClientIdentifiers: [client], agenticApplicationId: 'app' });
  expect(await typesOf()).toEqual(['AgentProvisioned']);
  expect(shown).toMatchObject({
    schemas: [identitySchema],
    displayName: 'Invoices',
    active: true,
    agenticApplicationId: 'app',
    oAuthClientIdentifiers: [client],
    meta: { resourceType: 'AgenticIdentity', location: `http://scim.test/scim/v2/AgenticIdentities/${id}` },
  });
  expect(shown).not.toHaveProperty('agentUserName');
  for (const filter of [
    'oAuthClientIdentifiers.clientId eq "c-1"',
    'oAuthClientIdentifiers.audiences eq "https://b"',
    'displayName eq "invoices"',
    `id eq "${id}"`,
  ]) {
    const { body } = await world.ask('GET', `/AgenticIdentities?filter=${encodeURIComponent(filter)}`);
    expect([filter, body.Resources.map((one: Json) => one.id)]).toEqual([filter, [id]]);
  }
  expect((await world.ask('GET', `/Agents/${id}`)).body).toMatchObject({ agentUserName: 'Invoices' });
  const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: `id eq "${id}"` };
  const { body } = await world.ask('POST', '/.search', { body: search });
  expect(body.Resources.map((one: Json) => one.meta.resourceType)).toEqual(['Agent']);
  expect((await world.ask('GET', '/ResourceTypes/AgenticIdentity')).body.schema).toBe(identitySchema);
  expect((await world.ask('GET', `/AgenticIdentities/${id}`, { as: 'lenient-globex' })).status).toBe(404);
});

it('is sorted by the first of its audiences', async () => {
  for (const [displayName, audiences] of Object.entries({ 'sorted-1': ['y', 'a'], 'sorted-2': ['x'] }))
    await newIdentity({ displayName, oAuthClientIdentifiers: [{ ...client, audiences }] });
  const asked = 'filter=displayName%20sw%20%22sorted-%22&sortBy=oAuthClientIdentifiers.audiences';
  const { body } = await world.ask('GET', `/AgenticIdentities?${asked}`);
  expect(body.Resources.map((one: Json) => one.displayName)).toEqual(['sorted-2', 'sorted-1']);
});

it('is renamed, deactivated and deleted; a repetition records nothing', async () => {
  const { id } = await newIdentity({ oAuthClientIdentifiers: [client] });
  const path = `/AgenticIdentities/${id}`;
  await world.appended();
  const rename = patch({ op: 'replace', path: 'displayName', value: 'Bills' });
  for (const body of [rename, off]) for (let i = 0; i < 2; i += 1) await world.ask('PATCH', path, { body });
  expect((await world.ask('GET', `/Agents/${id}`)).body).toMatchObject({ agentUserName: 'Bills', active: false });
  expect((await world.ask('GET', path)).body).toMatchObject({ oAuthClientIdentifiers: [client], active: false });
  const put = { displayName: 'Bills', oAuthClientIdentifiers: [client] };
  expect((await world.ask('PUT', path, { body: put })).status).toBe(200);
  expect((await world.ask('DELETE', path)).status).toBe(204);
  expect((await world.ask('GET', path)).status).toBe(404);
  expect(await typesOf()).toEqual(['AgentChanged', 'AgentDeactivated', 'AgentDeleted']);
});

it('shows an agent that came by /Agents, by its name', async () => {
  const owner = await world.newUser();
  const { id } = await world.create('/Agents', { agentUserName: 'bot', owners: [{ value: owner.id }] });
  const path = `/AgenticIdentities/${id}`;
  expect((await world.ask('GET', path)).body).toMatchObject({ displayName: 'bot', owners: [{ value: owner.id }] });
  expect((await world.ask('PATCH', path, { body: off })).body.active).toBe(false);
  expect((await world.ask('GET', `/Agents/${id}`)).body).toMatchObject({ agentUserName: 'bot', active: false });
});

it('is owned by its connection until it has an owner, and by nobody once it has lost the last one', async () => {
  const owner = await world.newUser();
  const { id, ...shown } = await newIdentity();
  expect(shown).not.toHaveProperty('owners');
  expect(await ownersOf(id)).toEqual([{ type: 'Connection', id: world.idOf('lenient-acme') }]);
  const path = `/AgenticIdentities/${id}`;
  await world.ask('PATCH', path, { body: patch({ op: 'replace', path: 'description', value: 'Pays' }) });
  expect(await ownersOf(id)).toMatchObject([{ type: 'Connection' }]);
  await world.ask('PATCH', path, { body: patch({ op: 'add', path: 'owners', value: [{ value: owner.id }] }) });
  expect(await ownersOf(id)).toEqual([{ type: 'User', id: owner.id }]);
  await world.ask('PATCH', path, { body: patch({ op: 'remove', path: 'owners' }) });
  expect(await ownersOf(id)).toEqual([]);
});

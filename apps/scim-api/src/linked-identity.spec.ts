// What a client gets that creates, as inactive, somebody it has created before.
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newName, openScim, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

let scim: ScimWorld;
let ada: Json;
let userName: string;
let externalId: string;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());
beforeEach(async () => {
  userName = newName();
  externalId = `ext-${userName}`;
  ada = await scim.newUser({ userName, externalId, displayName: 'Ada' });
  await scim.appended();
});

const post = (body: object, as: Connection = 'lenient-acme') =>
  scim.ask('POST', '/Users', { body: { schemas: [USER], active: false, ...body }, as });
const types = async () => (await scim.appended()).map(({ type }) => type);

describe('a user who is created again as inactive', () => {
  it.each([
    ['under the same userName and externalId', () => ({ userName, externalId })],
    ['under the same userName, without an externalId', () => ({ userName })],
    ['under the same externalId, renamed meanwhile', () => ({ userName: newName(), externalId })],
    ['with "False"', () => ({ userName: userName.toUpperCase(), active: 'False' })],
  ])('%s is deactivated, and nothing else of the user changes', async (_, body) => {
    const answer = await post(body());
    expect([answer.status, answer.body]).toMatchObject([
      200,
      { id: ada.id, userName, externalId, displayName: 'Ada', active: false },
    ]);
    expect(await types()).toEqual(['UserDeactivated']);
    expect((await post(body())).body.meta.version).toBe(answer.body.meta.version);
    expect(await types()).toEqual([]);
  });

  it('is deactivated in a bulk request too', async () => {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    const data = { userName, active: false };
    const Operations = [{ method: 'POST', path: '/Users', bulkId: 'a', data }];
    const { body } = await scim.ask('POST', '/Bulk', { body: { schemas, Operations } });
    expect(body.Operations).toMatchObject([{ status: '200', location: ada.meta.location }]);
    expect(await types()).toEqual(['UserDeactivated']);
  });

  it('is counted as a quirk', async () => {
    const before = (await scim.quirks('lenient-acme'))['deactivation-by-post'] ?? 0;
    await post({ userName });
    expect((await scim.quirks('lenient-acme'))['deactivation-by-post']).toBe(before + 1);
  });
});

describe('somebody else', () => {
  it('who has another externalId is refused the name, and nobody is deactivated', async () => {
    expect((await post({ userName, externalId: 'another' })).body).toMatchObject({
      status: '409',
      scimType: 'uniqueness',
    });
    expect(await types()).toEqual([]);
  });

  it('of another connection stays as they are', async () => {
    expect((await post({ userName, externalId }, 'strict-acme')).status).toBe(409);
    expect((await post({ userName, externalId }, 'lenient-globex')).status).toBe(201);
    expect(await types()).toEqual(['UserProvisioned']);
    expect((await scim.ask('GET', `/Users/${ada.id}`)).body.active).toBe(true);
  });
});

it('is refused on a strict connection as the RFC says (RFC 7644 section 3.3), and changes nothing', async () => {
  const name = newName();
  const body = { schemas: [USER], userName: name };
  expect((await scim.ask('POST', '/Users', { body, as: 'strict-acme' })).status).toBe(201);
  await scim.appended();
  expect((await post(body, 'strict-acme')).status).toBe(409);
  expect(await types()).toEqual([]);
});

it('holds for agents by externalId or by name, and for applications', async () => {
  const owners = [{ value: ada.id }];
  const externalId = `bot-${ada.id}`;
  const agent = await scim.create('/Agents', { agentUserName: 'bot', externalId, owners });
  const other = await scim.create('/Agents', { agentUserName: 'other bot', owners });
  const application = await scim.create('/AgenticApplications', { name: 'billing' });
  await scim.appended();
  const again = (body: object) => scim.ask('POST', '/Agents', { body: { owners, active: false, ...body } });
  expect((await again({ agentUserName: 'bot', externalId: 'of another' })).status).toBe(409);
  expect((await again({ agentUserName: 'renamed', externalId })).body).toMatchObject({ id: agent.id, active: false });
  expect((await again({ agentUserName: 'OTHER BOT' })).body).toMatchObject({ id: other.id, active: false });
  const body = { name: 'Billing', active: false };
  expect((await scim.ask('POST', '/AgenticApplications', { body })).body.id).toBe(application.id);
  expect(await types()).toEqual(['AgentDeactivated', 'AgentDeactivated', 'ApplicationDeactivated']);
});

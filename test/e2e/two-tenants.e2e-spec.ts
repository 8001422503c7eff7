import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient } from '@app/testkit';
import { Scenario } from './scenario.js';

let acme: Scenario;
let globex: { scim: ApiClient; api: ApiClient };
let ada: string;

beforeAll(async () => {
  acme = await Scenario.start();
  ada = await acme.provisionUser('ada@example.com');
  await acme.register(ada, 3);
  globex = await acme.addTenant('globex');
});
afterAll(() => acme.stop());

describe('two tenants', () => {
  it('may have users of the same name, each seeing its own only', async () => {
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada@example.com' };
    const theirs = await globex.scim.post<{ id: string }>('/Users', user);
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(ada);
    const list = await globex.scim.get<{ totalResults: number; Resources: { id: string }[] }>('/Users');
    expect(list.body.Resources.map(({ id }) => id)).toEqual([theirs.body.id]);
  });

  it("answer 404 for each other's ids, in bulk requests too, and change nothing", async () => {
    const patch = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    };
    const put = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'mine', active: false };
    expect((await globex.scim.get(`/Users/${ada}`)).status).toBe(404);
    expect((await globex.scim.put(`/Users/${ada}`, put)).status).toBe(404);
    expect((await globex.scim.patch(`/Users/${ada}`, patch)).status).toBe(404);
    expect((await globex.scim.delete(`/Users/${ada}`)).status).toBe(404);
    const bulk = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'PATCH', path: `/Users/${ada}`, data: patch },
        { method: 'DELETE', path: `/Users/${ada}` },
      ],
    };
    const answer = await globex.scim.post<{ Operations: { status: string }[] }>('/Bulk', bulk);
    expect(answer.body.Operations.map(({ status }) => status)).toEqual(['404', '404']);
    expect((await globex.scim.get(`/Users?filter=id eq "${ada}"`)).body['totalResults']).toBe(0);
    const status = await globex.api.get(`/subjects/${ada}/status`);
    expect(status.body).toMatchObject({ type: 'unknown', mayAct: false, reasons: ['unknown'] });
    expect((await globex.api.get<{ items: unknown[] }>(`/cascades?subject=${ada}`)).body.items).toEqual([]);
    expect(await acme.mayAct(ada)).toBe(true);
  });

  it("cannot put each other's users into a group or own agents by them", async () => {
    const group = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'g',
      members: [{ value: ada }],
    };
    expect((await globex.scim.post('/Groups', group)).status).toBe(400);
    const agent = { agentUserName: 'bot', owners: [{ value: ada }] };
    expect((await globex.scim.post('/Agents', agent)).status).toBe(400);
  });

  it("cannot register access for each other's users, nor at each other's providers", async () => {
    const mine = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'bob@example.com' };
    const { body: bob } = await globex.scim.post<{ id: string }>('/Users', mine);
    const register = async (userId: string) => {
      const credential = { kind: 'api_key', providerId: 'northwind', userId, secret: 'x'.repeat(20) };
      const { status, body } = await globex.api.post('/credentials', credential);
      return [status, body['code']];
    };
    expect(await register(bob.id)).toEqual([422, 'unknown_provider']);
    const { connector, settings } = {
      connector: 'rfc7009',
      settings: { revocationEndpoint: 'https://idp.example/r', clientId: 'c' },
    };
    const configured = await globex.api.put('/providers/northwind', { connector, displayName: 'Mine', settings });
    expect(configured.status).toBeLessThan(300);
    expect(await register(ada)).toEqual([422, 'unknown_holder']);
  });

  it("do not see each other's cascades, trail or revocations", async () => {
    await acme.deactivate(ada);
    await acme.completed(ada);
    const [target] = await acme.targetsOf(ada);
    expect((await globex.api.get(`/revocations/${target?.targetId}`)).status).toBe(404);
    const waive = { reason: 'not mine', by: 'Mallory' };
    expect((await globex.api.post(`/revocations/${target?.targetId}/waive`, waive)).status).toBe(404);
    const trail = await globex.api.get<{ items: { sentence: string }[] }>('/trail');
    expect(JSON.stringify(trail.body)).not.toContain(ada);
    expect((await globex.api.get<{ items: unknown[] }>('/cascades')).body.items).toEqual([]);
  });
});

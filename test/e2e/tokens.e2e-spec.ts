import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient, eventually } from '@app/testkit';
import { expectStatus, Scenario } from './scenario.js';

interface Issued {
  readonly id: string;
  readonly token: string;
}

let scenario: Scenario;
let connectionId: string;
beforeAll(async () => {
  scenario = await Scenario.start();
  const answer = await scenario.api.get<{ connections: { id: string }[] }>('/connections');
  connectionId = expectStatus(answer, 200).connections[0]?.id ?? '';
});
afterAll(() => scenario.service.stop());

const scimWith = (token: string) => new ApiClient(scenario.service.scimBaseUrl, token, 'application/scim+json');
const issue = async (body: object): Promise<Issued> =>
  expectStatus(await scenario.api.post<Issued>(`/connections/${connectionId}/tokens`, body), 201);

describe('a token', () => {
  it('opens nothing once it is revoked', async () => {
    const { id, token } = await issue({});
    expect((await scimWith(token).get('/Users')).status).toBe(200);
    expect((await scenario.api.delete(`/connections/${connectionId}/tokens/${id}`)).status).toBe(204);
    const refused = await scimWith(token).get('/Users');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(JSON.stringify(refused.body)).not.toContain(token);
  });

  it('opens nothing once it has expired', async () => {
    const { token } = await issue({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
    expect((await scimWith(token).get('/Users')).status).toBe(200);
    await eventually('it expires', async () =>
      (await scimWith(token).get('/Users')).status === 401 ? true : undefined,
    );
  });

  it('of one door does not open another', async () => {
    const { scimToken, apiKey } = scenario.keys;
    expect((await scimWith(apiKey).get('/Users')).status).toBe(403);
    const api = new ApiClient(scenario.service.apiBaseUrl, scimToken);
    for (const path of ['/providers', '/cascades', '/trail', '/checkpoint']) {
      expect((await api.get(path)).status).toBe(403);
    }
  });
});

describe('bad input', () => {
  it('gets the right status and a SCIM error, and appends nothing', async () => {
    const before = await checkpointSize();
    const { scim } = scenario;
    const cases: [Promise<{ status: number; body: Record<string, unknown> }>, number][] = [
      [scim.post('/Users', '{"userName":'), 400],
      [scim.send('POST', '/Users', '<user/>', { 'content-type': 'application/xml' }), 415],
      [scim.post('/Users', { schemas: [], pad: 'x'.repeat(1_100_000) }), 413],
      [scim.get('/Users/no-such-id'), 404],
      [scim.patch('/Users/no-such-id', { Operations: [] }), 404],
      [scim.delete('/Groups/no-such-id'), 404],
      [scim.get('/Users?filter=userName%20eq'), 400],
      [scim.get('/NoSuchEndpoint'), 404],
    ];
    for (const [asked, status] of cases) {
      const answer = await asked;
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: String(status),
      });
    }
    expect(await checkpointSize()).toBe(before);
  });
});

/** How many events the tenant has, as the signed checkpoint says. */
async function checkpointSize(): Promise<number> {
  const { body } = await scenario.api.get<string>('/checkpoint');
  return Number(String(body).split('\n')[1]);
}

import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiClient, eventually } from '@app/testkit';
import { expectStatus, Scenario } from './scenario.js';

interface Issued {
  readonly id: string;
  readonly token: string;
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

let scenario: Scenario;
let connectionId: string;
beforeAll(async () => {
  scenario = await Scenario.start();
  const answer = await scenario.api.get<{ connections: { id: string }[] }>('/connections');
  connectionId = expectStatus(answer, 200).connections[0]?.id ?? '';
});
afterAll(() => scenario.stop());

const scimWith = (token: string) => new ApiClient(scenario.service.scimBaseUrl, token, 'application/scim+json');
const issue = async (body: object): Promise<Issued> =>
  expectStatus(await scenario.api.post<Issued>(`/connections/${connectionId}/tokens`, body), 201);

describe('a token', () => {
  it('opens nothing once it is revoked', async () => {
    const { id, token } = await issue({});
    expect((await scimWith(token).get('/Users')).status).toBe(200);
    expect((await scenario.api.delete(`/connections/${connectionId}/tokens/${id}`)).status).toBe(204);
    const refused = await scimWith(token).get('/Users');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="scim-cascade", error="invalid_token"');
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

describe('a connection', () => {
  interface Connection {
    readonly id: string;
    readonly tokens: readonly { readonly id: string; readonly expiresAt?: string; readonly lastUsedAt?: string }[];
    readonly clientKeys: readonly { readonly id: string; readonly lastUsedAt?: string }[];
  }
  const open = async (name: string): Promise<string> =>
    expectStatus(await scenario.api.post<{ id: string }>('/connections', { name }), 201).id;
  const shown = async (id: string): Promise<Connection> => {
    const { connections } = expectStatus(await scenario.api.get<{ connections: Connection[] }>('/connections'), 200);
    return connections.find((one) => one.id === id) as Connection;
  };
  const used = (id: string, tokenId: string) =>
    eventually('the use is shown', async () => {
      const { tokens, clientKeys } = await shown(id);
      return [...tokens, ...clientKeys].find((one) => one.id === tokenId)?.lastUsedAt;
    });

  it('changes from one token to the next without a gap, sees which is used, and has two at most', async () => {
    const id = await open('Rotating');
    const next = (body: object = {}) => scenario.api.post<Issued>(`/connections/${id}/tokens`, body);
    const soon = new Date(Date.now() + 2_000).toISOString();
    const [first, second] = [expectStatus(await next({ expiresAt: soon }), 201), expectStatus(await next(), 201)];
    expect(await next()).toMatchObject({ status: 409, body: { code: 'too_many_tokens' } });
    expect((await shown(id)).tokens).toEqual([{ id: first.id, expiresAt: soon }, { id: second.id }]);
    for (const { token } of [first, second]) expect((await scimWith(token).get('/Users')).status).toBe(200);
    for (const { id: tokenId } of [first, second]) expect(await used(id, tokenId)).toMatch(/Z$/);

    await eventually('the first expires', async () =>
      (await scimWith(first.token).get('/Users')).status === 401 ? true : undefined,
    );
    const third = expectStatus(await next(), 201);
    expect((await scenario.api.delete(`/connections/${id}/tokens/${second.id}`)).status).toBe(204);
    expect((await scimWith(second.token).get('/Users')).status).toBe(401);
    expect((await scimWith(third.token).get('/Users')).status).toBe(200);
    expect(JSON.stringify(await shown(id))).not.toContain(third.token);
  });

  it('lets in a client that signs, at the endpoint that ServiceProviderConfig names', async () => {
    const id = await open('Signing');
    const { token } = expectStatus(await scenario.api.post<Issued>(`/connections/${id}/tokens`, {}), 201);
    const { authenticationSchemes } = expectStatus(
      await scimWith(token).get<{ authenticationSchemes: { name: string; description: string }[] }>(
        '/ServiceProviderConfig',
      ),
      200,
    );
    const scheme = authenticationSchemes.find(({ name }) => name === 'OAuth client credentials');
    const endpoint = /https?:\S+(?=:)/.exec(scheme?.description ?? '')?.[0] ?? '';
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const jwk = publicKey.export({ format: 'jwk' });
    const registered = await scenario.api.post<{ id: string }>(`/connections/${id}/client-keys`, { jwk });
    const { id: keyId } = expectStatus(registered, 201);

    const exp = Math.floor(Date.now() / 1000) + 60;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const data = `${part({ alg: 'EdDSA' })}.${part({ iss: id, sub: id, aud: endpoint, exp, jti: 'once' })}`;
    const signature = sign(null, Buffer.from(data), privateKey).toString('base64url');
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${data}.${signature}`,
    });
    const answer = await fetch(endpoint, { method: 'POST', body });
    expect(answer.status).toBe(200);
    const { access_token } = (await answer.json()) as { access_token: string };
    expect((await scimWith(access_token).get('/Users')).status).toBe(200);
    expect(await used(id, keyId)).toMatch(/Z$/);
    expect((await scenario.api.delete(`/connections/${id}/client-keys/${keyId}`)).status).toBe(204);
    expect((await scimWith(access_token).get('/Users')).status).toBe(401);
  });
});

describe('bad input', () => {
  it('gets the right status and a SCIM error, and appends nothing', async () => {
    const { scim, api } = scenario;
    // The ledger follows the log: once it has what came last, it has all that came before.
    const { id } = expectStatus(await scim.post<{ id: string }>('/Users', { schemas: [USER], userName: 'last' }), 201);
    await eventually('the ledger has seen what came last', async () => {
      const { items } = expectStatus(await api.get<{ items: object[] }>(`/trail?subject=${id}`), 200);
      return items.length > 1 ? true : undefined;
    });
    const before = await checkpointSize();
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

// OAuth client credentials: what a registered key is worth, and everything that is not accepted in its place.
import 'reflect-metadata';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  CloseConnection,
  InvalidClientKey,
  PauseConnection,
  RegisterClientKey,
  ResumeConnection,
  RevokeClientKey,
  TooManyTokens,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openScim, type ScimWorld } from './scim-api.fixture.js';

const AUDIENCE = 'http://scim.test/oauth/token';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const operator: RequestContext = {
  tenant: 'acme',
  actor: 'operator:spec',
  correlationId: 'spec',
  receivedAt: '2026-01-01T00:00:00.000Z',
};

const keys = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
};
type Algorithm = keyof typeof keys;

let scim: ScimWorld;
let client: string;
let keyId: string;
beforeAll(async () => {
  scim = await openScim();
  client = scim.idOf('lenient-acme');
});
afterAll(() => scim.close());
beforeEach(async () => {
  keyId = await register(keys.ES256.publicKey);
});
afterEach(() => revoke(keyId));

const register = async (key: KeyObject, connection = client) =>
  (await scim.operate(new RegisterClientKey(operator, connection, { ...key.export({ format: 'jwk' }) }))).keyId;
const revoke = (id: string) => scim.operate(new RevokeClientKey(operator, client, id));

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

let ids = 0;
const claims = (more: object = {}) => {
  const exp = Math.floor(scim.clock.now() / 1000) + 300;
  return { iss: client, sub: client, aud: AUDIENCE, exp, jti: `id-${++ids}`, ...more };
};

function signed(body: object, alg: Algorithm = 'ES256', header: object = {}, key = keys[alg].privateKey): string {
  const data = `${part({ alg, typ: 'JWT', ...header })}.${part(body)}`;
  const signature =
    alg === 'EdDSA'
      ? sign(null, Buffer.from(data), key)
      : sign('sha256', Buffer.from(data), alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key);
  return `${data}.${signature.toString('base64url')}`;
}

const ask = (assertion: string, more: Record<string, string> = {}) =>
  post({
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION,
    client_assertion: assertion,
    ...more,
  });
const post = (form: Record<string, string> | string, type = 'application/x-www-form-urlencoded') =>
  scim.post('/oauth/token', typeof form === 'string' ? form : new URLSearchParams(form).toString(), type);
const users = (token: string) => scim.ask('GET', '/Users', { headers: { authorization: `Bearer ${token}` } });

it('says in ServiceProviderConfig how a client gets in, and names the endpoint', async () => {
  const { authenticationSchemes } = (await scim.ask('GET', '/ServiceProviderConfig')).body;
  expect(authenticationSchemes).toEqual([
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: expect.stringContaining('Authorization header'),
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
    {
      type: 'oauth2',
      name: 'OAuth client credentials',
      description: expect.stringMatching(new RegExp(` ${AUDIENCE}: grant_type client_credentials .*private_key_jwt`)),
      specUri: 'https://www.rfc-editor.org/info/rfc7523',
    },
  ]);
});

describe('a signed statement', () => {
  it.each(['ES256', 'RS256', 'EdDSA'] as const)('by %s is worth a token of an hour for its connection', async (alg) => {
    const id = alg === 'ES256' ? undefined : await register(keys[alg].publicKey);
    const { id: user } = await scim.newUser();
    const answer = await ask(signed(claims(), alg), { scope: 'scim', client_id: client });
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^scim_[\w-]{43}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'scim',
    });
    const authorization = `Bearer ${answer.body.access_token}`;
    expect((await scim.ask('GET', `/Users/${user}`, { headers: { authorization } })).status).toBe(200);
    scim.clock.advance(3_599_999);
    expect((await users(answer.body.access_token)).status).toBe(200);
    scim.clock.advance(1);
    expect((await users(answer.body.access_token)).status).toBe(401);
    if (id !== undefined) await revoke(id);
  });

  it('is accepted once', async () => {
    const [statement, list] = [signed(claims()), signed(claims({ aud: ['https://elsewhere', AUDIENCE] }))];
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(statement)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
    expect((await ask(list)).status).toBe(200);
    expect((await ask(list)).status).toBe(401);
  });

  it('is not accepted unless all of it is right, and the answer does not say what was wrong', async () => {
    const now = Math.floor(scim.clock.now() / 1000);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const valid = signed(claims());
    const [header, , signature] = valid.split('.');
    const wrong: Record<string, string> = {
      'another key': signed(claims(), 'ES256', {}, stranger),
      'another connection': signed(claims({ iss: scim.idOf('strict-acme'), sub: scim.idOf('strict-acme') })),
      nobody: signed(claims({ iss: 'nobody', sub: 'nobody' })),
      'another subject': signed(claims({ sub: scim.idOf('strict-acme') })),
      'no subject': signed(claims({ sub: undefined, iss: undefined })),
      'another audience': signed(claims({ aud: 'http://scim.test/oauth/token/' })),
      'no audience': signed(claims({ aud: undefined })),
      expired: signed(claims({ exp: now })),
      'valid too long': signed(claims({ exp: now + 301 })),
      'no expiry': signed(claims({ exp: undefined })),
      'an expiry that is no number': signed(claims({ exp: String(now + 60) })),
      'not valid yet': signed(claims({ nbf: now + 120 })),
      'no id': signed(claims({ jti: undefined })),
      'an empty id': signed(claims({ jti: '' })),
      'no signature': `${part({ alg: 'none' })}.${part(claims())}.`,
      'an algorithm that is not the key’s': signed(claims(), 'ES256', { alg: 'RS256' }),
      'a shared secret': signed(claims(), 'ES256', { alg: 'HS256' }),
      'what must be understood': signed(claims(), 'ES256', { crit: ['exp'] }),
      'other claims under the signature': `${header}.${part(claims())}.${signature}`,
      'no JWT': 'scim_token',
      'no JSON': 'a.b.c',
      'too much': signed(claims({ pad: 'x'.repeat(8_192) })),
    };
    const bodies = new Set<string>();
    for (const [name, statement] of Object.entries(wrong)) {
      const answer = await ask(statement);
      expect([name, answer.status, answer.body.error]).toEqual([name, 401, 'invalid_client']);
      bodies.add(answer.text);
    }
    expect((await ask(valid, { client_id: scim.idOf('strict-acme') })).status).toBe(401);
    expect(bodies.size).toBe(1);
    expect((await ask(valid)).status).toBe(200);
  });
});

describe('the token endpoint', () => {
  it('says what a request lacks in the words of RFC 6749', async () => {
    const whole = { grant_type: 'client_credentials', client_assertion_type: ASSERTION, client_assertion: 'x' };
    for (const [form, status, error] of [
      [{}, 400, 'invalid_request'],
      [{ ...whole, grant_type: 'password' }, 400, 'unsupported_grant_type'],
      [{ ...whole, client_assertion_type: 'x' }, 400, 'invalid_request'],
      [{ ...whole, scope: 'everything' }, 400, 'invalid_scope'],
      [`${new URLSearchParams(whole).toString()}&client_assertion=y`, 400, 'invalid_request'],
      ['', 400, 'invalid_request'],
    ] as const) {
      const answer = await post(form);
      expect([answer.status, answer.body.error, answer.headers['cache-control']]).toEqual([status, error, 'no-store']);
    }
  });

  it('takes small forms alone, and no other route takes any', async () => {
    expect((await post('a='.padEnd(16_385, 'x'))).status).toBe(413);
    expect((await post('{}', 'application/json')).status).toBe(401);
    expect((await post('<a/>', 'application/xml')).status).toBe(415);
    expect((await post(`"${'x'.repeat(16 * 1024)}"`, 'application/json')).status).toBe(413);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await scim.ask('POST', '/Users', { body: 'userName=x', headers })).status).toBe(415);
  });
});

describe('an access token', () => {
  const issued = async () => (await ask(signed(claims()))).body.access_token as string;

  it('goes with the key that it was issued for', async () => {
    const second = await register(keys.EdDSA.publicKey);
    const kept = await issued();
    const gone = (await ask(signed(claims(), 'EdDSA'))).body.access_token as string;
    expect([(await users(kept)).status, (await users(gone)).status]).toEqual([200, 200]);
    await revoke(second);
    expect([(await users(kept)).status, (await users(gone)).status]).toEqual([200, 401]);
    expect((await ask(signed(claims(), 'EdDSA'))).status).toBe(401);
  });

  it('waits for a paused connection and ends with a closed one; nothing of it is in the log', async () => {
    await scim.appended();
    const token = await issued();
    expect(await scim.appended()).toEqual([]);
    await scim.operate(new PauseConnection(operator, client));
    expect((await users(token)).status).toBe(503);
    await scim.operate(new ResumeConnection(operator, client));
    expect((await users(token)).status).toBe(200);

    const other = scim.idOf('strict-acme');
    await register(keys.RS256.publicKey, other);
    const statement = () => signed(claims({ iss: other, sub: other }), 'RS256');
    const closing = (await ask(statement())).body.access_token as string;
    expect((await users(closing)).status).toBe(200);
    await scim.operate(new CloseConnection(operator, other));
    expect((await users(closing)).status).toBe(401);
    expect((await ask(statement())).status).toBe(401);
  });
});

describe('a key', () => {
  it('is public, strong enough and complete, or is not registered', async () => {
    const jwk = keys.ES256.publicKey.export({ format: 'jwk' });
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    for (const refused of [
      keys.ES256.privateKey.export({ format: 'jwk' }),
      weak,
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
      { ...jwk, x: undefined },
      { ...jwk, x: jwk.y, y: jwk.x },
      { kty: 'oct', k: 'secret' },
      { kty: '__proto__' },
      {},
    ]) {
      const register = scim.operate(new RegisterClientKey(operator, client, { ...refused }));
      await expect(register).rejects.toThrow(InvalidClientKey);
    }
  });

  it('is one of at most two', async () => {
    const second = await register(keys.EdDSA.publicKey);
    await expect(register(keys.RS256.publicKey)).rejects.toThrow(TooManyTokens);
    await revoke(second);
  });
});

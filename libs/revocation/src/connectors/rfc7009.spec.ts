import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LabServer, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import {
  contextOf,
  describeHttpConnector,
  loopbackHttp,
  NOW,
  planned,
  requestFor,
  type ContractRow,
} from './connector.contract.js';
import type { ConnectorContext } from './connector.port.js';
import type { OutboundHttp } from './outbound-http.js';
import { Rfc7009 } from './rfc7009.js';

const broken = (code: string) => ({ kind: 'connector-broken', code });
const retry = (deferredClass: string, unknownEffect: boolean) => ({
  kind: 'retry',
  class: deferredClass,
  unknownEffect,
});

const rows: readonly ContractRow[] = [
  [200, undefined, { kind: 'revoked' }],
  [200, { error: 'ignored' }, { kind: 'revoked' }],
  [204, undefined, { kind: 'revoked' }],
  [307, undefined, broken('redirected')],
  [400, { error: 'unsupported_token_type' }, { kind: 'permanent' }],
  [400, { error: 'invalid_request' }, { kind: 'permanent' }],
  [400, { error: 'invalid_token' }, { kind: 'already-gone' }],
  [400, { error: 'invalid_client' }, broken('invalid_client')],
  [400, { error: 'unauthorized_client' }, { kind: 'permanent' }],
  [400, undefined, { kind: 'permanent' }],
  [401, { error: 'invalid_client' }, broken('invalid_client')],
  [401, undefined, broken('invalid_client')],
  [403, undefined, broken('forbidden')],
  [404, undefined, broken('endpoint-not-found')],
  [405, undefined, broken('endpoint-not-found')],
  [408, undefined, retry('timeout', true)],
  [418, undefined, { kind: 'permanent' }],
  [425, undefined, retry('provider-error', false)],
  [429, undefined, retry('rate-limited', false)],
  [500, undefined, retry('provider-error', true)],
  [502, undefined, retry('provider-error', true)],
  [503, { error: 'temporarily_unavailable' }, retry('provider-error', false)],
];

describeHttpConnector(
  {
    connector: new Rfc7009(),
    settings: (origin) => ({ revocationEndpoint: `${origin}/revoke?secret=in-query`, clientId: 'agent-platform' }),
    providerSecret: 'canary-client-secret',
  },
  rows,
);

describe('rfc7009 against an authorization server', () => {
  const clientSecret = 'p:ä %+~s';
  let provider: OAuthProvider;
  let http: OutboundHttp;
  let context: ConnectorContext;
  let connector: Rfc7009;

  beforeEach(async () => {
    provider = await startOAuthProvider({ clientId: 'agent platform:1', clientSecret });
    http = loopbackHttp();
    context = contextOf(http);
    connector = new Rfc7009();
  });

  afterEach(async () => {
    await http.close();
    await provider.stop();
  });

  const about = (token: string, more: Record<string, unknown> = {}, secret: string = clientSecret) =>
    requestFor({ issuer: provider.issuer, clientId: 'agent platform:1', ...more }, secret, { secret: token });

  it.each(['client_secret_basic', 'client_secret_post'])('revokes and proves with %s', async (authMethod) => {
    const { refreshToken, accessTokens } = provider.issueGrant(2);
    const request = about(refreshToken, { authMethod });
    expect((await connector.probe(request, context)).kind).toBe('alive');
    expect((await connector.revoke(request, context)).kind).toBe('revoked');
    expect(provider.isAlive(refreshToken)).toBe(false);
    expect(accessTokens.some((token) => provider.isAlive(token))).toBe(false);
    expect((await connector.probe(request, context)).kind).toBe('dead');
  });

  it('names a public client without a secret', async () => {
    const open = await startOAuthProvider({ clientId: 'public' });
    const { refreshToken } = open.issueGrant();
    const settings = { issuer: open.issuer, clientId: 'public', authMethod: 'none' };
    const outcome = await connector.revoke(requestFor(settings, undefined, { secret: refreshToken }), context);
    expect(outcome.kind).toBe('revoked');
    expect(open.isAlive(refreshToken)).toBe(false);
    await open.stop();
  });

  it('answers the same when it is repeated', async () => {
    const { refreshToken } = provider.issueGrant();
    expect((await connector.revoke(about(refreshToken), context)).kind).toBe('revoked');
    expect((await connector.revoke(about(refreshToken), context)).kind).toBe('revoked');
  });

  it('does not take a liar at its word', async () => {
    provider.behave({ lies: 1 });
    const { refreshToken } = provider.issueGrant();
    expect((await connector.revoke(about(refreshToken), context)).kind).toBe('revoked');
    expect((await connector.probe(about(refreshToken), context)).kind).toBe('alive');
    await connector.revoke(about(refreshToken), context);
    expect((await connector.probe(about(refreshToken), context)).kind).toBe('dead');
  });

  it('has no answer from a probe whose client is refused', async () => {
    const { refreshToken } = provider.issueGrant();
    expect((await connector.probe(about(refreshToken, {}, 'wrong'), context)).kind).toBe('no-answer');
    expect(await connector.revoke(about(refreshToken, {}, 'wrong'), context)).toMatchObject({ code: 'invalid_client' });
    expect(provider.isAlive(refreshToken)).toBe(true);
  });

  it('reads the metadata once for revocations that start together, and again after it has aged', async () => {
    const { refreshToken } = provider.issueGrant();
    const route = 'GET /.well-known/oauth-authorization-server';
    await Promise.all(Array.from({ length: 20 }, () => connector.revoke(about(refreshToken), context)));
    expect(provider.count(route)).toBe(1);
    await connector.revoke(about(refreshToken), { ...context, now: () => NOW + 601_000 });
    expect(provider.count(route)).toBe(2);
  });

  it('waits for the expiry when it was given no token', async () => {
    const request = { ...about('x'), secret: undefined };
    expect(await connector.revoke(request, context)).toMatchObject({ kind: 'unsupported' });
    expect(provider.calls).toEqual([]);
  });

  it.each([
    ['oauth_refresh_token', 'refresh_token'],
    ['oauth_access_token', 'access_token'],
    ['api_key', null],
  ] as const)('hints that a %s is a %s', async (kind, hint) => {
    let seen: string | null = 'nothing';
    const lab = await LabServer.start({}, ({ body }) => {
      seen = new URLSearchParams(body).get('token_type_hint');
      return { status: 200 };
    });
    const request = requestFor({ revocationEndpoint: lab.origin, clientId: 'c' }, 's', { target: planned({ kind }) });
    await connector.revoke(request, context);
    await lab.stop();
    expect(seen).toBe(hint);
  });

  it('promises a probe only where one can be had', () => {
    const endpoints = { revocationEndpoint: 'https://a.example/r', clientId: 'c' };
    const after = (settings: Record<string, unknown>) =>
      connector.verifyAfterMs(requestFor(settings, undefined), context);
    expect(after(endpoints)).toBeUndefined();
    expect(after({ ...endpoints, introspectionEndpoint: 'https://a.example/i' })).toBe(1_000);
    expect(after({ issuer: 'https://a.example', clientId: 'c', verifyAfterMs: 30_000 })).toBe(30_000);
  });
});

it('promises no probe of an issuer whose metadata names no introspection endpoint', async () => {
  const lab: LabServer = await LabServer.start({}, ({ path }) =>
    path === '/r'
      ? { status: 200 }
      : { status: 200, body: { issuer: lab.origin, revocation_endpoint: `${lab.origin}/r` } },
  );
  const http = loopbackHttp();
  const connector = new Rfc7009();
  const request = requestFor({ issuer: lab.origin, clientId: 'c' }, 's');
  expect((await connector.revoke(request, contextOf(http))).kind).toBe('revoked');
  expect(connector.verifyAfterMs(request, contextOf(http))).toBeUndefined();
  await http.close();
  await lab.stop();
});

describe('the discovery of an issuer', () => {
  const discover = async (answer: (origin: string) => { status: number; body?: unknown }, path = '') => {
    const lab: LabServer = await LabServer.start({}, () => answer(lab.origin));
    const http = loopbackHttp();
    const settings = { issuer: lab.origin + path, clientId: 'c' };
    const outcome = await new Rfc7009().revoke(requestFor(settings, 's'), contextOf(http));
    await http.close();
    await lab.stop();
    return { outcome, asked: lab.calls.map((call) => call.route) };
  };

  it('puts the well-known part before the path of the issuer', async () => {
    const { asked } = await discover(() => ({ status: 404 }), '/tenant/1');
    expect(asked).toEqual(['GET /.well-known/oauth-authorization-server/tenant/1']);
  });

  it.each([
    ['of another issuer', { status: 200, body: { issuer: 'https://evil.example' } }, { code: 'issuer-mismatch' }],
    ['that is no object', { status: 200, body: ['x'] }, { code: 'metadata-invalid' }],
    ['that is missing', { status: 404 }, { kind: 'connector-broken', code: 'metadata-not-found' }],
    ['that redirects', { status: 302 }, { kind: 'connector-broken', code: 'redirected' }],
    ['of a server that is down', { status: 500 }, { kind: 'retry', unknownEffect: false }],
  ])('never sends a token on metadata %s', async (_name, answer, expected) => {
    const { outcome, asked } = await discover(() => answer);
    expect(outcome).toMatchObject(expected);
    expect(asked).toHaveLength(1);
  });

  it('finds an issuer that revokes nothing unsupported', async () => {
    const { outcome } = await discover((origin) => ({ status: 200, body: { issuer: origin } }));
    expect(outcome.kind).toBe('unsupported');
  });
});

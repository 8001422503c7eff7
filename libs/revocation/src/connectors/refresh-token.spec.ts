import { describe, expect, it } from '@jest/globals';
import { newWebhookSecret, startOAuthProvider, startWebhookReceiver } from '@app/testkit';
import { contextOf, describeHttpConnector, loopbackHttp, requestFor } from './connector.contract.js';
import { RefreshToken } from './refresh-token.js';

describeHttpConnector(
  {
    connector: new RefreshToken(),
    settings: (origin) => ({ revocationEndpoint: `${origin}/revoke`, clientId: 'c' }),
    providerSecret: 'canary-client-secret',
  },
  [
    [200, undefined, { kind: 'revoked' }],
    [401, { error: 'invalid_client' }, { kind: 'connector-broken', code: 'invalid_client' }],
  ],
);

describe('refresh-token', () => {
  const connector = new RefreshToken();

  it('kills the family and proves it when the settings name an issuer', async () => {
    const provider = await startOAuthProvider({ clientSecret: 's' });
    const http = loopbackHttp();
    const { refreshToken, accessTokens } = provider.issueGrant(3);
    const settings = { issuer: provider.issuer, clientId: provider.clientId };
    const request = requestFor(settings, 's', { secret: refreshToken });
    const outcome = await connector.revoke(request, contextOf(http));
    const proof = await connector.probe(request, contextOf(http));
    await http.close();
    await provider.stop();
    expect(outcome).toMatchObject({ kind: 'revoked', evidence: { adapter: 'refresh-token@1' } });
    expect(proof.kind).toBe('dead');
    expect(accessTokens.some((token) => provider.isAlive(token))).toBe(false);
  });

  it('sends a signed webhook when the settings hold a URL', async () => {
    const receiver = await startWebhookReceiver();
    const http = loopbackHttp();
    const request = requestFor({ url: receiver.url, statusUrl: receiver.statusUrl }, receiver.secret);
    const context = { ...contextOf(http), now: Date.now };
    const outcome = await connector.revoke(request, context);
    const proof = await connector.probe(request, context);
    await http.close();
    await receiver.stop();
    expect(outcome).toMatchObject({ kind: 'revoked', evidence: { adapter: 'refresh-token@1' } });
    expect(proof.kind).toBe('dead');
  });

  it('checks the settings of the way they choose', () => {
    expect(connector.checkSettings({ url: 'https://a.example/hook' })).toEqual([]);
    expect(connector.checkSettings({ url: 'https://a.example/hook', clientId: 'c' })).toHaveLength(1);
    expect(connector.checkSettings({ issuer: 'https://a.example', clientId: 'c' })).toEqual([]);
    const request = requestFor({ url: 'https://a.example' }, newWebhookSecret());
    expect(connector.verifyAfterMs(request, contextOf(loopbackHttp()))).toBe(undefined);
  });
});

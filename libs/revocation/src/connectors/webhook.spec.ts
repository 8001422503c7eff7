import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newWebhookSecret, startWebhookReceiver, type WebhookReceiver } from '@app/testkit';
import {
  contextOf,
  describeHttpConnector,
  loopbackHttp,
  requestFor,
  SECRET,
  type ContractRow,
} from './connector.contract.js';
import type { ConnectorContext, ConnectorRequest } from './connector.port.js';
import type { OutboundHttp } from './outbound-http.js';
import { Webhook } from './webhook.js';

const broken = (code: string) => ({ kind: 'connector-broken', code });
const retry = (deferredClass: string, unknownEffect: boolean) => ({
  kind: 'retry',
  class: deferredClass,
  unknownEffect,
});

const rows: readonly ContractRow[] = [
  [200, undefined, { kind: 'revoked' }],
  [200, { status: 'revoked' }, { kind: 'revoked' }],
  [200, { status: 'gone' }, { kind: 'already-gone' }],
  [200, { status: 'Gone' }, { kind: 'already-gone' }],
  [200, { status: 'ok' }, { kind: 'revoked' }],
  [200, { id: 7 }, { kind: 'revoked' }],
  [200, 'OK', { kind: 'revoked' }],
  [200, { status: 'pending' }, retry('unverified', true)],
  [200, { status: 'PENDING' }, retry('unverified', true)],
  [200, { status: 'failed' }, retry('provider-error', true)],
  [200, { status: 'active' }, retry('unverified', true)],
  [200, { status: 'error' }, retry('unverified', true)],
  [200, { status: false }, retry('unverified', true)],
  [200, '<html>login</html>', retry('unverified', true)],
  [202, undefined, retry('unverified', true)],
  [202, { status: 'gone' }, { kind: 'already-gone' }],
  [204, undefined, { kind: 'revoked' }],
  [302, undefined, broken('redirected')],
  [400, undefined, { kind: 'permanent' }],
  [401, undefined, broken('signature-refused')],
  [403, undefined, broken('signature-refused')],
  [404, undefined, { kind: 'permanent' }],
  [405, undefined, broken('endpoint-not-found')],
  [408, undefined, retry('timeout', true)],
  [410, undefined, broken('endpoint-disabled')],
  [429, undefined, retry('rate-limited', false)],
  [500, undefined, retry('provider-error', true)],
  [503, undefined, retry('provider-error', false)],
];

describeHttpConnector(
  {
    connector: new Webhook(),
    settings: (origin) => ({ url: `${origin}/hook?key=1` }),
    providerSecret: newWebhookSecret(),
  },
  rows,
);

describe('webhook against a receiver', () => {
  let receiver: WebhookReceiver;
  let http: OutboundHttp;
  let context: ConnectorContext;
  const connector = new Webhook();

  beforeEach(async () => {
    receiver = await startWebhookReceiver();
    http = loopbackHttp();
    // The receiver compares the timestamp with its own clock.
    context = { ...contextOf(http), now: Date.now };
  });

  afterEach(async () => {
    await http.close();
    await receiver.stop();
  });

  const request = (settings: Record<string, unknown> = {}, more: Partial<ConnectorRequest> = {}): ConnectorRequest =>
    requestFor({ url: receiver.url, ...settings }, receiver.secret, { reference: { keyId: 'k1' }, ...more });

  it('revokes with a signature the receiver can verify', async () => {
    expect((await connector.revoke(request(), context)).kind).toBe('revoked');
    expect(receiver.isAlive('t1')).toBe(false);
  });

  it('repeats the same id and the same bytes at every attempt', async () => {
    receiver.behave({ script: [500, 202, 'ok'] });
    const kinds: string[] = [];
    for (const attempt of [1, 2, 3, 4]) kinds.push((await connector.revoke(request({}, { attempt }), context)).kind);
    expect(kinds).toEqual(['retry', 'retry', 'revoked', 'already-gone']);
    expect(new Set(receiver.received.map(({ id }) => id))).toEqual(new Set(['revoke_t1']));
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  });

  it('takes another id after each yes that a probe refuted, so that a receiver does not take it for a repetition', async () => {
    receiver.behave({ lies: 1 });
    await connector.revoke(request(), context);
    expect(receiver.isAlive('t1')).toBe(true);
    for (const attempt of [3, 4]) await connector.revoke(request({}, { attempt, refuted: 1 }), context);
    expect(receiver.isAlive('t1')).toBe(false);
    expect(receiver.received.map(({ id }) => id)).toEqual(['revoke_t1', 'revoke_t1_1', 'revoke_t1_1']);
  });

  it('names ids and the reference, and never the secret', async () => {
    await connector.revoke(request(), context);
    const body = receiver.received[0]?.body ?? '';
    expect(JSON.parse(body)).toEqual({
      type: 'access.revoke',
      data: {
        tenant: 'acme',
        targetId: 't1',
        holdingType: 'credential',
        holdingId: 'c1',
        kind: 'oauth_refresh_token',
        providerId: 'p1',
        userId: 'u1',
        reference: { keyId: 'k1' },
      },
    });
    expect(body).not.toContain(SECRET);
  });

  it('adds the digest of the secret when it is told to', async () => {
    await connector.revoke(request({ includeFingerprint: true }), context);
    const body = receiver.received[0]?.body ?? '';
    expect(body).toContain(createHash('sha256').update(SECRET).digest('hex'));
    expect(body).not.toContain(SECRET);
  });

  it('proves by the status URL that a lying receiver did nothing', async () => {
    receiver.behave({ lies: 1 });
    const asked = request({ statusUrl: receiver.statusUrl });
    expect((await connector.revoke(asked, context)).kind).toBe('revoked');
    expect((await connector.probe(asked, context)).kind).toBe('alive');
    await connector.revoke(asked, context);
    expect((await connector.probe(asked, context)).kind).toBe('dead');
    expect(connector.verifyAfterMs(asked)).toBe(1_000);
  });

  it('promises no probe without a status URL', async () => {
    expect(connector.verifyAfterMs(request())).toBeUndefined();
    expect((await connector.probe(request(), context)).kind).toBe('no-answer');
  });

  it.each([undefined, '', 'whsec_%%%'])('sends nothing with the signing secret %j', async (secret) => {
    const unsigned = { ...request(), provider: { ...request().provider, secret } };
    expect(await connector.revoke(unsigned, context)).toMatchObject({
      kind: 'connector-broken',
      code: 'no-signing-secret',
    });
    expect(receiver.calls).toEqual([]);
  });

  it('is broken when the receiver holds another secret', async () => {
    const other = { ...request(), provider: { ...request().provider, secret: newWebhookSecret() } };
    expect(await connector.revoke(other, context)).toMatchObject({
      kind: 'connector-broken',
      code: 'signature-refused',
    });
    expect(receiver.isAlive('t1')).toBe(true);
  });
});

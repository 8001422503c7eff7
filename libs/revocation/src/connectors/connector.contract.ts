// What every connector that speaks HTTP promises, whatever its provider answers; run by the spec of each.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlannedTarget } from '@app/events';
import { LabServer, type LabAnswer } from '@app/testkit';
import type { Connector, ConnectorContext, ConnectorRequest, Outcome, ProbeOutcome } from './connector.port.js';
import { OutboundHttp } from './outbound-http.js';

export const SECRET = 'canary-token-7f3a';
export const NOW = Date.parse('2026-03-01T12:00:00.000Z');

export const planned = (more: Partial<PlannedTarget> = {}): PlannedTarget => ({
  targetId: 't1',
  holdingType: 'credential',
  holdingId: 'c1',
  kind: 'oauth_refresh_token',
  providerId: 'p1',
  order: 10,
  userId: 'u1',
  ...more,
});

export const requestFor = (
  settings: Record<string, unknown>,
  providerSecret: string | undefined,
  more: Partial<ConnectorRequest> = {},
): ConnectorRequest => ({
  tenant: 'acme',
  target: planned(),
  attempt: 1,
  refuted: 0,
  reference: {},
  secret: SECRET,
  provider: { providerId: 'p1', settings, secret: providerSecret },
  ...more,
});

export const contextOf = (http: OutboundHttp, signal = new AbortController().signal): ConnectorContext => ({
  http,
  signal,
  now: () => NOW,
});

export const loopbackHttp = (): OutboundHttp => new OutboundHttp({ allowHttp: true, allowLoopback: true });

/** `[status, body, what is expected of the outcome]`, for `it.each`. */
export type ContractRow = readonly [status: number, body: unknown, expected: Record<string, unknown>];

export interface HttpConnector {
  readonly connector: Connector;
  /** Settings that point every call at this origin, with a query as servers say of themselves and as none may be configured. */
  readonly settings: (origin: string) => Record<string, unknown>;
  readonly providerSecret: string;
}

/** Sends each row from a real server and compares the outcome; then the promises all connectors share. */
export function describeHttpConnector(
  { connector, settings, providerSecret }: HttpConnector,
  rows: readonly ContractRow[],
) {
  let lab: LabServer;
  let http: OutboundHttp;
  let answer: LabAnswer = { status: 200 };

  beforeAll(async () => {
    http = loopbackHttp();
    lab = await LabServer.start({}, () => answer);
  });

  afterAll(async () => {
    await http.close();
    await lab.stop();
  });

  const revoke = (next: LabAnswer, url = lab.origin): Promise<Outcome> => {
    answer = next;
    return connector.revoke(requestFor(settings(url), providerSecret), contextOf(http));
  };

  const expectClean = (outcome: Outcome | ProbeOutcome): void => {
    const text = JSON.stringify(outcome);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(providerSecret);
    expect(outcome.evidence.adapter).toBe(`${connector.name}@${connector.version}`);
    expect(outcome.evidence.request).not.toContain('?');
  };

  describe(`${connector.name}: the contract`, () => {
    it.each(rows)('%s %j means %j', async (status, body, expected) => {
      const outcome = await revoke({ status, ...(body === undefined ? {} : { body }) });
      expect(outcome).toMatchObject({ ...expected, evidence: { status } });
      expectClean(outcome);
    });
  });

  describe(`${connector.name}: the promises of every connector`, () => {
    it('keeps the digest of the answer and not its body', async () => {
      const outcome = await revoke({ status: 500, body: { echo: SECRET } });
      expect(outcome.evidence.bodySha256).toMatch(/^[0-9a-f]{64}$/);
      expectClean(outcome);
    });

    it.each([
      ['7', 7_000],
      ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
      ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
      ['31536000', 31_536_000_000],
      ['soon', undefined],
    ])('reads Retry-After: %s as %s ms', async (header, afterMs) => {
      const outcome = await revoke({ status: 429, headers: { 'retry-after': header } });
      expect(outcome).toMatchObject({ kind: 'retry', class: 'rate-limited', unknownEffect: false });
      expect('afterMs' in outcome ? outcome.afterMs : undefined).toBe(afterMs);
    });

    it('knows that nothing happened when nobody listens', async () => {
      const gone = await LabServer.start({}, () => ({ status: 200 }));
      const { origin } = gone;
      await gone.stop();
      const outcome = await revoke({ status: 200 }, origin);
      expect(outcome).toMatchObject({ kind: 'retry', class: 'network', unknownEffect: false });
      expectClean(outcome);
    });

    it('calls the effect unknown when the provider never answers', async () => {
      const abort = new AbortController();
      const dead = await LabServer.start({ dead: true }, () => ({ status: 200 }));
      const request = requestFor(settings(dead.origin), providerSecret);
      const pending = connector.revoke(request, contextOf(http, abort.signal));
      while (dead.calls.length === 0) await new Promise(setImmediate);
      abort.abort();
      const outcome = await pending;
      await dead.stop();
      expect(outcome).toMatchObject({ kind: 'retry', class: 'timeout', unknownEffect: true });
      expectClean(outcome);
    });

    it('is broken, and sends nothing, when the policy refuses the endpoint', async () => {
      const strict = new OutboundHttp({ allowHttp: false, allowLoopback: true });
      const before = lab.calls.length;
      const outcome = await connector.revoke(requestFor(settings(lab.origin), providerSecret), contextOf(strict));
      await strict.close();
      expect(outcome).toMatchObject({ kind: 'connector-broken', code: 'scheme-not-allowed' });
      expect(lab.calls.length).toBe(before);
    });

    it('accepts its own settings and names what is wrong with others', () => {
      const withoutQuery = Object.entries(settings(lab.origin)).map(([name, value]) => [
        name,
        String(value).split('?')[0],
      ]);
      const own = Object.fromEntries(withoutQuery) as Record<string, unknown>;
      expect(connector.checkSettings(own)).toEqual([]);
      const [problem] = connector.checkSettings({ ...own, clientSekret: 'x' });
      expect(problem).toContain('is not one of this connector');
      expect(problem).not.toContain('clientSekret');
      expect(connector.checkSettings({}).length).toBeGreaterThan(0);
    });
  });
}

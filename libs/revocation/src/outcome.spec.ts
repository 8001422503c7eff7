import { describe, expect, it } from '@jest/globals';
import type { Evidence } from '@app/events';
import type { Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { decideOutcome, decideProbe, type AttemptContext } from './outcome.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { plannedTarget } from './target.js';

const evidence: Evidence = { adapter: 'test@1', request: 'POST https://p.example/revoke', conclusion: 'said so' };
const endedAt = '2026-01-01T00:00:00.000Z';

const context = (over: Partial<AttemptContext> = {}): AttemptContext => ({
  cascadeId: 'c',
  planned: {
    targetId: 't',
    holdingType: 'credential',
    holdingId: 'h',
    kind: 'oauth_access_token',
    providerId: 'p',
    order: 20,
  },
  target: plannedTarget(0),
  attempt: { number: 1, startedAt: endedAt, endedAt },
  policy: { ...DEFAULT_RETRY_POLICY, jitter: 0 },
  verifyAfterMs: undefined,
  isDisproved: false,
  ...over,
});

const secondsUntil = (fact: { data: object }): number =>
  (Date.parse((fact.data as { until: string }).until) - Date.parse(endedAt)) / 1000;

describe('the outcome of an attempt', () => {
  it.each<[string, Outcome, string, object]>([
    ['revoked', { kind: 'revoked', evidence }, 'RevocationAcknowledged', { alreadyGone: false }],
    ['already gone', { kind: 'already-gone', evidence }, 'RevocationAcknowledged', { alreadyGone: true }],
    [
      'broken credentials of ours',
      { kind: 'connector-broken', code: 'invalid_client', evidence },
      'RevocationParked',
      { class: 'connector-broken' },
    ],
    ['collateral', { kind: 'collateral-blocked', evidence }, 'RevocationParked', { class: 'collateral-blocked' }],
    [
      'a permanent refusal',
      { kind: 'permanent', reason: 'no', evidence },
      'RevocationParked',
      { class: 'permanent', reason: 'no' },
    ],
    ['no way to revoke, no expiry', { kind: 'unsupported', evidence }, 'RevocationParked', { class: 'permanent' }],
  ])('%s is recorded', (_name, outcome, type, data) => {
    expect(decideOutcome(context(), outcome)).toMatchObject({ type, data });
  });

  it('is to be verified when the connector says after how long', () => {
    const fact = decideOutcome(context({ verifyAfterMs: 60_000 }), { kind: 'revoked', evidence });
    expect(fact.data).toMatchObject({ verifyAt: '2026-01-01T00:01:00.000Z' });
  });

  it.each([
    ['2026-01-01T12:00:00.000Z', '2026-01-01T12:01:00.000Z'],
    ['2099-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'],
  ])(
    'waits for the expiry at %s where the provider offers no revocation, but no day without a look',
    (expiresAt, until) => {
      const planned = { ...context().planned, expiresAt };
      const fact = decideOutcome(context({ planned }), { kind: 'unsupported', evidence });
      expect(fact).toMatchObject({ type: 'RevocationParked', data: { class: 'permanent', until } });
    },
  );

  it('follows the curve, then parks and tries daily', () => {
    const retry: Outcome = { kind: 'retry', class: 'provider-error', unknownEffect: false, evidence };
    const at = (consumed: number) => decideOutcome(context({ target: { ...plannedTarget(0), consumed } }), retry);
    expect([0, 1, 2].map((n) => secondsUntil(at(n)))).toEqual([5, 30, 300]);
    expect(at(9)).toMatchObject({ type: 'RevocationDeferred' });
    expect(at(10)).toMatchObject({ type: 'RevocationParked', data: { class: 'exhausted' } });
    expect(secondsUntil(at(10))).toBe(24 * 3600);
  });

  it('is a failure like any other when the provider refuses us for this target alone', () => {
    const refused: Outcome = { kind: 'connector-broken', code: 'forbidden', evidence };
    const at = (consumed: number) =>
      decideOutcome(context({ isDisproved: true, target: { ...plannedTarget(0), consumed } }), refused);
    expect(at(0)).toMatchObject({ type: 'RevocationDeferred', data: { class: 'provider-error', consumed: true } });
    expect(at(10)).toMatchObject({ type: 'RevocationParked', data: { class: 'exhausted' } });
  });

  it('is tried again a little before or after the curve says, from the first wait on', () => {
    const policy = { ...DEFAULT_RETRY_POLICY, jitter: 0.2 };
    const retry: Outcome = { kind: 'retry', class: 'network', unknownEffect: false, evidence };
    const waits = Array.from({ length: 200 }, (_, i) => {
      const planned = { ...context().planned, targetId: `t${i}` };
      return secondsUntil(decideOutcome(context({ planned, policy }), retry));
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...waits)).toBeLessThanOrEqual(6);
    expect(waits.filter((wait) => wait < 5).length).toBeGreaterThan(50);
    expect(waits.filter((wait) => wait > 5).length).toBeGreaterThan(50);
  });

  it('honours a Retry-After within bounds and spends no attempt on it', () => {
    const limited = (afterMs: number): Outcome => ({
      kind: 'retry',
      class: 'rate-limited',
      afterMs,
      unknownEffect: false,
      evidence,
    });
    expect(decideOutcome(context(), limited(7_000)).data).toMatchObject({ consumed: false });
    expect(secondsUntil(decideOutcome(context(), limited(7_000)))).toBe(7);
    expect(secondsUntil(decideOutcome(context(), limited(0)))).toBe(1);
    expect(secondsUntil(decideOutcome(context(), limited(86_400_000)))).toBe(3600);
  });
});

describe('the outcome of a probe', () => {
  it.each<[string, ProbeOutcome, string]>([
    ['dead', { kind: 'dead', evidence }, 'RevocationVerified'],
    ['alive', { kind: 'alive', evidence }, 'VerificationFailed'],
    ['no answer', { kind: 'no-answer', evidence }, 'VerificationDeferred'],
  ])('%s is recorded', (_name, outcome, type) => {
    expect(decideProbe(context(), outcome).type).toBe(type);
  });

  it('is given up after the last try, and says so by the missing time', () => {
    const fact = decideProbe(context({ target: { ...plannedTarget(0), probes: 4 } }), { kind: 'no-answer', evidence });
    expect(fact.data).not.toHaveProperty('until');
  });

  it('of a liar is parked when the curve is over, and tried daily', () => {
    const at = (consumed: number) =>
      decideProbe(context({ target: { ...plannedTarget(0), consumed } }), { kind: 'alive', evidence });
    expect(at(9).data).not.toHaveProperty('parked');
    expect(at(10)).toMatchObject({ type: 'VerificationFailed', data: { parked: true } });
    expect(secondsUntil(at(10))).toBe(24 * 3600);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { AnyEvent, Evidence } from '@app/events';
import { evolveTarget, plannedTarget, type Target } from './target.js';

const evidence: Evidence = { adapter: 'test@1', request: 'POST https://p.example/revoke', conclusion: 'said so' };
const attempt = (number: number) => ({
  number,
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
});
const later = '2026-01-01T00:01:00.000Z';
const about = { targetId: 't', cascadeId: 'c' };

const fact = (type: AnyEvent['type'], data: object): AnyEvent =>
  ({
    id: 'e',
    type,
    data: { ...about, evidence, ...data },
    metadata: {
      tenant: 'acme',
      actor: 'system:test',
      correlationId: 'x',
      causationId: 'x',
      schemaVersion: 1,
      at: later,
    },
  }) as AnyEvent;

const given = (...facts: AnyEvent[]): Target => facts.reduce(evolveTarget, plannedTarget(0));

describe('a target', () => {
  it('is due at once when it is planned', () => {
    expect(given()).toMatchObject({ state: 'due', dueAt: 0, attempts: 0, consumed: 0 });
  });

  it('settles with grade B when nothing can be verified', () => {
    const target = given(fact('RevocationAcknowledged', { attempt: attempt(1), alreadyGone: false }));
    expect(target).toMatchObject({ state: 'settled', grade: 'B', dueAt: undefined });
  });

  it('waits for its probe, then settles with grade A', () => {
    const acknowledged = fact('RevocationAcknowledged', { attempt: attempt(1), alreadyGone: false, verifyAt: later });
    expect(given(acknowledged)).toMatchObject({ state: 'acknowledged', dueAt: Date.parse(later) });
    const verified = given(acknowledged, fact('RevocationVerified', { attempt: attempt(2) }));
    expect(verified).toMatchObject({ state: 'settled', grade: 'A', attempts: 2 });
  });

  it('is due again, and has lost its grade, when the probe finds it alive', () => {
    const target = given(
      fact('RevocationAcknowledged', { attempt: attempt(1), alreadyGone: false, verifyAt: later }),
      fact('VerificationFailed', { attempt: attempt(2), until: later }),
    );
    expect(target).toMatchObject({ state: 'due', grade: undefined, consumed: 1, lastClass: 'unverified' });
  });

  it('keeps grade B when the probe is given up', () => {
    const target = given(
      fact('RevocationAcknowledged', { attempt: attempt(1), alreadyGone: false, verifyAt: later }),
      fact('VerificationDeferred', { attempt: attempt(2), until: later }),
      fact('VerificationDeferred', { attempt: attempt(3) }),
    );
    expect(target).toMatchObject({ state: 'settled', grade: 'B', attempts: 3 });
  });

  it('spends no attempt of its curve on waiting for a rate limit', () => {
    const target = given(
      fact('RevocationDeferred', { attempt: attempt(1), class: 'provider-error', consumed: true, until: later }),
      fact('RevocationDeferred', { attempt: attempt(2), class: 'rate-limited', consumed: false, until: later }),
    );
    expect(target).toMatchObject({ state: 'due', attempts: 2, consumed: 1, dueAt: Date.parse(later) });
  });

  it('stays open while parked, and starts its curve anew when an operator asks', () => {
    const parked = fact('RevocationParked', { attempt: attempt(1), class: 'exhausted', reason: 'r', until: later });
    expect(given(parked)).toMatchObject({ state: 'parked', dueAt: Date.parse(later) });
    const retried = given(parked, fact('RevocationRetried', { by: 'Ann', reason: 'fixed' }));
    expect(retried).toMatchObject({ state: 'due', consumed: 0, dueAt: Date.parse(later) });
  });

  it.each([
    ['connector-broken', 0],
    ['no-provider', 0],
    ['permanent', 1],
  ])('that is parked as %s has spent %i attempts of its curve', (parkedClass, consumed) => {
    const parked = fact('RevocationParked', { attempt: attempt(1), class: parkedClass, reason: 'r', until: later });
    expect(given(parked)).toMatchObject({ state: 'parked', consumed, attempts: 1 });
  });

  it('is parked when its provider still lies at the end of the curve, and counts the lies', () => {
    const acknowledged = fact('RevocationAcknowledged', { attempt: attempt(1), alreadyGone: false, verifyAt: later });
    const failed = fact('VerificationFailed', { attempt: attempt(2), until: later, parked: true });
    expect(given(acknowledged, failed)).toMatchObject({ state: 'parked', refuted: 1, lastClass: 'unverified' });
    expect(given(acknowledged, failed, acknowledged, failed)).toMatchObject({ refuted: 2 });
  });

  it.each([
    ['RevocationWaived', 'W'],
    ['RevocationExpired', 'C'],
  ] as const)('ends by %s with grade %s', (type, grade) => {
    expect(given(fact(type, { by: 'Ann', reason: 'r', expiredAt: later }))).toMatchObject({ state: 'settled', grade });
  });
});

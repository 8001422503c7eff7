import { describe, expect, it } from '@jest/globals';
import type { AnyEvent, RecordedEvent } from '@app/events';
import { planFor } from './plan.js';
import type { HoldingRow } from './revocation-db.js';
import type { Loss } from './triggers.js';

const cause = {
  id: 'cause',
  type: 'UserDeactivated',
  data: { userId: 'ada' },
  stream: 'user-acme-ada',
  revision: 3n,
  position: 42n,
  bytes: new Uint8Array(),
  metadata: {
    tenant: 'acme',
    actor: 'scim:c',
    correlationId: 'request',
    causationId: 'request',
    schemaVersion: 1,
    at: '2026-01-01T00:00:00.010Z',
    receivedAt: '2026-01-01T00:00:00.000Z',
  },
} as unknown as RecordedEvent;

const holding = (id: string, kind = 'oauth_access_token'): HoldingRow => ({
  tenant: 'acme',
  holding_id: id,
  holding_type: 'credential',
  kind,
  provider_id: 'p',
  user_id: 'ada',
  agent_id: null,
  grant_id: null,
  reference: '{}',
  secret_ids: '[]',
  held_secrets: '[]',
  requires_groups: '[]',
  expires_at: null,
  state: 'held',
  cascade_id: null,
});

const loss = (...holdings: HoldingRow[]): Loss => ({
  subject: { type: 'user', id: 'ada' },
  generation: 1,
  holdings,
  worthRecording: true,
});

const plan = (of: Loss) => planFor(cause, of, 'policy', '2026-01-01T00:00:00.020Z');
const targetsOf = (events: readonly AnyEvent[]) =>
  events.flatMap((event) => (event.type === 'RevocationPlanned' ? event.data.targets : []));

describe('a plan', () => {
  it('has a target for each secret that may be alive, with the expiry of that secret', () => {
    const secrets = [{ secretId: 's1', expiresAt: '2026-01-01T01:00:00.000Z' }, { secretId: 's2' }];
    const rotated = { ...holding('a'), held_secrets: JSON.stringify(secrets) };
    const events = plan(loss(rotated))?.events ?? [];
    expect(events[0]).toMatchObject({ data: { targetCount: 2 } });
    const targets = targetsOf(events).map(({ holdingId, secretId, expiresAt }) => ({ holdingId, secretId, expiresAt }));
    expect(targets).toHaveLength(2);
    expect(targets).toContainEqual({ holdingId: 'a', secretId: 's1', expiresAt: '2026-01-01T01:00:00.000Z' });
    expect(targets).toContainEqual({ holdingId: 'a', secretId: 's2', expiresAt: undefined });
    expect(new Set(targetsOf(events).map((target) => target.targetId)).size).toBe(2);
  });

  it('names a target after its holding alone, whichever secret is the current one', () => {
    const of = (...secretIds: string[]) => {
      const held_secrets = JSON.stringify(secretIds.map((secretId) => ({ secretId })));
      return targetsOf(plan(loss({ ...holding('a'), held_secrets }))?.events ?? []).map((target) => target.targetId);
    };
    expect(of('s1')).toEqual(of());
    expect(of('s1', 's2')).toEqual(expect.arrayContaining(of()));
  });

  it('has the same ids whenever it is made from the same fact', () => {
    const once = plan(loss(holding('a'), holding('b')));
    const again = plan(loss(holding('a'), holding('b')));
    expect(again).toEqual(once);
    expect(new Set(once?.events.map((event) => event.id)).size).toBe(once?.events.length);
  });

  it('names its cause with T0 and T1, and how far the log was known', () => {
    expect(plan(loss(holding('a')))?.events[0]).toMatchObject({
      type: 'CascadeStarted',
      data: {
        targetCount: 1,
        holdingsPosition: '42',
        cause: {
          eventId: 'cause',
          revision: 3,
          receivedAt: '2026-01-01T00:00:00.000Z',
          deniedAt: '2026-01-01T00:00:00.010Z',
        },
      },
      metadata: { correlationId: 'request', causationId: 'cause' },
    });
  });

  it('puts refresh tokens before the access tokens they could renew', () => {
    const events = plan(loss(holding('access'), holding('refresh', 'oauth_refresh_token')))?.events ?? [];
    expect(targetsOf(events).map((target) => target.holdingId)).toEqual(['refresh', 'access']);
  });

  it('of 50,000 targets keeps every event below 256 KiB and loses none', () => {
    const many = Array.from({ length: 50_000 }, (_, i) => holding(`holding-${i}`.padEnd(36, 'x')));
    const events = plan(loss(...many))?.events ?? [];
    expect(Math.max(...events.map((event) => JSON.stringify(event).length))).toBeLessThan(256 * 1024);
    expect(new Set(targetsOf(events).map((target) => target.targetId)).size).toBe(50_000);
  });

  it('of nothing says so, where somebody will ask', () => {
    expect(plan(loss())?.events.map((event) => event.type)).toEqual(['NothingToRevoke']);
    expect(plan({ ...loss(), worthRecording: false })).toBeUndefined();
  });
});

// The story the console's specs tell: Ada leaves, her four credentials are in four states, and Bob held nothing.
import type { Attempt, CascadeCause, EventData, EventType, Evidence } from '@app/events';
import { newEvent, type EventLog } from '@app/event-log';

/** ISO time of the story: `seconds` after its start. */
export const second = (seconds: number): string =>
  new Date(Date.parse('2026-03-01T09:00:00.000Z') + seconds * 1000).toISOString();

const attempt = (number: number, at: number): Attempt => ({ number, startedAt: second(at), endedAt: second(at + 1) });

const evidence: Evidence = {
  adapter: 'rfc7009@1',
  request: 'POST https://provider.example/revoke',
  status: 503,
  conclusion: 'the provider answered 503',
};

/** Writes to one log as one tenant; each stream has its revisions counted here. */
export class Teller {
  private readonly revisions = new Map<string, bigint>();

  constructor(
    private readonly log: EventLog,
    private readonly tenant: string,
  ) {}

  async tell<T extends EventType>(noun: string, id: string, at: number, type: T, data: EventData[T]): Promise<string> {
    const stream = `${noun}-${this.tenant}-${id}`;
    const before = this.revisions.get(stream);
    const context = { tenant: this.tenant, actor: 'system:worker', correlationId: 'r1', causationId: 'r1' };
    const event = newEvent(type, data, { ...context, at: second(at), receivedAt: second(at) });
    const { revision } = await this.log.append(stream, before ?? 'no-stream', [event as never]);
    this.revisions.set(stream, revision);
    return event.id;
  }

  async deactivate(userId: string, at: number): Promise<CascadeCause> {
    const eventId = await this.tell('user', userId, at, 'UserDeactivated', { userId });
    const stream = `user-${this.tenant}-${userId}`;
    const revision = Number(this.revisions.get(stream));
    return { eventId, eventType: 'UserDeactivated', stream, revision, receivedAt: second(at), deniedAt: second(at) };
  }

  async plan(cascadeId: string, userId: string, cause: CascadeCause, targets: [id: string, providerId: string][]) {
    const subject = { type: 'user' as const, id: userId };
    const counts = { generation: 1, policyHash: 'policy-1', targetCount: targets.length, holdingsPosition: '9' };
    await this.tell('cascade', cascadeId, 101, 'CascadeStarted', { cascadeId, subject, cause, ...counts });
    await this.tell('cascade', cascadeId, 101, 'RevocationPlanned', {
      cascadeId,
      targets: targets.map(([targetId, providerId]) => ({
        targetId,
        userId,
        holdingType: 'credential',
        holdingId: `c-${targetId}`,
        kind: 'oauth_refresh_token',
        providerId,
        order: 10,
      })),
    });
  }

  async provision(userId: string): Promise<void> {
    const data = { userId, active: true, dataKeyId: 'k', userNameHash: 'h', sealed: 'ciphertext' };
    await this.tell('user', userId, 0, 'UserProvisioned', data);
  }
}

/** `acme`: cascade `k1` of Ada with `t1` verified, `t2` failed, `t3` parked, `t4` planned; `globex`: `k9` with `t9`. */
export async function tellStory(log: EventLog): Promise<void> {
  const acme = new Teller(log, 'acme');
  await acme.provision('ada');
  await acme.provision('bob');
  const targets: [string, string][] = [
    ['t1', 'google'],
    ['t2', 'google'],
    ['t3', 'github'],
    ['t4', 'google'],
  ];
  await acme.plan('k1', 'ada', await acme.deactivate('ada', 100), targets);
  const cascadeId = 'k1';
  const acknowledged = { attempt: attempt(1, 102), alreadyGone: false, evidence, verifyAt: second(110) };
  await acme.tell('revocation', 't1', 103, 'RevocationAcknowledged', { targetId: 't1', cascadeId, ...acknowledged });
  const verified = { targetId: 't1', cascadeId, attempt: attempt(2, 110), evidence };
  await acme.tell('revocation', 't1', 111, 'RevocationVerified', verified);
  const failed = { attempt: attempt(1, 102), class: 'provider-error' as const, consumed: true, until: second(140) };
  await acme.tell('revocation', 't2', 103, 'RevocationDeferred', { targetId: 't2', cascadeId, ...failed, evidence });
  const parked = { attempt: attempt(1, 102), class: 'permanent' as const, reason: 'no revocation', until: second(9e4) };
  await acme.tell('revocation', 't3', 103, 'RevocationParked', { targetId: 't3', cascadeId, ...parked });
  const nothing = { cascadeId: 'k2', subject: { type: 'user' as const, id: 'bob' }, holdingsPosition: '12' };
  const cause = await acme.deactivate('bob', 150);
  await acme.tell('cascade', 'k2', 151, 'NothingToRevoke', { ...nothing, cause });

  const globex = new Teller(log, 'globex');
  await globex.provision('eve');
  await globex.plan('k9', 'eve', await globex.deactivate('eve', 100), [['t9', 'slack']]);
}

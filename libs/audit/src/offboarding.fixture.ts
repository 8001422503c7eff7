// The story the specs of this room tell: Ada leaves, her four credentials end in four ways, and Bob held nothing.
import type {
  Attempt,
  CascadeCause,
  DeferredClass,
  EventData,
  EventType,
  Evidence,
  PlannedTarget,
  RecordedEvent,
} from '@app/events';
import type { RecordedLog } from './recorded-log.fixture.js';

/** ISO time of the story: `seconds` after its start. */
export const second = (seconds: number): string =>
  new Date(Date.parse('2026-03-01T09:00:00.000Z') + seconds * 1000).toISOString();

export const attempt = (number: number, seconds: number): Attempt => ({
  number,
  startedAt: second(seconds),
  endedAt: second(seconds + 1),
});

export const evidence: Evidence = {
  adapter: 'rfc7009@1',
  request: 'POST https://provider.example/revoke',
  status: 200,
  conclusion: 'the provider answered 200',
};

export const plannedTarget = (targetId: string, holder: { userId?: string; agentId?: string }): PlannedTarget => ({
  targetId,
  ...holder,
  holdingType: 'credential',
  holdingId: `c-${targetId}`,
  kind: 'oauth_refresh_token',
  providerId: targetId === 't3' ? 'github' : 'google',
  order: 10,
});

export class Offboarding {
  constructor(
    readonly log: RecordedLog,
    readonly tenant = 'acme',
  ) {}

  provision(userId: string, at = 0): RecordedEvent {
    const data = { userId, active: true, dataKeyId: 'k', userNameHash: `hash-${userId}`, sealed: 'ciphertext' };
    return this.on(`user-${this.tenant}-${userId}`, at).record('UserProvisioned', data);
  }

  register(credentialId: string, holder: { userId?: string; agentId?: string }, at = 1): RecordedEvent {
    return this.on(`credential-${this.tenant}-${credentialId}`, at).record('CredentialRegistered', {
      credentialId,
      ...holder,
      kind: 'oauth_refresh_token',
      providerId: 'google',
      reference: {},
      requiresGroups: [],
    });
  }

  deactivate(userId: string, at: number): CascadeCause {
    const stream = `user-${this.tenant}-${userId}`;
    const circumstances = { stream, tenant: this.tenant, at: second(at), receivedAt: second(at - 1) };
    const event = this.log.record('UserDeactivated', { userId }, { ...circumstances, actor: 'scim:okta' });
    return {
      eventId: event.id,
      eventType: event.type,
      stream,
      revision: Number(event.revision),
      receivedAt: second(at - 1),
      deniedAt: second(at),
    };
  }

  plan(cascadeId: string, userId: string, cause: CascadeCause, targets: PlannedTarget[], at: number): void {
    const cascade = this.on(`cascade-${this.tenant}-${cascadeId}`, at);
    const subject = { type: 'user' as const, id: userId };
    if (targets.length === 0) {
      cascade.record('NothingToRevoke', { cascadeId, subject, cause, holdingsPosition: '10' });
      return;
    }
    const [policyHash, holdingsPosition] = ['policy-1', '10'];
    const counts = { generation: 1, policyHash, targetCount: targets.length, holdingsPosition };
    cascade.record('CascadeStarted', { cascadeId, subject, cause, ...counts });
    cascade.record('RevocationPlanned', { cascadeId, targets });
  }

  defer(
    targetId: string,
    cascadeId: string,
    number: number,
    at: number,
    reason: DeferredClass = 'provider-error',
  ): void {
    const what = { class: reason, consumed: true, until: second(at + 30), evidence: { ...evidence, status: 503 } };
    this.ofTarget(targetId, at).record('RevocationDeferred', {
      targetId,
      cascadeId,
      attempt: attempt(number, at),
      ...what,
    });
  }

  acknowledge(targetId: string, cascadeId: string, number: number, at: number, verifyAt?: number): void {
    this.ofTarget(targetId, at).record('RevocationAcknowledged', {
      targetId,
      cascadeId,
      attempt: attempt(number, at),
      alreadyGone: false,
      evidence,
      ...(verifyAt === undefined ? {} : { verifyAt: second(verifyAt) }),
    });
  }

  verify(targetId: string, cascadeId: string, number: number, at: number): void {
    const proof = { attempt: attempt(number, at), evidence };
    this.ofTarget(targetId, at).record('RevocationVerified', { targetId, cascadeId, ...proof });
  }

  park(targetId: string, cascadeId: string, number: number, at: number): void {
    const why = {
      class: 'permanent' as const,
      reason: 'the provider offers no revocation',
      until: second(at + 86_400),
    };
    this.ofTarget(targetId, at).record('RevocationParked', {
      targetId,
      cascadeId,
      attempt: attempt(number, at),
      ...why,
    });
  }

  waive(targetId: string, cascadeId: string, at: number): void {
    const why = { by: 'carol', reason: 'account closed by hand' };
    this.ofTarget(targetId, at).record('RevocationWaived', { targetId, cascadeId, ...why });
  }

  expire(targetId: string, cascadeId: string, at: number): void {
    this.ofTarget(targetId, at).record('RevocationExpired', { targetId, cascadeId, expiredAt: second(at - 60) });
  }

  complete(cascadeId: string, counts: { A: number; B: number; C: number; W: number }, at: number): void {
    const verdict = counts.W > 0 ? 'complete-with-waivers' : 'complete';
    this.on(`cascade-${this.tenant}-${cascadeId}`, at).record('CascadeCompleted', { cascadeId, verdict, counts });
  }

  /** Nineteen events: Ada's offboarding with cascade `k1`, and in the middle Bob's, `k2`. */
  tell(): void {
    this.provision('ada');
    this.provision('bob');
    const targets = ['t1', 't2', 't3', 't4'].map((id) => plannedTarget(id, { userId: 'ada', agentId: 'agent-7' }));
    for (const target of targets) this.register(target.holdingId, { userId: 'ada', agentId: 'agent-7' });
    const cause = this.deactivate('ada', 100);
    this.plan('k1', 'ada', cause, targets, 101);
    this.defer('t1', 'k1', 1, 102);
    this.acknowledge('t2', 'k1', 1, 103);
    this.acknowledge('t1', 'k1', 2, 135, 200);
    this.park('t3', 'k1', 1, 136);
    this.plan('k2', 'bob', this.deactivate('bob', 150), [], 151);
    this.verify('t1', 'k1', 3, 201);
    this.waive('t3', 'k1', 300);
    this.expire('t4', 'k1', 400);
    this.complete('k1', { A: 1, B: 1, C: 1, W: 1 }, 401);
  }

  private ofTarget(targetId: string, at: number) {
    return this.on(`revocation-${this.tenant}-${targetId}`, at);
  }

  private on(stream: string, at: number) {
    const circumstances = { stream, tenant: this.tenant, at: second(at) };
    return {
      record: <T extends EventType>(type: T, data: EventData[T]) => this.log.record(type, data, circumstances),
    };
  }
}

// The plan: which targets a loss means, as events with derived ids. Pure: the same loss gives the same plan.
import {
  catalog,
  streams,
  type AnyEvent,
  type CascadeCause,
  type HoldingType,
  type PlannedTarget,
  type RecordedEvent,
} from '@app/events';
import { derivedId } from '@app/runtime';
import type { HeldSecret, HoldingRow } from './revocation-db.js';
import type { Loss } from './triggers.js';

/** Targets per RevocationPlanned event; keeps every event far below 256 KiB. */
const TARGETS_PER_EVENT = 200;

/** Refresh tokens die before the access tokens they could renew. */
const orderOf = (kind: string): number => (kind === 'oauth_refresh_token' ? 10 : 20);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export interface Plan {
  readonly cascadeId: string;
  readonly stream: string;
  readonly events: readonly AnyEvent[];
}

/** Characters of a target's id that are those of its cascade: 48 bits, and a dash. */
const SHARED = 13;

/** Begins as the cascade's does: what is revoked together lies together in the indexes of the log and of every view. */
const targetIdOf = (cascadeId: string, ...parts: string[]): string =>
  cascadeId.slice(0, SHARED) + derivedId('target', cascadeId, ...parts).slice(SHARED);

/** One for each secret that may still be alive: a rotation is no proof that the secret before it is dead. */
function plannedTargets(cascadeId: string, row: HoldingRow): PlannedTarget[] {
  const { holding_type: type, holding_id: id } = row;
  const secrets = JSON.parse(row.held_secrets) as HeldSecret[];
  // Named after the holding alone, as is everything that is revoked by reference.
  const current = plannedTarget(targetIdOf(cascadeId, type, id), row, secrets.at(-1));
  const before = secrets.slice(0, -1);
  return [...before.map((s) => plannedTarget(targetIdOf(cascadeId, type, id, s.secretId), row, s)), current];
}

const plannedTarget = (targetId: string, row: HoldingRow, secret: HeldSecret | undefined): PlannedTarget => ({
  targetId,
  holdingType: row.holding_type as HoldingType,
  holdingId: row.holding_id,
  kind: row.kind as PlannedTarget['kind'],
  providerId: row.provider_id,
  order: orderOf(row.kind),
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
  ...(secret ?? (row.expires_at === null ? {} : { expiresAt: row.expires_at })),
});

const causeOf = (event: RecordedEvent): CascadeCause => ({
  eventId: event.id,
  eventType: event.type,
  stream: event.stream,
  revision: Number(event.revision),
  receivedAt: event.metadata.receivedAt ?? event.metadata.at,
  deniedAt: event.metadata.at,
});

/**
 * @param event the fact that took access away; every id of the plan is derived from its id and the targets
 * @param at when the plan is made, ISO 8601
 * @returns undefined when there is nothing to revoke and nothing worth recording
 */
export function planFor(event: RecordedEvent, loss: Loss, policyHash: string, at: string): Plan | undefined {
  const { tenant, correlationId } = event.metadata;
  const cascadeId = derivedId('cascade', tenant, event.id);
  const cause = causeOf(event);
  // A total order: a plan that is recorded in parts continues after a crash where it ended. By target id, so that each
  // commit of outcomes writes to one place of the indexes.
  const targets = loss.holdings
    .flatMap((row) => plannedTargets(cascadeId, row))
    .sort((a, b) => a.order - b.order || compare(a.targetId, b.targetId));
  // Part of every id: the log compares ids alone, and must not take another plan for this one.
  const digest = derivedId('plan', ...targets.map((target) => target.targetId));
  const holdingsPosition = event.position.toString();
  const { subject, generation } = loss;
  const envelope = <T extends keyof typeof catalog>(type: T, name: string) => ({
    id: derivedId(name, cascadeId, digest),
    metadata: {
      tenant,
      actor: 'system:relay',
      correlationId,
      causationId: event.id,
      schemaVersion: catalog[type].version,
      at,
    },
  });
  const stream = streams.cascade(tenant, cascadeId);
  if (loss.holdings.length === 0) {
    if (!loss.worthRecording) return undefined;
    const nothing: AnyEvent = {
      ...envelope('NothingToRevoke', 'nothing'),
      type: 'NothingToRevoke',
      data: { cascadeId, subject, cause, holdingsPosition },
    };
    return { cascadeId, stream, events: [nothing] };
  }
  const events: AnyEvent[] = [
    {
      ...envelope('CascadeStarted', 'started'),
      type: 'CascadeStarted',
      data: { cascadeId, subject, cause, generation, policyHash, targetCount: targets.length, holdingsPosition },
    },
  ];
  for (let start = 0; start < targets.length; start += TARGETS_PER_EVENT) {
    events.push({
      ...envelope('RevocationPlanned', `planned.${start}`),
      type: 'RevocationPlanned',
      data: { cascadeId, targets: targets.slice(start, start + TARGETS_PER_EVENT) },
    });
  }
  return { cascadeId, stream, events };
}

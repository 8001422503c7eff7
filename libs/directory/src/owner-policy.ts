// Suspends an agent when the last owner who may act is gone: follows the log and appends AgentOrphaned.
import { streams, type OwnerRef, type RecordedEvent } from '@app/events';
import type { Decisions, Projection } from '@app/event-log';
import { derivedId, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { contextAfter } from './after-event.js';
import { agentAggregate, orphanAgent } from './agents/agent.js';
import {
  hasActiveOwner,
  mayAct,
  mayNoMoreAct,
  migrateOwnerPolicyDb,
  owns,
  ownsNoMore,
  setAgent,
} from './owner-policy-db.js';
import type { OwnerPolicyDb } from './owner-policy-db.js';

type Trx = Kysely<OwnerPolicyDb>;

const concernsOwnership = ({ stream }: RecordedEvent): boolean => /^(user|group|agent)-/.test(stream);

/** A connection that owns an agent is there as long as the agent is. */
const connectionsAmong = (tenant: string, owners: readonly OwnerRef[]): OwnerPolicyDb['policy_owners'][] =>
  owners.filter(({ type }) => type === 'Connection').map(({ id }) => ({ tenant, owner_id: id }));

export interface OwnerPolicyParts {
  readonly decisions: Decisions;
  readonly clock: Clock;
}

/**
 * A projection that also writes. Whether an agent lost its last owner is known from the log up to that event, so every
 * replay comes to the same answer; whether it still has to be suspended is decided on the agent's own stream, with an id
 * derived from the cause, before the checkpoint is committed. It holds a transaction open while it appends: give it a
 * database of its own.
 */
export class OwnerPolicy implements Projection<OwnerPolicyDb> {
  readonly name = 'owner-policy';

  constructor(private readonly parts: OwnerPolicyParts) {}

  migrate(db: Kysely<OwnerPolicyDb>): Promise<void> {
    return migrateOwnerPolicyDb(db);
  }

  ignores(event: RecordedEvent): boolean {
    return event.type !== 'UserProvisioned' && !concernsOwnership(event);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    // Most events of a day are new users: they are inserted together, before whatever asks who may act.
    let arrived: OwnerPolicyDb['policy_owners'][] = [];
    for (const event of events) {
      if (event.type === 'UserProvisioned') {
        if (event.data.active) arrived.push({ tenant: event.metadata.tenant, owner_id: event.data.userId });
      } else if (concernsOwnership(event)) {
        await mayAct(trx, arrived);
        arrived = [];
        if (event.stream.startsWith('agent-')) await this.applyToAgent(trx, event);
        else await this.applyToOwner(trx, event);
      }
    }
    await mayAct(trx, arrived);
  }

  private async applyToOwner(trx: Trx, event: RecordedEvent): Promise<void> {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'UserReactivated':
        return mayAct(trx, [{ tenant, owner_id: event.data.userId }]);
      case 'GroupCreated':
        return mayAct(trx, [{ tenant, owner_id: event.data.groupId }]);
      case 'UserDeactivated':
      case 'UserDeleted':
        return this.ownerGone(trx, event, event.data.userId);
      case 'GroupDeleted':
        return this.ownerGone(trx, event, event.data.groupId);
      default:
        return;
    }
  }

  private async applyToAgent(trx: Trx, event: RecordedEvent): Promise<void> {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'AgentProvisioned':
        await setAgent(trx, tenant, event.data.agentId, event.data.active, 1);
        await mayAct(trx, connectionsAmong(tenant, event.data.owners));
        return owns(trx, tenant, event.data.agentId, event.data.owners);
      case 'AgentOwnersChanged':
        await ownsNoMore(trx, tenant, event.data.agentId, event.data.removed);
        await mayAct(trx, connectionsAmong(tenant, event.data.added));
        await owns(trx, tenant, event.data.agentId, event.data.added);
        return this.orphanUnlessOwned(trx, event, event.data.agentId);
      case 'AgentDeactivated':
      case 'AgentOrphaned':
        return setAgent(trx, tenant, event.data.agentId, false);
      case 'AgentReactivated':
        return setAgent(trx, tenant, event.data.agentId, true, event.data.generation);
      case 'AgentDeleted':
        for (const table of ['policy_owned', 'policy_agents'] as const) {
          await trx.deleteFrom(table).where('tenant', '=', tenant).where('agent_id', '=', event.data.agentId).execute();
        }
        return;
      default:
        return;
    }
  }

  private async ownerGone(trx: Trx, event: RecordedEvent, ownerId: string): Promise<void> {
    const { tenant } = event.metadata;
    for (const agent_id of await mayNoMoreAct(trx, tenant, ownerId)) await this.orphanUnlessOwned(trx, event, agent_id);
  }

  private async orphanUnlessOwned(trx: Trx, cause: RecordedEvent, agentId: string): Promise<void> {
    const { tenant } = cause.metadata;
    const agent = await trx
      .selectFrom('policy_agents')
      .select(['active', 'generation'])
      .where('tenant', '=', tenant)
      .where('agent_id', '=', agentId)
      .executeTakeFirst();
    if (agent?.active !== 1 || (await hasActiveOwner(trx, tenant, agentId))) return;
    const orphan = { agentId, generation: agent.generation, eventId: derivedId('orphaned', agentId, cause.id) };
    const context = contextAfter(cause, 'system:owner-policy', this.parts.clock.iso());
    await this.parts.decisions.execute(streams.agent(tenant, agentId), agentAggregate, (current) => ({
      events: orphanAgent(current, orphan, context),
      result: undefined,
    }));
  }
}

// Suspends an agent when the last owner who may act is gone: follows the log and appends AgentOrphaned.
import { streams, type RecordedEvent } from '@app/events';
import type { Decisions, Projection } from '@app/event-log';
import { derivedId, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { contextAfter } from './after-event.js';
import { agentAggregate, orphanAgent } from './agents/agent.js';
import {
  dropOwnerPolicyDb,
  gone,
  hasOwner,
  migrateOwnerPolicyDb,
  owns,
  ownsNoMore,
  returned,
  setAgent,
} from './owner-policy-db.js';
import type { OwnerPolicyDb } from './owner-policy-db.js';

type Trx = Kysely<OwnerPolicyDb>;

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
    return migrateOwnerPolicyDb(db, this.name);
  }

  discard(db: Kysely<OwnerPolicyDb>): Promise<void> {
    return dropOwnerPolicyDb(db);
  }

  /** New users come by the thousand: whoever may act leaves nothing here. */
  ignores({ type, stream, data }: RecordedEvent): boolean {
    if (type === 'UserProvisioned') return (data as { active: boolean }).active;
    return !/^(user|group|agent)-/.test(stream);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (this.ignores(event)) continue;
      if (event.stream.startsWith('agent-')) await this.applyToAgent(trx, event);
      else await this.applyToOwner(trx, event);
    }
  }

  private async applyToOwner(trx: Trx, event: RecordedEvent): Promise<void> {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'UserReactivated':
        return returned(trx, tenant, event.data.userId);
      case 'UserProvisioned':
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
        await owns(trx, tenant, event.data.agentId, event.data.owners);
        return this.orphanUnlessOwned(trx, event, event.data.agentId);
      case 'AgentOwnersChanged':
        await ownsNoMore(trx, tenant, event.data.agentId, event.data.removed);
        await owns(trx, tenant, event.data.agentId, event.data.added);
        return this.orphanUnlessOwned(trx, event, event.data.agentId);
      case 'AgentDeactivated':
      case 'AgentOrphaned':
        return setAgent(trx, tenant, event.data.agentId, false);
      case 'AgentReactivated':
        await setAgent(trx, tenant, event.data.agentId, true, event.data.generation);
        return this.orphanUnlessOwned(trx, event, event.data.agentId);
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
    for (const agent_id of await gone(trx, tenant, ownerId)) await this.orphanUnlessOwned(trx, event, agent_id);
  }

  private async orphanUnlessOwned(trx: Trx, cause: RecordedEvent, agentId: string): Promise<void> {
    const { tenant } = cause.metadata;
    const agent = await trx
      .selectFrom('policy_agents')
      .select(['active', 'generation'])
      .where('tenant', '=', tenant)
      .where('agent_id', '=', agentId)
      .executeTakeFirst();
    if (agent?.active !== 1 || (await hasOwner(trx, tenant, agentId))) return;
    const orphan = { agentId, generation: agent.generation, eventId: derivedId('orphaned', agentId, cause.id) };
    const context = contextAfter(cause, 'system:owner-policy', this.parts.clock.iso());
    await this.parts.decisions.execute(streams.agent(tenant, agentId), agentAggregate, (current) => ({
      events: orphanAgent(current, orphan, context),
      result: undefined,
    }));
  }
}

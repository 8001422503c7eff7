// Suspends an agent when the last owner who may act is gone: follows the log and appends AgentOrphaned.
import { streams, type EventMetadata, type MemberRef, type RecordedEvent } from '@app/events';
import type { Decisions, EventContext, Projection } from '@app/event-log';
import { derivedId, type Clock } from '@app/runtime';
import { sql, type Kysely } from 'kysely';
import { agentAggregate, orphanAgent } from './agents/agent.js';

/** What the policy remembers; its own tables, rebuilt from the log. */
export interface OwnerPolicyDb {
  /** Users who may act, and groups that exist. */
  policy_owners: { tenant: string; owner_id: string };
  /** Who owns which agent, whether or not that owner may act. */
  policy_owned: { tenant: string; owner_id: string; agent_id: string };
  /** Whether the agent may act, 0 or 1, and its generation. */
  policy_agents: { tenant: string; agent_id: string; active: number; generation: number };
}

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

  async migrate(db: Kysely<OwnerPolicyDb>): Promise<void> {
    await db.schema
      .createTable('policy_owners')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('owner_id', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('policy_owners_pk', ['tenant', 'owner_id'])
      .execute();
    await db.schema
      .createTable('policy_owned')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('owner_id', 'text', (c) => c.notNull())
      .addColumn('agent_id', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('policy_owned_pk', ['tenant', 'owner_id', 'agent_id'])
      .execute();
    await db.schema
      .createTable('policy_agents')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('agent_id', 'text', (c) => c.notNull())
      .addColumn('active', 'integer', (c) => c.notNull())
      .addColumn('generation', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('policy_agents_pk', ['tenant', 'agent_id'])
      .execute();
    await db.schema
      .createIndex('policy_owned_agent')
      .ifNotExists()
      .on('policy_owned')
      .columns(['tenant', 'agent_id'])
      .execute();
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.stream.startsWith('agent-')) await this.applyToAgent(trx, event);
      else await this.applyToOwner(trx, event);
    }
  }

  private async applyToOwner(trx: Trx, event: RecordedEvent): Promise<void> {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'UserProvisioned':
        return event.data.active ? mayAct(trx, tenant, event.data.userId) : undefined;
      case 'UserReactivated':
        return mayAct(trx, tenant, event.data.userId);
      case 'GroupCreated':
        return mayAct(trx, tenant, event.data.groupId);
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
        return owns(trx, tenant, event.data.agentId, event.data.owners);
      case 'AgentOwnersChanged':
        await ownsNoMore(trx, tenant, event.data.agentId, event.data.removed);
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
    await trx.deleteFrom('policy_owners').where('tenant', '=', tenant).where('owner_id', '=', ownerId).execute();
    const owned = await trx
      .selectFrom('policy_owned')
      .select('agent_id')
      .where('tenant', '=', tenant)
      .where('owner_id', '=', ownerId)
      .execute();
    for (const { agent_id } of owned) await this.orphanUnlessOwned(trx, event, agent_id);
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
    const context = contextAfter(cause.id, cause.metadata, this.parts.clock.iso());
    await this.parts.decisions.execute(streams.agent(tenant, agentId), agentAggregate, (current) => ({
      events: orphanAgent(current, orphan, context),
      result: undefined,
    }));
  }
}

const contextAfter = (causationId: string, cause: EventMetadata, at: string): EventContext => {
  const { tenant, correlationId, receivedAt } = cause;
  const context = { tenant, actor: 'system:owner-policy', correlationId, causationId, at };
  return receivedAt === undefined ? context : { ...context, receivedAt };
};

async function hasActiveOwner(trx: Trx, tenant: string, agentId: string): Promise<boolean> {
  const found = await sql`select 1 from policy_owned d
    join policy_owners o on o.tenant = d.tenant and o.owner_id = d.owner_id
    where d.tenant = ${tenant} and d.agent_id = ${agentId} limit 1`.execute(trx);
  return found.rows.length > 0;
}

async function mayAct(trx: Trx, tenant: string, owner_id: string): Promise<void> {
  await trx
    .insertInto('policy_owners')
    .values({ tenant, owner_id })
    .onConflict((c) => c.doNothing())
    .execute();
}

async function owns(trx: Trx, tenant: string, agent_id: string, owners: readonly MemberRef[]): Promise<void> {
  if (owners.length === 0) return;
  await trx
    .insertInto('policy_owned')
    .values(owners.map(({ id }) => ({ tenant, owner_id: id, agent_id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

async function ownsNoMore(trx: Trx, tenant: string, agentId: string, owners: readonly MemberRef[]): Promise<void> {
  for (const { id } of owners) {
    await trx
      .deleteFrom('policy_owned')
      .where('tenant', '=', tenant)
      .where('owner_id', '=', id)
      .where('agent_id', '=', agentId)
      .execute();
  }
}

async function setAgent(
  trx: Trx,
  tenant: string,
  agent_id: string,
  active: boolean,
  generation?: number,
): Promise<void> {
  const changed = { active: Number(active), ...(generation === undefined ? {} : { generation }) };
  await trx
    .insertInto('policy_agents')
    .values({ tenant, agent_id, generation: 1, ...changed })
    .onConflict((c) => c.columns(['tenant', 'agent_id']).doUpdateSet(changed))
    .execute();
}

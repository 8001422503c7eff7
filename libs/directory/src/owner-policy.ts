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
}

type Trx = Kysely<OwnerPolicyDb>;

export interface OwnerPolicyParts {
  readonly decisions: Decisions;
  readonly clock: Clock;
}

/**
 * A projection that also writes: what it appends is decided on the agent's own stream, has an id derived from the event
 * that caused it, and is appended before the checkpoint is committed. After a crash it is replayed, and the agent's
 * stream knows that this cause was answered. It holds a transaction open while it appends: give it a database connection
 * of its own.
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
      .createIndex('policy_owned_agent')
      .ifNotExists()
      .on('policy_owned')
      .columns(['tenant', 'agent_id'])
      .execute();
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      const { tenant } = event.metadata;
      switch (event.type) {
        case 'UserProvisioned':
          if (event.data.active) await mayAct(trx, tenant, event.data.userId);
          break;
        case 'UserReactivated':
          await mayAct(trx, tenant, event.data.userId);
          break;
        case 'GroupCreated':
          await mayAct(trx, tenant, event.data.groupId);
          break;
        case 'UserDeactivated':
        case 'UserDeleted':
          await this.ownerGone(trx, event, event.data.userId);
          break;
        case 'GroupDeleted':
          await this.ownerGone(trx, event, event.data.groupId);
          break;
        case 'AgentProvisioned':
          await owns(trx, tenant, event.data.agentId, event.data.owners);
          break;
        case 'AgentOwnersChanged':
          await ownsNoMore(trx, tenant, event.data.agentId, event.data.removed);
          await owns(trx, tenant, event.data.agentId, event.data.added);
          await this.orphanUnlessOwned(trx, event, event.data.agentId);
          break;
        case 'AgentDeleted':
          await agentGone(trx, tenant, event.data.agentId);
          break;
        default:
      }
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
    if (await hasActiveOwner(trx, tenant, agentId)) return;
    const id = derivedId('orphaned', agentId, cause.id);
    const context = contextAfter(cause.id, cause.metadata, this.parts.clock.iso());
    await this.parts.decisions.execute(streams.agent(tenant, agentId), agentAggregate, (agent) => ({
      events: orphanAgent(agent, agentId, id, context),
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

async function agentGone(trx: Trx, tenant: string, agentId: string): Promise<void> {
  await trx.deleteFrom('policy_owned').where('tenant', '=', tenant).where('agent_id', '=', agentId).execute();
}

// The tables of the owner policy: who is gone, who owns which agent, and which agents may act. Rebuilt from the log.
import { forgetCheckpoint } from '@app/event-log';
import type { OwnerRef } from '@app/events';
import { dropTables, hasTable, run } from '@app/runtime';
import type { Kysely } from 'kysely';

/** What the policy remembers; its own tables, rebuilt from the log. */
export interface OwnerPolicyDb {
  /** Users who may not act, and groups that no longer exist. A connection that owns an agent is there as long as the agent. */
  policy_gone: { tenant: string; owner_id: string };
  /** Who owns which agent, whether or not that owner may act. */
  policy_owned: { tenant: string; owner_id: string; agent_id: string };
  /** Whether the agent may act, 0 or 1, and its generation. */
  policy_agents: { tenant: string; agent_id: string; active: number; generation: number };
}

type Trx = Kysely<OwnerPolicyDb>;

/**
 * Creates what is missing; safe to call at every start.
 * @param checkpoint its name; it goes together with tables that an earlier version made otherwise
 */
export async function migrateOwnerPolicyDb(db: Kysely<OwnerPolicyDb>, checkpoint: string): Promise<void> {
  if (await hasTable(db, 'policy_owners')) {
    for (const table of ['policy_owners', 'policy_owned', 'policy_agents']) await db.schema.dropTable(table).execute();
    await forgetCheckpoint(db, checkpoint);
  }
  await db.schema
    .createTable('policy_gone')
    .ifNotExists()
    .addColumn('tenant', 'text', (c) => c.notNull())
    .addColumn('owner_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('policy_gone_pk', ['tenant', 'owner_id'])
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

export const dropOwnerPolicyDb = (db: Kysely<OwnerPolicyDb>): Promise<void> =>
  dropTables(db, ['policy_gone', 'policy_owned', 'policy_agents']);

/** Whether the agent has an owner who is not gone. */
export async function hasOwner(trx: Trx, tenant: string, agentId: string): Promise<boolean> {
  const text = `select 1 from policy_owned d where d.tenant = ? and d.agent_id = ? and not exists
    (select 1 from policy_gone g where g.tenant = d.tenant and g.owner_id = d.owner_id) limit 1`;
  return (await run(trx, text, [tenant, agentId])).length > 0;
}

/** May act again. */
export async function returned(trx: Trx, tenant: string, ownerId: string): Promise<void> {
  await run(trx, 'delete from policy_gone where tenant = ? and owner_id = ?', [tenant, ownerId]);
}

/** @returns the agents that the owner leaves behind */
export async function gone(trx: Trx, tenant: string, ownerId: string): Promise<string[]> {
  await run(trx, 'insert into policy_gone (tenant, owner_id) values (?, ?) on conflict do nothing', [tenant, ownerId]);
  const text = 'select agent_id from policy_owned where tenant = ? and owner_id = ?';
  const owned = await run<{ agent_id: string }>(trx, text, [tenant, ownerId]);
  return owned.map(({ agent_id }) => agent_id);
}

export async function owns(trx: Trx, tenant: string, agent_id: string, owners: readonly OwnerRef[]): Promise<void> {
  if (owners.length === 0) return;
  await trx
    .insertInto('policy_owned')
    .values(owners.map(({ id }) => ({ tenant, owner_id: id, agent_id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

export async function ownsNoMore(
  trx: Trx,
  tenant: string,
  agentId: string,
  owners: readonly OwnerRef[],
): Promise<void> {
  for (const { id } of owners) {
    await trx
      .deleteFrom('policy_owned')
      .where('tenant', '=', tenant)
      .where('owner_id', '=', id)
      .where('agent_id', '=', agentId)
      .execute();
  }
}

export async function setAgent(
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

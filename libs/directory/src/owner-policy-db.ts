// The tables of the owner policy: who may act, who owns which agent, and which agents may act. Rebuilt from the log.
import type { OwnerRef } from '@app/events';
import { rowGroups, run } from '@app/runtime';
import { sql, type Kysely } from 'kysely';

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

/** Creates what is missing; safe to call at every start. */
export async function migrateOwnerPolicyDb(db: Kysely<OwnerPolicyDb>): Promise<void> {
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

/** Whether somebody who may act owns the agent. */
export async function hasActiveOwner(trx: Trx, tenant: string, agentId: string): Promise<boolean> {
  const found = await sql`select 1 from policy_owned d
    join policy_owners o on o.tenant = d.tenant and o.owner_id = d.owner_id
    where d.tenant = ${tenant} and d.agent_id = ${agentId} limit 1`.execute(trx);
  return found.rows.length > 0;
}

/** Who is there from now on and may act. */
export async function mayAct(trx: Trx, owners: readonly OwnerPolicyDb['policy_owners'][]): Promise<void> {
  for (const group of rowGroups(owners)) {
    const rows = group.map(() => '(?, ?)').join(', ');
    const text = `insert into policy_owners (tenant, owner_id) values ${rows} on conflict do nothing`;
    await run(
      trx,
      text,
      group.flatMap(({ tenant, owner_id }) => [tenant, owner_id]),
    );
  }
}

/** @returns the agents that the owner leaves behind */
export async function mayNoMoreAct(trx: Trx, tenant: string, ownerId: string): Promise<string[]> {
  await run(trx, 'delete from policy_owners where tenant = ? and owner_id = ?', [tenant, ownerId]);
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

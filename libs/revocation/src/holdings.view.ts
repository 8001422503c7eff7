// What is held and by whom, in the order of the log: the state that a plan is computed from.
import type { HoldingType, MemberRef, OwnerRef, RecordedEvent } from '@app/events';
import type { Kysely } from 'kysely';
import type { HoldingRow, RevocationDb } from './revocation-db.js';

type Trx = Kysely<RevocationDb>;

/** Keeps SQL statements below the parameter limits of both dialects. */
const CHUNK = 500;

export function* chunksOf<T>(items: readonly T[], size: number = CHUNK): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

async function setSubject(trx: Trx, tenant: string, id: string, type: 'user' | 'agent', active: boolean, generation?: number) {
  await trx
    .insertInto('held_subjects')
    .values({ tenant, subject_id: id, subject_type: type, active: Number(active), generation: generation ?? 1 })
    .onConflict((c) =>
      c
        .columns(['tenant', 'subject_id'])
        .doUpdateSet({ active: Number(active), ...(generation === undefined ? {} : { generation }) }),
    )
    .execute();
}

async function addOwners(trx: Trx, tenant: string, agentId: string, owners: readonly OwnerRef[]) {
  if (owners.length === 0) return;
  await trx
    .insertInto('held_owners')
    .values(owners.map((o) => ({ tenant, agent_id: agentId, owner_type: o.type, owner_id: o.id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

async function changeMembers(
  trx: Trx,
  tenant: string,
  groupId: string,
  added: readonly MemberRef[],
  removed: readonly MemberRef[],
) {
  for (const chunk of chunksOf(added)) {
    await trx
      .insertInto('held_members')
      .values(chunk.map((m) => ({ tenant, group_id: groupId, member_id: m.id })))
      .onConflict((c) => c.doNothing())
      .execute();
  }
  for (const chunk of chunksOf(removed)) {
    await trx
      .deleteFrom('held_members')
      .where('tenant', '=', tenant)
      .where('group_id', '=', groupId)
      .where('member_id', 'in', chunk.map((m) => m.id))
      .execute();
  }
}

interface Registered {
  providerId: string;
  userId?: string;
  agentId?: string;
  reference: Record<string, string>;
}

const holdingRow = (tenant: string, type: HoldingType, id: string, data: Registered): HoldingRow => ({
  tenant,
  holding_id: id,
  holding_type: type,
  kind: type,
  provider_id: data.providerId,
  user_id: data.userId ?? null,
  agent_id: data.agentId ?? null,
  grant_id: null,
  reference: JSON.stringify(data.reference),
  secret_ids: '[]',
  requires_groups: '[]',
  expires_at: null,
  state: 'held',
});

async function register(trx: Trx, row: HoldingRow, requiresGroups: readonly string[] = []) {
  await trx.insertInto('held_holdings').values(row).onConflict((c) => c.doNothing()).execute();
  if (requiresGroups.length === 0) return;
  await trx
    .insertInto('held_requirements')
    .values(requiresGroups.map((group) => ({ tenant: row.tenant, group_id: group, holding_id: row.holding_id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

const holding = (trx: Trx, tenant: string, id: string) =>
  trx.selectFrom('held_holdings').selectAll().where('tenant', '=', tenant).where('holding_id', '=', id).executeTakeFirst();

/** The platform dropped it; a target that already exists goes on to its own end. */
async function release(trx: Trx, tenant: string, id: string) {
  await trx
    .updateTable('held_holdings')
    .set({ state: 'ended' })
    .where('tenant', '=', tenant)
    .where('holding_id', '=', id)
    .where('state', '=', 'held')
    .execute();
}

async function rotate(trx: Trx, tenant: string, data: { credentialId: string; secretId: string; expiresAt?: string }) {
  const row = await holding(trx, tenant, data.credentialId);
  if (row === undefined) return;
  const secretIds = [...(JSON.parse(row.secret_ids) as string[]), data.secretId];
  await trx
    .updateTable('held_holdings')
    .set({
      secret_ids: JSON.stringify(secretIds),
      expires_at: data.expiresAt ?? null,
      state: row.state === 'ended' ? 'held' : row.state,
    })
    .where('tenant', '=', tenant)
    .where('holding_id', '=', data.credentialId)
    .execute();
}

/** Applies one event; events of other kinds are ignored. */
export async function applyToHoldings(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'UserProvisioned':
      return setSubject(trx, tenant, event.data.userId, 'user', event.data.active, 1);
    case 'UserDeactivated':
    case 'UserDeleted':
      return setSubject(trx, tenant, event.data.userId, 'user', false);
    case 'UserReactivated':
      return setSubject(trx, tenant, event.data.userId, 'user', true, event.data.generation);
    case 'AgentProvisioned':
      await setSubject(trx, tenant, event.data.agentId, 'agent', event.data.active, 1);
      if (event.data.parentId !== undefined) {
        await trx
          .insertInto('held_parents')
          .values({ tenant, agent_id: event.data.agentId, parent_id: event.data.parentId })
          .onConflict((c) => c.doNothing())
          .execute();
      }
      return addOwners(trx, tenant, event.data.agentId, event.data.owners);
    case 'AgentOwnersChanged':
      for (const owner of event.data.removed) {
        await trx
          .deleteFrom('held_owners')
          .where('tenant', '=', tenant)
          .where('agent_id', '=', event.data.agentId)
          .where('owner_id', '=', owner.id)
          .execute();
      }
      return addOwners(trx, tenant, event.data.agentId, event.data.added);
    case 'AgentDeactivated':
    case 'AgentOrphaned':
    case 'AgentDeleted':
      return setSubject(trx, tenant, event.data.agentId, 'agent', false);
    case 'AgentReactivated':
      return setSubject(trx, tenant, event.data.agentId, 'agent', true, event.data.generation);
    case 'GroupCreated':
      await trx
        .insertInto('held_groups')
        .values({ tenant, group_id: event.data.groupId })
        .onConflict((c) => c.doNothing())
        .execute();
      return;
    case 'GroupMembershipChanged':
      return changeMembers(trx, tenant, event.data.groupId, event.data.added, event.data.removed);
    case 'GroupDeleted':
      for (const table of ['held_members', 'held_groups'] as const) {
        await trx.deleteFrom(table).where('tenant', '=', tenant).where('group_id', '=', event.data.groupId).execute();
      }
      return;
    default:
      return applyAccess(trx, event);
  }
}

async function applyAccess(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'ProviderConfigured': {
      const { providerId, connector, settings, secretId } = event.data;
      const row = { connector, settings: JSON.stringify(settings), secret_id: secretId ?? null, removed: 0 };
      await trx
        .insertInto('held_providers')
        .values({ tenant, provider_id: providerId, ...row })
        .onConflict((c) => c.columns(['tenant', 'provider_id']).doUpdateSet(row))
        .execute();
      return;
    }
    case 'ProviderRemoved':
      await trx
        .updateTable('held_providers')
        .set({ removed: 1 })
        .where('tenant', '=', tenant)
        .where('provider_id', '=', event.data.providerId)
        .execute();
      return;
    case 'CredentialRegistered': {
      const { data } = event;
      const row = {
        ...holdingRow(tenant, 'credential', data.credentialId, data),
        kind: data.kind,
        grant_id: data.grantId ?? null,
        secret_ids: JSON.stringify(data.secretId === undefined ? [] : [data.secretId]),
        requires_groups: JSON.stringify(data.requiresGroups),
        expires_at: data.expiresAt ?? null,
      };
      return register(trx, row, data.requiresGroups);
    }
    case 'CredentialRotated':
      return rotate(trx, tenant, event.data);
    case 'ScheduleRegistered':
      return register(trx, holdingRow(tenant, 'schedule', event.data.scheduleId, event.data));
    case 'RunStarted':
      return register(trx, holdingRow(tenant, 'run', event.data.runId, event.data));
    case 'CredentialReleased':
      return release(trx, tenant, event.data.credentialId);
    case 'ScheduleReleased':
      return release(trx, tenant, event.data.scheduleId);
    case 'RunEnded':
      return release(trx, tenant, event.data.runId);
    default:
      return;
  }
}

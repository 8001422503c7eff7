// Who exists, who owns and belongs to whom: the part of the directory's facts that both the relay and the deny gate fold.
import type { MemberRef, OwnerRef, RecordedEvent } from '@app/events';
import { chunksOf, type Index, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { changeNested, type NestedGroupRow } from './nested-groups.js';
import { requirementOfRole } from './requirements.js';
import { applyUserStates, isUserState } from './user-states.js';

export type SubjectType = 'user' | 'agent' | 'application';
export type SubjectState = 'active' | 'deactivated' | 'orphaned' | 'deleted';

export interface SubjectRow {
  tenant: string;
  subject_type: SubjectType;
  subject_id: string;
  state: SubjectState;
  generation: number;
}

export interface SubjectsDb {
  held_subjects: SubjectRow;
  held_owners: { tenant: string; agent_id: string; owner_type: string; owner_id: string };
  held_parents: { tenant: string; agent_id: string; parent_id: string };
  held_applications: { tenant: string; agent_id: string; application_id: string };
  /** Groups and roles alike: what a credential may require. */
  held_members: { tenant: string; group_id: string; member_id: string };
  held_groups: { tenant: string; group_id: string };
  held_nested: NestedGroupRow;
}

export const subjectTables: Readonly<Record<keyof SubjectsDb, Table>> = {
  held_subjects: {
    columns: { tenant: 'text', subject_type: 'text', subject_id: 'text', state: 'text', generation: 'integer' },
    // Agents may have ids chosen by the platform: one that equals a user's must not become that user.
    key: ['tenant', 'subject_type', 'subject_id'],
    inKey: true,
  },
  held_owners: {
    columns: { tenant: 'text', agent_id: 'text', owner_type: 'text', owner_id: 'text' },
    key: ['tenant', 'agent_id', 'owner_type', 'owner_id'],
  },
  held_parents: {
    columns: { tenant: 'text', agent_id: 'text', parent_id: 'text' },
    key: ['tenant', 'agent_id'],
  },
  held_applications: {
    columns: { tenant: 'text', agent_id: 'text', application_id: 'text' },
    key: ['tenant', 'agent_id', 'application_id'],
  },
  held_members: {
    columns: { tenant: 'text', group_id: 'text', member_id: 'text' },
    key: ['tenant', 'group_id', 'member_id'],
    inKey: true,
  },
  held_groups: { columns: { tenant: 'text', group_id: 'text' }, key: ['tenant', 'group_id'] },
  held_nested: {
    columns: { tenant: 'text', group_id: 'text', member_id: 'text' },
    key: ['tenant', 'group_id', 'member_id'],
  },
};

export const subjectIndexes: readonly Index[] = [
  ['held_owners_owner', 'held_owners', ['tenant', 'owner_id']],
  ['held_parents_parent', 'held_parents', ['tenant', 'parent_id']],
  ['held_nested_member', 'held_nested', ['tenant', 'member_id']],
  ['held_applications_application', 'held_applications', ['tenant', 'application_id']],
];

type Trx = Kysely<SubjectsDb>;

/** A view of a larger database that sees the tables of {@link SubjectsDb} only. */
export const subjectsOf = <Db extends SubjectsDb>(db: Kysely<Db>): Trx => db as unknown as Trx;

type Kept = Extract<SubjectType, 'agent' | 'application'>;

async function setState(
  trx: Trx,
  tenant: string,
  { type, id }: { readonly type: Kept; readonly id: string },
  state: SubjectState,
  generation?: number,
) {
  await trx
    .insertInto('held_subjects')
    .values({ tenant, subject_type: type, subject_id: id, state, generation: generation ?? 1 })
    .onConflict((c) =>
      c
        .columns(['tenant', 'subject_type', 'subject_id'])
        .doUpdateSet({ state, ...(generation === undefined ? {} : { generation }) }),
    )
    .execute();
}

async function changeApplications(
  trx: Trx,
  tenant: string,
  agentId: string,
  { added, removed = [] }: { readonly added: readonly string[]; readonly removed?: readonly string[] },
) {
  for (const applicationId of added) {
    await trx
      .insertInto('held_applications')
      .values({ tenant, agent_id: agentId, application_id: applicationId })
      .onConflict((c) => c.doNothing())
      .execute();
  }
  for (const applicationId of removed) {
    await trx
      .deleteFrom('held_applications')
      .where('tenant', '=', tenant)
      .where('agent_id', '=', agentId)
      .where('application_id', '=', applicationId)
      .execute();
  }
}

async function addOwners(trx: Trx, tenant: string, agentId: string, owners: readonly OwnerRef[]) {
  if (owners.length === 0) return;
  await trx
    .insertInto('held_owners')
    .values(owners.map((o) => ({ tenant, agent_id: agentId, owner_type: o.type, owner_id: o.id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

async function removeOwners(trx: Trx, tenant: string, agentId: string, owners: readonly OwnerRef[]) {
  for (const owner of owners) {
    await trx
      .deleteFrom('held_owners')
      .where('tenant', '=', tenant)
      .where('agent_id', '=', agentId)
      .where('owner_type', '=', owner.type)
      .where('owner_id', '=', owner.id)
      .execute();
  }
}

async function changeMembers(
  trx: Trx,
  tenant: string,
  groupId: string,
  { added, removed }: { added: readonly Pick<MemberRef, 'id'>[]; removed: readonly Pick<MemberRef, 'id'>[] },
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
      .where(
        'member_id',
        'in',
        chunk.map((m) => m.id),
      )
      .execute();
  }
}

/** What it was in is kept: the groups above lose its members with it. */
async function forget(trx: Trx, tenant: string, groupId: string) {
  for (const table of ['held_members', 'held_groups', 'held_nested'] as const) {
    await trx.deleteFrom(table).where('tenant', '=', tenant).where('group_id', '=', groupId).execute();
  }
}

/** Applies one event; events that are not about users, agents and groups are ignored. */
export async function applyToSubjects(trx: Trx, event: RecordedEvent): Promise<void> {
  if (isUserState(event)) return applyUserStates(trx, [event]);
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'GroupCreated':
      await trx
        .insertInto('held_groups')
        .values({ tenant, group_id: event.data.groupId })
        .onConflict((c) => c.doNothing())
        .execute();
      return;
    case 'GroupMembershipChanged':
      await changeMembers(trx, tenant, event.data.groupId, event.data);
      return changeNested(trx, tenant, event.data.groupId, event.data);
    case 'RoleMembershipChanged': {
      const added = event.data.added.map(({ userId }) => ({ id: userId }));
      const removed = event.data.removed.map((id) => ({ id }));
      return changeMembers(trx, tenant, requirementOfRole(event.data.roleId), { added, removed });
    }
    case 'RoleDeleted':
      return forget(trx, tenant, requirementOfRole(event.data.roleId));
    case 'GroupDeleted':
      return forget(trx, tenant, event.data.groupId);
    default:
      return applyToAgents(trx, event);
  }
}

async function applyToAgents(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  const set = (id: string, state: SubjectState, generation?: number) =>
    setState(trx, tenant, { type: 'agent', id }, state, generation);
  switch (event.type) {
    case 'AgentProvisioned':
      await set(event.data.agentId, event.data.active ? 'active' : 'deactivated', 1);
      if (event.data.parentId !== undefined) {
        await trx
          .insertInto('held_parents')
          .values({ tenant, agent_id: event.data.agentId, parent_id: event.data.parentId })
          .onConflict((c) => c.doNothing())
          .execute();
      }
      await changeApplications(trx, tenant, event.data.agentId, { added: event.data.applicationIds ?? [] });
      return addOwners(trx, tenant, event.data.agentId, event.data.owners);
    case 'AgentApplicationsChanged':
      return changeApplications(trx, tenant, event.data.agentId, event.data);
    case 'AgentOwnersChanged':
      await removeOwners(trx, tenant, event.data.agentId, event.data.removed);
      return addOwners(trx, tenant, event.data.agentId, event.data.added);
    case 'AgentDeactivated':
      return set(event.data.agentId, 'deactivated');
    case 'AgentOrphaned':
      return set(event.data.agentId, 'orphaned');
    case 'AgentDeleted':
      return set(event.data.agentId, 'deleted');
    case 'AgentReactivated':
      return set(event.data.agentId, 'active', event.data.generation);
    default:
      return applyToApplications(trx, event);
  }
}

async function applyToApplications(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  const set = (id: string, state: SubjectState) => setState(trx, tenant, { type: 'application', id }, state);
  switch (event.type) {
    case 'ApplicationProvisioned':
      return set(event.data.applicationId, event.data.active ? 'active' : 'deactivated');
    case 'ApplicationDeactivated':
      return set(event.data.applicationId, 'deactivated');
    case 'ApplicationReactivated':
      return set(event.data.applicationId, 'active');
    case 'ApplicationDeleted':
      return set(event.data.applicationId, 'deleted');
    default:
      return;
  }
}

// Why somebody may not act: one answer for the deny gate, which is asked, and for the relay, which revokes.
import type { Holder } from '@app/events';
import { run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { HeldRow } from './held-db.js';
import { isMember } from './nested-groups.js';
import { reasonOf, type MissingRequirement } from './requirements.js';
import type { SubjectRow, SubjectsDb, SubjectType } from './subjects.view.js';

type Db = Kysely<SubjectsDb>;

/** Stable codes. Those of a person begin with `user_`, those of an agent with `agent_`. */
export type DenialReason =
  | 'user_unknown'
  | 'user_deactivated'
  | 'user_deleted'
  | 'agent_unknown'
  | 'agent_deactivated'
  | 'agent_deleted'
  /** No owner who may act: no active user and no group that exists. */
  | 'agent_orphaned'
  /** An application it belongs to is not active. */
  | 'application_denied'
  /** An agent above it may not act. */
  | 'parent_denied'
  | MissingRequirement;

export async function subjectOf(
  db: Db,
  tenant: string,
  type: SubjectType,
  id: string,
): Promise<SubjectRow | undefined> {
  const text = 'select * from held_subjects where tenant = ? and subject_type = ? and subject_id = ?';
  const [row] = await run<SubjectRow>(db, text, [tenant, type, id]);
  return row;
}

/** Whether any owner of the agent may still act: an active user, a group that exists, or the connection. */
export async function hasActiveOwner(db: Db, tenant: string, agentId: string): Promise<boolean> {
  const user = await db
    .selectFrom('held_owners')
    .innerJoin('held_subjects', (join) =>
      join
        .onRef('held_subjects.tenant', '=', 'held_owners.tenant')
        .onRef('held_subjects.subject_id', '=', 'held_owners.owner_id')
        .on('held_subjects.subject_type', '=', 'user'),
    )
    .select('held_owners.owner_id')
    .where('held_owners.tenant', '=', tenant)
    .where('held_owners.agent_id', '=', agentId)
    .where('held_owners.owner_type', '=', 'User')
    .where('held_subjects.state', '=', 'active')
    .executeTakeFirst();
  if (user !== undefined) return true;
  const group = await db
    .selectFrom('held_owners')
    .innerJoin('held_groups', (join) =>
      join
        .onRef('held_groups.tenant', '=', 'held_owners.tenant')
        .onRef('held_groups.group_id', '=', 'held_owners.owner_id'),
    )
    .select('held_owners.owner_id')
    .where('held_owners.tenant', '=', tenant)
    .where('held_owners.agent_id', '=', agentId)
    .where('held_owners.owner_type', '=', 'Group')
    .executeTakeFirst();
  return group !== undefined || (await isOwnedByConnection(db, tenant, agentId));
}

/** Nobody was ever named for it: it acts as long as its identity provider lets it. */
async function isOwnedByConnection(db: Db, tenant: string, agentId: string): Promise<boolean> {
  const text = "select 1 from held_owners where tenant = ? and agent_id = ? and owner_type = 'Connection'";
  return (await run(db, text, [tenant, agentId])).length > 0;
}

export async function userDenial(db: Db, tenant: string, userId: string): Promise<DenialReason | undefined> {
  const user = await subjectOf(db, tenant, 'user', userId);
  if (user === undefined) return 'user_unknown';
  if (user.state === 'active') return undefined;
  return user.state === 'deleted' ? 'user_deleted' : 'user_deactivated';
}

async function ownDenial(db: Db, tenant: string, agentId: string): Promise<DenialReason | undefined> {
  const agent = await subjectOf(db, tenant, 'agent', agentId);
  if (agent === undefined) return 'agent_unknown';
  if (agent.state === 'deactivated' || agent.state === 'deleted') return `agent_${agent.state}`;
  const mayAct = agent.state === 'active' && (await hasActiveOwner(db, tenant, agentId));
  if (!mayAct) return 'agent_orphaned';
  return (await hasDeniedApplication(db, tenant, agentId)) ? 'application_denied' : undefined;
}

/** One of several is enough: what an application may not do, none of its agents may do for it. */
async function hasDeniedApplication(db: Db, tenant: string, agentId: string): Promise<boolean> {
  const denied = await db
    .selectFrom('held_applications')
    .innerJoin('held_subjects', (join) =>
      join
        .onRef('held_subjects.tenant', '=', 'held_applications.tenant')
        .onRef('held_subjects.subject_id', '=', 'held_applications.application_id')
        .on('held_subjects.subject_type', '=', 'application'),
    )
    .select('held_applications.application_id')
    .where('held_applications.tenant', '=', tenant)
    .where('held_applications.agent_id', '=', agentId)
    .where('held_subjects.state', '!=', 'active')
    .executeTakeFirst();
  return denied !== undefined;
}

/** The agents above, nearest first. */
async function ancestorsOf(db: Db, tenant: string, agentId: string): Promise<string[]> {
  const above = new Set<string>();
  for (let id: string | undefined = agentId; id !== undefined;) {
    const row: { parent_id: string } | undefined = await db
      .selectFrom('held_parents')
      .select('parent_id')
      .where('tenant', '=', tenant)
      .where('agent_id', '=', id)
      .executeTakeFirst();
    id = row?.parent_id;
    if (id === undefined || id === agentId || above.has(id)) break;
    above.add(id);
  }
  return [...above];
}

export async function agentDenials(db: Db, tenant: string, agentId: string): Promise<DenialReason[]> {
  const own = await ownDenial(db, tenant, agentId);
  const reasons: DenialReason[] = own === undefined ? [] : [own];
  for (const ancestor of await ancestorsOf(db, tenant, agentId)) {
    if ((await ownDenial(db, tenant, ancestor)) !== undefined) return [...reasons, 'parent_denied'];
  }
  return reasons;
}

/** Why a holder may not hold something that requires this; empty when nothing speaks against it. */
export async function denialsOf(
  db: Db,
  tenant: string,
  { userId, agentId }: Holder,
  requirements: readonly string[] = [],
): Promise<DenialReason[]> {
  const reasons = agentId === undefined ? [] : await agentDenials(db, tenant, agentId);
  const user = userId === undefined ? undefined : await userDenial(db, tenant, userId);
  const missing = await missingOf(db, tenant, userId, requirements);
  return [...reasons, ...(user === undefined ? [] : [user]), ...missing];
}

/** Why the holder of a holding that was registered before may not hold it now. */
export function denialsOfHeld(db: Db, row: HeldRow): Promise<DenialReason[]> {
  const holder = {
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
  };
  return denialsOf(db, row.tenant, holder, JSON.parse(row.requires_groups) as string[]);
}

/** What of these groups and roles the person does not have, each kind once. */
export async function missingOf(
  db: Db,
  tenant: string,
  userId: string | undefined,
  requirements: readonly string[],
): Promise<MissingRequirement[]> {
  const missing = new Set<MissingRequirement>();
  for (const requirement of requirements) {
    if (missing.has(reasonOf(requirement))) continue;
    const member = userId !== undefined && (await isMember(db, tenant, requirement, userId));
    if (!member) missing.add(reasonOf(requirement));
  }
  return [...missing];
}

// What is lost with a group or a role: the credentials that require it, of those who have it in no other way.
import { chunksOf, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import { missingOf } from './denials.js';
import type { HeldDb, HeldRow } from './held-db.js';
import { groupsAbove, groupsWithin } from './nested-groups.js';
import { requirementOfRole } from './requirements.js';
import { subjectsOf } from './subjects.view.js';
import type { EventOf, Taken } from './triggers.js';

type Db = Kysely<HeldDb>;

export const held = (db: Db, tenant: string) =>
  db.selectFrom('held_holdings').selectAll().where('tenant', '=', tenant).where('state', '=', 'held');

export const distinct = (rows: readonly HeldRow[]): HeldRow[] => [
  ...new Map(rows.map((row) => [`${row.holding_type} ${row.holding_id}`, row])).values(),
];

export const groupLoss = (groupId: string, holdings: readonly HeldRow[]): Taken => ({
  subject: { type: 'group', id: groupId },
  generation: 1,
  holdings: distinct(holdings),
});

const roleLoss = (roleId: string, holdings: readonly HeldRow[]): Taken => ({
  ...groupLoss(roleId, holdings),
  subject: { type: 'role', id: roleId },
});

/** Credentials that require a group or a role. */
export const requiring = (db: Db, tenant: string, requirement: string) =>
  held(db, tenant)
    .where('holding_type', '=', 'credential')
    .where('holding_id', 'in', (q) =>
      q
        .selectFrom('held_requirements')
        .select('holding_id')
        .where('tenant', '=', tenant)
        .where('group_id', '=', requirement),
    );

/** Few groups are, and identity providers change groups of thousands. */
async function isRequired(db: Db, tenant: string, requirement: string): Promise<boolean> {
  const text = 'select 1 from held_requirements where tenant = ? and group_id = ? limit 1';
  return (await run(db, text, [tenant, requirement])).length > 0;
}

async function requiredOf(db: Db, tenant: string, requirement: string, userIds: readonly string[]) {
  const lost: HeldRow[] = [];
  for (const chunk of chunksOf(userIds)) {
    lost.push(...(await requiring(db, tenant, requirement).where('user_id', 'in', chunk).execute()));
  }
  return lost;
}

/** Of the direct members of these groups. */
async function requiredOfMembers(db: Db, tenant: string, requirement: string, groupIds: readonly string[]) {
  const lost: HeldRow[] = [];
  for (const chunk of chunksOf(groupIds)) {
    const members = subjectsOf(db)
      .selectFrom('held_members')
      .select('member_id')
      .where('tenant', '=', tenant)
      .where('group_id', 'in', chunk);
    lost.push(...(await requiring(db, tenant, requirement).where('user_id', 'in', members).execute()));
  }
  return lost;
}

/** Those whose holders are not in every group that is required, neither directly nor through another group. */
export async function withoutRequirement(db: Db, rows: readonly HeldRow[]): Promise<HeldRow[]> {
  const without: HeldRow[] = [];
  for (const row of rows) {
    const required = JSON.parse(row.requires_groups) as string[];
    const missing = await missingOf(subjectsOf(db), row.tenant, row.user_id ?? undefined, required);
    if (missing.length > 0) without.push(row);
  }
  return without;
}

/** People leave a group and those above it, alone or with a group that they are in. */
export async function membershipLost(db: Db, event: EventOf<'GroupMembershipChanged'>): Promise<Taken> {
  const { tenant } = event.metadata;
  const { groupId, removed } = event.data;
  if (removed.length === 0) return groupLoss(groupId, []);
  const subjects = subjectsOf(db);
  const people: string[] = [];
  const left: string[] = [];
  for (const { id, type } of removed) {
    if (type === 'Group') left.push(...(await groupsWithin(subjects, tenant, id)));
    else people.push(id);
  }
  const lost: HeldRow[] = [];
  for (const group of [groupId, ...(await groupsAbove(subjects, tenant, groupId))]) {
    if (!(await isRequired(db, tenant, group))) continue;
    const rows = distinct([
      ...(await requiredOf(db, tenant, group, people)),
      ...(await requiredOfMembers(db, tenant, group, left)),
    ]);
    const isFlat = left.length === 0 && (await groupsWithin(subjects, tenant, group)).length === 1;
    lost.push(...(isFlat ? rows : await withoutRequirement(db, rows)));
  }
  return groupLoss(groupId, lost);
}

export async function roleLost(db: Db, event: EventOf<'RoleMembershipChanged'>): Promise<Taken> {
  const { roleId, removed } = event.data;
  return roleLoss(roleId, await requiredOf(db, event.metadata.tenant, requirementOfRole(roleId), removed));
}

export async function roleGone(db: Db, event: EventOf<'RoleDeleted'>): Promise<Taken> {
  const { roleId } = event.data;
  return roleLoss(roleId, await requiring(db, event.metadata.tenant, requirementOfRole(roleId)).execute());
}

// Groups that are members of groups: who is in one of them is in those above it too, however far, cycles included.
import type { MemberRef } from '@app/events';
import { chunksOf, hasTable, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { SubjectsDb } from './subjects.view.js';

type Db = Kysely<SubjectsDb>;

/** A few rows beside those of `held_members`, which would have to be searched for groups among the people. */
export interface NestedGroupRow {
  tenant: string;
  group_id: string;
  /** A group. */
  member_id: string;
}

const isGroup = ({ type }: MemberRef): boolean => type === 'Group';

export async function changeNested(
  trx: Db,
  tenant: string,
  groupId: string,
  { added, removed }: { readonly added: readonly MemberRef[]; readonly removed: readonly MemberRef[] },
): Promise<void> {
  for (const chunk of chunksOf(added.filter(isGroup))) {
    await trx
      .insertInto('held_nested')
      .values(chunk.map(({ id }) => ({ tenant, group_id: groupId, member_id: id })))
      .onConflict((c) => c.doNothing())
      .execute();
  }
  for (const { id } of removed.filter(isGroup)) {
    const text = 'delete from held_nested where tenant = ? and group_id = ? and member_id = ?';
    await run(trx, text, [tenant, groupId, id]);
  }
}

/** The groups that this group is in, nearest first; not itself. Known of a deleted group as well. */
export async function groupsAbove(db: Db, tenant: string, groupId: string): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    `with recursive above(id) as (
      select group_id from held_nested where tenant = ? and member_id = ?
      union select n.group_id from held_nested n join above on n.tenant = ? and n.member_id = above.id
    ) select id from above where id <> ?`,
    [tenant, groupId, tenant, groupId],
  );
  return rows.map(({ id }) => id);
}

/** Where `below(id)` are the groups in a group and in those. Takes: tenant, group, tenant. */
const BELOW = `with recursive below(id) as (
    select member_id from held_nested where tenant = ? and group_id = ?
    union select n.member_id from held_nested n join below on n.tenant = ? and n.group_id = below.id
  )`;

/** A group and those in it and in those. */
export async function groupsWithin(db: Db, tenant: string, groupId: string): Promise<string[]> {
  const rows = await run<{ id: string }>(db, `${BELOW} select id from below where id <> ?`, [
    ...[tenant, groupId, tenant],
    groupId,
  ]);
  return [groupId, ...rows.map(({ id }) => id)];
}

/** Whether the person is in the group, or has the role: one look where they are a direct member. */
export async function isMember(db: Db, tenant: string, requirement: string, userId: string): Promise<boolean> {
  const direct = 'select 1 from held_members where tenant = ? and group_id = ? and member_id = ?';
  if ((await run(db, direct, [tenant, requirement, userId])).length > 0) return true;
  const nested = `${BELOW} select 1 from below join held_members m on m.group_id = below.id
    where m.tenant = ? and m.member_id = ? limit 1`;
  return (await run(db, nested, [tenant, requirement, tenant, tenant, userId])).length > 0;
}

/** To be called before the tables are created: an earlier version kept no nested groups apart. @returns fills them */
export async function nestedGroupsOf<D extends SubjectsDb>(db: Kysely<D>): Promise<() => Promise<void>> {
  if (!(await hasTable(db, 'held_members')) || (await hasTable(db, 'held_nested'))) return () => Promise.resolve();
  const text = `insert into held_nested (tenant, group_id, member_id)
    select m.tenant, m.group_id, m.member_id from held_members m
    join held_groups g on g.tenant = m.tenant and g.group_id = m.member_id`;
  return async () => void (await run(db, text, []));
}

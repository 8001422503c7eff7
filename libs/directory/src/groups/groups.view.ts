// Applies the events of groups: a row per group and a row per membership; the cost is that of what changed.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, patchRows, putRows, rowsIn } from '@app/runtime';
import { foldCase } from '@app/scim';
import type { GroupRow, Trx } from '../directory-db.js';
import { handedOver } from '../view/handed-over.js';
import { PairChanges } from '../view/pair-changes.js';

type GroupEvent = Extract<RecordedEvent, { type: `Group${string}` }>;

const described = (displayName: string, resource: Readonly<Record<string, unknown>>) => ({
  display: displayName,
  display_name_ci: foldCase(displayName),
  external_id: typeof resource.externalId === 'string' ? resource.externalId : null,
  attributes: JSON.stringify(resource),
});

/** The columns that change with the members. */
const STATE = { last_modified: 'text', revision: 'integer' } as const;

class GroupBatch {
  readonly rows = new Map<string, GroupRow>();
  readonly members = new PairChanges();
  readonly deleted = new Set<string>();
  /** Groups of which more than the state has changed. */
  private readonly described = new Set<string>();

  constructor(rows: readonly GroupRow[]) {
    for (const row of rows) this.rows.set(row.group_id, { ...row });
  }

  apply(event: GroupEvent): void {
    const { groupId } = event.data;
    if (event.type === 'GroupCreated') this.rows.set(groupId, freshRow(event));
    if (event.type !== 'GroupMembershipChanged') this.described.add(groupId);
    if (event.type === 'GroupDeleted') {
      this.deleted.add(groupId);
      this.rows.delete(groupId);
      this.members.forget(groupId);
    }
    const row = this.rows.get(groupId);
    if (row === undefined) return;
    row.revision = Number(event.revision);
    row.last_modified = event.metadata.at;
    if (event.type === 'GroupChanged') Object.assign(row, described(event.data.displayName, event.data.resource));
    if (event.type === 'GroupHandedOver') Object.assign(row, handedOver(row, event.data.to));
    if (event.type === 'GroupMembershipChanged') {
      for (const { id } of event.data.removed) this.members.set(groupId, id, undefined);
      for (const { id, type } of event.data.added) this.members.set(groupId, id, type);
    }
  }

  changedRows() {
    return Object.groupBy(this.rows.values(), (row) => (this.described.has(row.group_id) ? 'described' : 'other'));
  }
}

const freshRow = (event: Extract<GroupEvent, { type: 'GroupCreated' }>): GroupRow => ({
  tenant: event.metadata.tenant,
  connection_id: event.metadata.connection ?? null,
  group_id: event.data.groupId,
  ...described(event.data.displayName, event.data.resource),
  created: event.metadata.at,
  last_modified: event.metadata.at,
  revision: 0,
  seq: Number(event.position),
});

const isGroupEvent = (event: RecordedEvent): event is GroupEvent => event.stream.startsWith('group-');

/** Applies events of one tenant. */
export async function applyToGroups(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
  const ofGroups = events.filter(isGroupEvent);
  if (ofGroups.length === 0) return;
  const touched = new Set(ofGroups.map((event) => event.data.groupId));
  const batch = new GroupBatch(await rowsIn(trx, 'groups', tenant, 'group_id', touched));
  for (const event of ofGroups) batch.apply(event);
  const { described: put = [], other: patch = [] } = batch.changedRows();
  await putRows(trx, 'groups', ['tenant', 'group_id'], put);
  await patchRows(trx, 'groups', { tenant, id: 'group_id' }, STATE, patch);
  for (const { left: group_id, added, removed } of batch.members.byLeft()) {
    await deleteRowsIn(trx, 'members', { tenant, group_id }, 'member_id', removed);
    const rows = added.map(([member_id, type]) => ({ tenant, group_id, member_id, type }));
    await putRows(trx, 'members', ['tenant', 'group_id', 'member_id'], rows);
  }
  await deleteRowsIn(trx, 'groups', { tenant }, 'group_id', batch.deleted);
  await deleteRowsIn(trx, 'members', { tenant }, 'group_id', batch.deleted);
  await deleteRowsIn(trx, 'members', { tenant }, 'member_id', batch.deleted);
}

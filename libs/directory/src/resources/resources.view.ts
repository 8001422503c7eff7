// Applies the events of resources of an operator's own types: rows with what their sealed attributes say, gone with them.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, putRows, rowsIn } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { ResourceRow, Trx } from '../directory-db.js';
import type { Attributes } from '../user.commands.js';
import { openAttributes, type Seal } from '../users/sealed-attributes.js';
import { handedOver } from '../view/handed-over.js';

type ResourceEvent = Extract<RecordedEvent, { type: `Resource${string}` }>;

const described = (id: string, attributes: Attributes) => ({
  external_id: typeof attributes.externalId === 'string' ? attributes.externalId : null,
  display: typeof attributes.displayName === 'string' ? attributes.displayName : id,
  attributes: JSON.stringify(attributes),
});

const freshRow = (event: Extract<ResourceEvent, { type: 'ResourceCreated' }>): ResourceRow => ({
  tenant: event.metadata.tenant,
  resource_id: event.data.resourceId,
  resource_type: event.data.resourceType,
  connection_id: event.metadata.connection ?? null,
  ...described(event.data.resourceId, {}),
  data_key_id: event.data.dataKeyId,
  created: event.metadata.at,
  last_modified: event.metadata.at,
  revision: 0,
  seq: Number(event.position),
});

/** @returns false when the key was erased: the deletion follows in the log, and no row must appear until then */
async function unseal(row: ResourceRow, vault: Vault, sealed: string, eventType: Seal['eventType']): Promise<boolean> {
  const { tenant, resource_id: userId, data_key_id: dataKeyId } = row;
  const attributes = await openAttributes(vault, { tenant, userId, dataKeyId, eventType }, sealed);
  if (attributes !== undefined) Object.assign(row, described(userId, attributes));
  return attributes !== undefined;
}

const isResourceEvent = (event: RecordedEvent): event is ResourceEvent => event.stream.startsWith('resource-');

/** Applies events of one tenant. Erases the data keys of the deleted before the batch counts as applied. */
export async function applyToResources(trx: Trx, vault: Vault, tenant: string, events: readonly RecordedEvent[]) {
  const ofResources = events.filter(isResourceEvent);
  if (ofResources.length === 0) return;
  const touched = new Set(ofResources.map((event) => event.data.resourceId));
  const known = await rowsIn(trx, 'resources', tenant, 'resource_id', touched);
  const rows = new Map(known.map((row) => [row.resource_id, { ...row }]));
  for (const event of ofResources) {
    const { resourceId } = event.data;
    if (event.type === 'ResourceCreated') rows.set(resourceId, freshRow(event));
    const row = rows.get(resourceId);
    if (row === undefined) continue;
    row.revision = Number(event.revision);
    row.last_modified = event.metadata.at;
    if (event.type === 'ResourceHandedOver') Object.assign(row, handedOver(row, event.data.to));
    if (event.type === 'ResourceCreated' || event.type === 'ResourceChanged') {
      if (!(await unseal(row, vault, event.data.sealed, event.type))) rows.delete(resourceId);
    }
    if (event.type === 'ResourceDeleted') {
      await vault.eraseDataKey(row.data_key_id);
      rows.delete(resourceId);
    }
  }
  await putRows(trx, 'resources', ['tenant', 'resource_id'], [...rows.values()]);
  const gone = [...touched].filter((id) => !rows.has(id));
  await deleteRowsIn(trx, 'resources', { tenant }, 'resource_id', gone);
}

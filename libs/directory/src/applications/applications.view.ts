// Applies the events of applications: a row per application.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, putRows, rowsIn } from '@app/runtime';
import { foldCase } from '@app/scim';
import type { ApplicationRow, Trx } from '../directory-db.js';
import { handedOver } from '../view/handed-over.js';

type ApplicationEvent = Extract<RecordedEvent, { type: `Application${string}` }>;

const described = (name: string, resource: Readonly<Record<string, unknown>>) => ({
  name,
  name_ci: foldCase(name),
  display_name_ci: typeof resource.displayName === 'string' ? foldCase(resource.displayName) : null,
  external_id: typeof resource.externalId === 'string' ? resource.externalId : null,
  attributes: JSON.stringify(resource),
});

const freshRow = (event: Extract<ApplicationEvent, { type: 'ApplicationProvisioned' }>): ApplicationRow => ({
  tenant: event.metadata.tenant,
  application_id: event.data.applicationId,
  connection_id: event.metadata.connection ?? null,
  ...described(event.data.name, event.data.resource),
  active: Number(event.data.active),
  created: event.metadata.at,
  last_modified: event.metadata.at,
  revision: 0,
  seq: Number(event.position),
});

function apply(rows: Map<string, ApplicationRow>, event: ApplicationEvent): void {
  const { applicationId } = event.data;
  if (event.type === 'ApplicationProvisioned') rows.set(applicationId, freshRow(event));
  if (event.type === 'ApplicationDeleted') rows.delete(applicationId);
  const row = rows.get(applicationId);
  if (row === undefined) return;
  row.revision = Number(event.revision);
  row.last_modified = event.metadata.at;
  if (event.type === 'ApplicationDeactivated') row.active = 0;
  if (event.type === 'ApplicationReactivated') row.active = 1;
  if (event.type === 'ApplicationHandedOver') Object.assign(row, handedOver(row, event.data.to));
  if (event.type === 'ApplicationChanged') Object.assign(row, described(event.data.name, event.data.resource));
}

const isApplicationEvent = (event: RecordedEvent): event is ApplicationEvent => event.stream.startsWith('application-');

/** Applies events of one tenant. */
export async function applyToApplications(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
  const ofApplications = events.filter(isApplicationEvent);
  if (ofApplications.length === 0) return;
  const touched = new Set(ofApplications.map((event) => event.data.applicationId));
  const known = await rowsIn(trx, 'applications', tenant, 'application_id', touched);
  const rows = new Map(known.map((row) => [row.application_id, { ...row }]));
  for (const event of ofApplications) apply(rows, event);
  await putRows(trx, 'applications', ['tenant', 'application_id'], [...rows.values()]);
  const gone = [...touched].filter((id) => !rows.has(id));
  await deleteRowsIn(trx, 'applications', { tenant }, 'application_id', gone);
}

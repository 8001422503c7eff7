// Applies the events of agents: a row per agent and a row per owner.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, putRows, rowsIn } from '@app/runtime';
import { foldCase } from '@app/scim';
import type { AgentRow, Trx } from '../directory-db.js';
import { handedOver } from '../view/handed-over.js';
import { PairChanges } from '../view/pair-changes.js';

type AgentEvent = Extract<RecordedEvent, { type: `Agent${string}` }>;

const described = (name: string, resource: Readonly<Record<string, unknown>>) => ({
  name,
  name_ci: foldCase(name),
  display_name_ci: typeof resource.displayName === 'string' ? foldCase(resource.displayName) : null,
  external_id: typeof resource.externalId === 'string' ? resource.externalId : null,
  attributes: JSON.stringify(resource),
});

const freshRow = (event: Extract<AgentEvent, { type: 'AgentProvisioned' }>): AgentRow => ({
  tenant: event.metadata.tenant,
  // To its own connection, what is pushed as a user is a user: as an agent the platform alone sees it.
  connection_id: event.data.user === undefined ? (event.metadata.connection ?? null) : null,
  agent_id: event.data.agentId,
  ...described(event.data.name, event.data.resource),
  active: Number(event.data.active),
  parent_id: event.data.parentId ?? null,
  created: event.metadata.at,
  last_modified: event.metadata.at,
  revision: 0,
  seq: Number(event.position),
});

class AgentBatch {
  readonly rows = new Map<string, AgentRow>();
  readonly owners = new PairChanges();
  readonly applications = new PairChanges();
  readonly deleted = new Set<string>();

  constructor(rows: readonly AgentRow[]) {
    for (const row of rows) this.rows.set(row.agent_id, { ...row });
  }

  apply(event: AgentEvent): void {
    const { agentId } = event.data;
    if (event.type === 'AgentProvisioned') {
      this.rows.set(agentId, freshRow(event));
      for (const { id, type } of event.data.owners) this.owners.set(agentId, id, type);
      for (const id of event.data.applicationIds ?? []) this.applications.set(agentId, id, 'Application');
    }
    if (event.type === 'AgentDeleted') {
      this.deleted.add(agentId);
      this.rows.delete(agentId);
      this.owners.forget(agentId);
      this.applications.forget(agentId);
    }
    const row = this.rows.get(agentId);
    if (row === undefined) return;
    row.revision = Number(event.revision);
    row.last_modified = event.metadata.at;
    if (event.type === 'AgentDeactivated' || event.type === 'AgentOrphaned') row.active = 0;
    if (event.type === 'AgentReactivated') row.active = 1;
    if (event.type === 'AgentHandedOver' && row.connection_id !== null) {
      Object.assign(row, handedOver(row, event.data.to));
    }
    if (event.type === 'AgentChanged') Object.assign(row, described(event.data.name, event.data.resource));
    if (event.type === 'AgentApplicationsChanged') {
      for (const id of event.data.removed) this.applications.set(agentId, id, undefined);
      for (const id of event.data.added) this.applications.set(agentId, id, 'Application');
    }
    if (event.type === 'AgentOwnersChanged') {
      for (const { id } of event.data.removed) this.owners.set(agentId, id, undefined);
      for (const { id, type } of event.data.added) this.owners.set(agentId, id, type);
    }
  }
}

const isAgentEvent = (event: RecordedEvent): event is AgentEvent => event.stream.startsWith('agent-');

/** Applies events of one tenant. */
export async function applyToAgents(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
  const ofAgents = events.filter(isAgentEvent);
  if (ofAgents.length === 0) return;
  const touched = new Set(ofAgents.map((event) => event.data.agentId));
  const batch = new AgentBatch(await rowsIn(trx, 'agents', tenant, 'agent_id', touched));
  for (const event of ofAgents) batch.apply(event);
  await putRows(trx, 'agents', ['tenant', 'agent_id'], [...batch.rows.values()]);
  for (const { left: agent_id, added, removed } of batch.owners.byLeft()) {
    await deleteRowsIn(trx, 'owners', { tenant, agent_id }, 'owner_id', removed);
    const rows = added.map(([owner_id, type]) => ({ tenant, agent_id, owner_id, type }));
    await putRows(trx, 'owners', ['tenant', 'agent_id', 'owner_id'], rows);
  }
  for (const { left: agent_id, added, removed } of batch.applications.byLeft()) {
    await deleteRowsIn(trx, 'agent_applications', { tenant, agent_id }, 'application_id', removed);
    const rows = added.map(([application_id]) => ({ tenant, agent_id, application_id }));
    await putRows(trx, 'agent_applications', ['tenant', 'agent_id', 'application_id'], rows);
  }
  await deleteRowsIn(trx, 'agents', { tenant }, 'agent_id', batch.deleted);
  await deleteRowsIn(trx, 'owners', { tenant }, 'agent_id', batch.deleted);
  await deleteRowsIn(trx, 'agent_applications', { tenant }, 'agent_id', batch.deleted);
}

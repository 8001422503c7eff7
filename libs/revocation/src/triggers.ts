// What takes access away: one line per event type; a type without a line does not compile.
import {
  DENIES,
  type CascadeSubject,
  type EventType,
  type HoldingType,
  type OwnerRef,
  type RecordedEvent,
} from '@app/events';
import { chunksOf, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import { denialsOf, denialsOfHeld, hasActiveOwner, subjectOf } from './denials.js';
import { heldOf, type HeldDb, type HeldRow } from './held-db.js';
import { groupsAbove } from './nested-groups.js';
import {
  distinct,
  groupLoss,
  held,
  membershipLost,
  requiring,
  roleGone,
  roleLost,
  withoutRequirement,
} from './requirement-losses.js';
import type { HoldingRow } from './revocation-db.js';
import { subjectsOf, type SubjectType } from './subjects.view.js';

type Db = Kysely<HeldDb>;
export type EventOf<T extends EventType> = Extract<RecordedEvent, { type: T }>;

/** What one fact took away: the holdings as the log stood at that fact. */
export interface Loss<Row extends HeldRow = HoldingRow> {
  readonly subject: CascadeSubject;
  readonly generation: number;
  readonly holdings: readonly Row[];
  /** Whether an empty loss is worth recording: somebody will ask why nothing was revoked. */
  readonly worthRecording: boolean;
}

/** What one fact took away, before it is said whether that is worth recording. */
export type Taken = Omit<Loss<HeldRow>, 'worthRecording'>;

type Trigger<T extends EventType> = (db: Db, event: EventOf<T>) => Promise<Taken | undefined>;

const heldByUser = (db: Db, tenant: string, userId: string): Promise<HeldRow[]> =>
  run(db, "select * from held_holdings where tenant = ? and state = 'held' and user_id = ?", [tenant, userId]);

async function heldByAgents(db: Db, tenant: string, agentIds: readonly string[]): Promise<HeldRow[]> {
  const found: HeldRow[] = [];
  for (const chunk of chunksOf(agentIds))
    found.push(...(await held(db, tenant).where('agent_id', 'in', chunk).execute()));
  return found;
}

async function generationOf(db: Db, tenant: string, type: SubjectType, id: string): Promise<number> {
  return (await subjectOf(subjectsOf(db), tenant, type, id))?.generation ?? 1;
}

/** The agents themselves and everything below them. */
async function withChildren(db: Db, tenant: string, agentIds: readonly string[]): Promise<string[]> {
  const all = new Set(agentIds);
  let layer = [...agentIds];
  while (layer.length > 0) {
    const children: string[] = [];
    for (const chunk of chunksOf(layer)) {
      const rows = await db
        .selectFrom('held_parents')
        .select('agent_id')
        .where('tenant', '=', tenant)
        .where('parent_id', 'in', chunk)
        .execute();
      for (const { agent_id } of rows) if (!all.has(agent_id)) children.push(agent_id);
    }
    for (const id of children) all.add(id);
    layer = children;
  }
  return [...all];
}

/** Agents that this owner owned and that nobody active owns now. */
async function orphansOf(db: Db, tenant: string, owner: OwnerRef): Promise<string[]> {
  const text = 'select agent_id from held_owners where tenant = ? and owner_type = ? and owner_id = ?';
  const owned = await run<{ agent_id: string }>(db, text, [tenant, owner.type, owner.id]);
  const orphans: string[] = [];
  for (const { agent_id } of owned)
    if (!(await hasActiveOwner(subjectsOf(db), tenant, agent_id))) orphans.push(agent_id);
  return orphans;
}

async function userGone(db: Db, tenant: string, userId: string): Promise<Taken> {
  const agents = await withChildren(db, tenant, await orphansOf(db, tenant, { type: 'User', id: userId }));
  const own = await heldByUser(db, tenant, userId);
  const ofAgents = await heldByAgents(db, tenant, agents);
  return {
    subject: { type: 'user', id: userId },
    generation: await generationOf(db, tenant, 'user', userId),
    holdings: ofAgents.length === 0 ? own : distinct([...own, ...ofAgents]),
  };
}

async function agentGone(db: Db, tenant: string, agentId: string): Promise<Taken> {
  return {
    subject: { type: 'agent', id: agentId },
    generation: await generationOf(db, tenant, 'agent', agentId),
    holdings: await heldByAgents(db, tenant, await withChildren(db, tenant, [agentId])),
  };
}

async function applicationGone(db: Db, tenant: string, applicationId: string): Promise<Taken> {
  const agents = await db
    .selectFrom('held_applications')
    .select('agent_id')
    .where('tenant', '=', tenant)
    .where('application_id', '=', applicationId)
    .execute();
  const all = await withChildren(
    db,
    tenant,
    agents.map(({ agent_id }) => agent_id),
  );
  return {
    subject: { type: 'application', id: applicationId },
    generation: await generationOf(db, tenant, 'application', applicationId),
    holdings: await heldByAgents(db, tenant, all),
  };
}

async function groupGone(db: Db, event: EventOf<'GroupDeleted'>): Promise<Taken> {
  const { tenant } = event.metadata;
  const { groupId } = event.data;
  const agents = await withChildren(db, tenant, await orphansOf(db, tenant, { type: 'Group', id: groupId }));
  const above: HeldRow[] = [];
  for (const group of await groupsAbove(subjectsOf(db), tenant, groupId)) {
    above.push(...(await requiring(db, tenant, group).execute()));
  }
  return groupLoss(groupId, [
    ...(await requiring(db, tenant, groupId).execute()),
    ...(await withoutRequirement(db, above)),
    ...(await heldByAgents(db, tenant, agents)),
  ]);
}

/** Whether somebody who is denied holds it, or somebody who lacks a group or role it requires. Unknown holders are denied. */
const isDenied = async (db: Db, row: HeldRow): Promise<boolean> =>
  (await denialsOfHeld(subjectsOf(db), row)).length > 0;

async function registeredWhileDenied(
  db: Db,
  event: RecordedEvent,
  type: HoldingType,
  id: string,
): Promise<Taken | undefined> {
  const { tenant } = event.metadata;
  const row = await held(db, tenant).where('holding_type', '=', type).where('holding_id', '=', id).executeTakeFirst();
  if (row === undefined || !(await isDenied(db, row))) return undefined;
  const generation =
    row.user_id === null
      ? await generationOf(db, tenant, 'agent', row.agent_id ?? '')
      : await generationOf(db, tenant, 'user', row.user_id);
  return { subject: { type, id }, generation, holdings: [row] };
}

const never = null;

const triggers: { readonly [T in EventType]: Trigger<T> | null } = {
  UserDeactivated: (db, e) => userGone(db, e.metadata.tenant, e.data.userId),
  UserDeleted: (db, e) => userGone(db, e.metadata.tenant, e.data.userId),
  GroupMembershipChanged: membershipLost,
  GroupDeleted: groupGone,
  RoleMembershipChanged: roleLost,
  RoleDeleted: roleGone,
  AgentDeactivated: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId),
  AgentDeleted: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId),
  AgentOrphaned: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId),
  CredentialRegistered: (db, e) => registeredWhileDenied(db, e, 'credential', e.data.credentialId),
  CredentialRotated: (db, e) => registeredWhileDenied(db, e, 'credential', e.data.credentialId),
  ScheduleRegistered: (db, e) => registeredWhileDenied(db, e, 'schedule', e.data.scheduleId),
  RunStarted: (db, e) => registeredWhileDenied(db, e, 'run', e.data.runId),
  ApplicationDeactivated: (db, e) => applicationGone(db, e.metadata.tenant, e.data.applicationId),
  ApplicationDeleted: (db, e) => applicationGone(db, e.metadata.tenant, e.data.applicationId),
  AgentApplicationsChanged: async (db, e) =>
    (await denialsOf(subjectsOf(db), e.metadata.tenant, { agentId: e.data.agentId })).length === 0
      ? undefined
      : agentGone(db, e.metadata.tenant, e.data.agentId),
  AgentOwnersChanged: async (db, e) =>
    (await hasActiveOwner(subjectsOf(db), e.metadata.tenant, e.data.agentId))
      ? undefined
      : agentGone(db, e.metadata.tenant, e.data.agentId),

  TenantCreated: never,
  ApiKeyIssued: never,
  ApiKeyRevoked: never,
  ConnectionOpened: never,
  ConnectionChanged: never,
  ConnectionTokenIssued: never,
  ConnectionTokenRevoked: never,
  ConnectionKeyRegistered: never,
  ConnectionKeyRevoked: never,
  ConnectionPaused: never,
  ConnectionResumed: never,
  ConnectionClosed: never,
  ConnectionOffboardingOrdered: never,
  ConnectionHandOverOrdered: never,
  ConnectionOrderCarriedOut: never,
  UserNameReserved: never,
  UserNameReleased: never,
  UserProvisioned: never,
  UserChanged: never,
  UserReactivated: never,
  UserHandedOver: never,
  GroupCreated: never,
  GroupChanged: never,
  GroupHandedOver: never,
  RoleDefined: never,
  MappingDrafted: never,
  MappingActivated: never,
  AgentProvisioned: never,
  AgentChanged: never,
  AgentReactivated: never,
  AgentHandedOver: never,
  ApplicationProvisioned: never,
  ApplicationChanged: never,
  ApplicationReactivated: never,
  ApplicationHandedOver: never,
  ResourceCreated: never,
  ResourceChanged: never,
  ResourceHandedOver: never,
  ResourceDeleted: never,
  ProviderConfigured: never,
  ProviderRemoved: never,
  CredentialReleased: never,
  ScheduleReleased: never,
  RunEnded: never,
  CascadeStarted: never,
  RevocationPlanned: never,
  NothingToRevoke: never,
  RevocationAcknowledged: never,
  RevocationVerified: never,
  VerificationFailed: never,
  VerificationDeferred: never,
  RevocationDeferred: never,
  RevocationParked: never,
  RevocationRetried: never,
  RevocationWaived: never,
  RevocationExpired: never,
  CascadeCompleted: never,
};

/**
 * The loss that this event causes, given holdings that have just applied it; undefined when it takes nothing away. The
 * relay plans it and the deny gate marks it, so that what is revoked and what is refused are the same.
 */
export async function lossOf<Db extends HeldDb>(
  db: Kysely<Db>,
  event: RecordedEvent,
): Promise<Loss<Db['held_holdings']> | undefined> {
  const trigger = triggers[event.type] as Trigger<EventType> | null;
  if (trigger === null) return undefined;
  const taken = await trigger(heldOf(db), event as EventOf<EventType>);
  if (taken === undefined) return undefined;
  // Rows are read whole: with the columns that each database has beside the common ones.
  const holdings = taken.holdings as readonly Db['held_holdings'][];
  return { ...taken, holdings, worthRecording: DENIES.has(event.type) };
}

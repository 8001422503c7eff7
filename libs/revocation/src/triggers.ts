// What takes access away: one line per event type; a type without a line does not compile.
import type { CascadeSubject, EventType, RecordedEvent } from '@app/events';
import type { Kysely } from 'kysely';
import { chunksOf } from './holdings.view.js';
import type { HoldingRow, RevocationDb } from './revocation-db.js';

type Db = Kysely<RevocationDb>;
type EventOf<T extends EventType> = Extract<RecordedEvent, { type: T }>;

/** What one fact took away: the holdings as the log stood at that fact. */
export interface Loss {
  readonly subject: CascadeSubject;
  readonly generation: number;
  readonly holdings: readonly HoldingRow[];
  /** Whether an empty loss is worth recording: somebody will ask why nothing was revoked. */
  readonly worthRecording: boolean;
}

type Trigger<T extends EventType> = (db: Db, event: EventOf<T>) => Promise<Loss | undefined>;

const held = (db: Db, tenant: string) =>
  db.selectFrom('held_holdings').selectAll().where('tenant', '=', tenant).where('state', '=', 'held');

const heldByUser = (db: Db, tenant: string, userId: string) => held(db, tenant).where('user_id', '=', userId).execute();

async function heldByAgents(db: Db, tenant: string, agentIds: readonly string[]): Promise<HoldingRow[]> {
  const found: HoldingRow[] = [];
  for (const chunk of chunksOf(agentIds)) found.push(...(await held(db, tenant).where('agent_id', 'in', chunk).execute()));
  return found;
}

async function generationOf(db: Db, tenant: string, id: string): Promise<number> {
  const row = await db
    .selectFrom('held_subjects')
    .select('generation')
    .where('tenant', '=', tenant)
    .where('subject_id', '=', id)
    .executeTakeFirst();
  return row?.generation ?? 1;
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

/** Whether any owner of the agent may still act: an active user, or a group that exists. */
export async function hasActiveOwner(db: Db, tenant: string, agentId: string): Promise<boolean> {
  const user = await db
    .selectFrom('held_owners')
    .innerJoin('held_subjects', (join) =>
      join
        .onRef('held_subjects.tenant', '=', 'held_owners.tenant')
        .onRef('held_subjects.subject_id', '=', 'held_owners.owner_id'),
    )
    .select('held_owners.owner_id')
    .where('held_owners.tenant', '=', tenant)
    .where('held_owners.agent_id', '=', agentId)
    .where('held_subjects.active', '=', 1)
    .executeTakeFirst();
  if (user !== undefined) return true;
  const group = await db
    .selectFrom('held_owners')
    .innerJoin('held_groups', (join) =>
      join.onRef('held_groups.tenant', '=', 'held_owners.tenant').onRef('held_groups.group_id', '=', 'held_owners.owner_id'),
    )
    .select('held_owners.owner_id')
    .where('held_owners.tenant', '=', tenant)
    .where('held_owners.agent_id', '=', agentId)
    .executeTakeFirst();
  return group !== undefined;
}

/** Agents that this owner owned and that nobody active owns now. */
async function orphansOf(db: Db, tenant: string, ownerId: string): Promise<string[]> {
  const owned = await db
    .selectFrom('held_owners')
    .select('agent_id')
    .where('tenant', '=', tenant)
    .where('owner_id', '=', ownerId)
    .execute();
  const orphans: string[] = [];
  for (const { agent_id } of owned) if (!(await hasActiveOwner(db, tenant, agent_id))) orphans.push(agent_id);
  return orphans;
}

const distinct = (rows: readonly HoldingRow[]): HoldingRow[] => [...new Map(rows.map((r) => [r.holding_id, r])).values()];

async function userGone(db: Db, tenant: string, userId: string): Promise<Loss> {
  const agents = await withChildren(db, tenant, await orphansOf(db, tenant, userId));
  return {
    subject: { type: 'user', id: userId },
    generation: await generationOf(db, tenant, userId),
    holdings: distinct([...(await heldByUser(db, tenant, userId)), ...(await heldByAgents(db, tenant, agents))]),
    worthRecording: true,
  };
}

async function agentGone(db: Db, tenant: string, agentId: string, worthRecording = true): Promise<Loss> {
  return {
    subject: { type: 'agent', id: agentId },
    generation: await generationOf(db, tenant, agentId),
    holdings: await heldByAgents(db, tenant, await withChildren(db, tenant, [agentId])),
    worthRecording,
  };
}

const groupLoss = (groupId: string, holdings: readonly HoldingRow[]): Loss => ({
  subject: { type: 'group', id: groupId },
  generation: 1,
  holdings: distinct(holdings),
  worthRecording: false,
});

const requiring = (db: Db, tenant: string, groupId: string) =>
  held(db, tenant).where('holding_id', 'in', (q) =>
    q.selectFrom('held_requirements').select('holding_id').where('tenant', '=', tenant).where('group_id', '=', groupId),
  );

async function membershipLost(db: Db, event: EventOf<'GroupMembershipChanged'>): Promise<Loss | undefined> {
  const { groupId, removed } = event.data;
  const { tenant } = event.metadata;
  const lost: HoldingRow[] = [];
  for (const chunk of chunksOf(removed.map((m) => m.id))) {
    lost.push(...(await requiring(db, tenant, groupId).where('user_id', 'in', chunk).execute()));
  }
  return groupLoss(groupId, lost);
}

async function groupGone(db: Db, event: EventOf<'GroupDeleted'>): Promise<Loss> {
  const { tenant } = event.metadata;
  const { groupId } = event.data;
  const agents = await withChildren(db, tenant, await orphansOf(db, tenant, groupId));
  return groupLoss(groupId, [
    ...(await requiring(db, tenant, groupId).execute()),
    ...(await heldByAgents(db, tenant, agents)),
  ]);
}

/** Whether somebody who is denied holds it, or somebody who lacks a group it requires. Unknown holders are denied. */
async function isDenied(db: Db, row: HoldingRow): Promise<boolean> {
  for (const id of [row.user_id, row.agent_id]) {
    if (id === null) continue;
    const subject = await db
      .selectFrom('held_subjects')
      .select('active')
      .where('tenant', '=', row.tenant)
      .where('subject_id', '=', id)
      .executeTakeFirst();
    if (subject?.active !== 1) return true;
  }
  if (row.agent_id !== null && !(await hasActiveOwner(db, row.tenant, row.agent_id))) return true;
  for (const group of JSON.parse(row.requires_groups) as string[]) {
    const member = await db
      .selectFrom('held_members')
      .select('member_id')
      .where('tenant', '=', row.tenant)
      .where('group_id', '=', group)
      .where('member_id', '=', row.user_id ?? '')
      .executeTakeFirst();
    if (member === undefined) return true;
  }
  return false;
}

async function registeredWhileDenied(
  db: Db,
  event: RecordedEvent,
  type: 'credential' | 'schedule' | 'run',
  id: string,
): Promise<Loss | undefined> {
  const { tenant } = event.metadata;
  const row = await held(db, tenant).where('holding_id', '=', id).executeTakeFirst();
  if (row === undefined || !(await isDenied(db, row))) return undefined;
  const generation = await generationOf(db, tenant, row.user_id ?? row.agent_id ?? '');
  return { subject: { type, id }, generation, holdings: [row], worthRecording: false };
}

const never = null;

const triggers: { readonly [T in EventType]: Trigger<T> | null } = {
  UserDeactivated: (db, e) => userGone(db, e.metadata.tenant, e.data.userId),
  UserDeleted: (db, e) => userGone(db, e.metadata.tenant, e.data.userId),
  GroupMembershipChanged: membershipLost,
  GroupDeleted: groupGone,
  AgentDeactivated: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId),
  AgentDeleted: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId),
  AgentOrphaned: (db, e) => agentGone(db, e.metadata.tenant, e.data.agentId, false),
  CredentialRegistered: (db, e) => registeredWhileDenied(db, e, 'credential', e.data.credentialId),
  CredentialRotated: (db, e) => registeredWhileDenied(db, e, 'credential', e.data.credentialId),
  ScheduleRegistered: (db, e) => registeredWhileDenied(db, e, 'schedule', e.data.scheduleId),
  RunStarted: (db, e) => registeredWhileDenied(db, e, 'run', e.data.runId),
  AgentOwnersChanged: async (db, e) =>
    (await hasActiveOwner(db, e.metadata.tenant, e.data.agentId))
      ? undefined
      : agentGone(db, e.metadata.tenant, e.data.agentId, false),

  TenantCreated: never,
  ApiKeyIssued: never,
  ApiKeyRevoked: never,
  ConnectionOpened: never,
  ConnectionTokenIssued: never,
  ConnectionTokenRevoked: never,
  ConnectionPaused: never,
  ConnectionResumed: never,
  ConnectionClosed: never,
  UserNameReserved: never,
  UserNameReleased: never,
  UserProvisioned: never,
  UserChanged: never,
  UserReactivated: never,
  GroupCreated: never,
  GroupChanged: never,
  AgentProvisioned: never,
  AgentChanged: never,
  AgentReactivated: never,
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

/** The loss that this event causes, given holdings that have just applied it; undefined when it takes nothing away. */
export async function lossOf(db: Db, event: RecordedEvent): Promise<Loss | undefined> {
  const trigger = triggers[event.type] as Trigger<EventType> | null;
  return trigger === null ? undefined : trigger(db, event as EventOf<EventType>);
}

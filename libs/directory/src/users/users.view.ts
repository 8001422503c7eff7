// Applies the events of users: rows with what their sealed attributes say, gone with the user.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, patchRows, putRows, rowsIn } from '@app/runtime';
import type { Vault } from '@app/vault';
import { foldCase } from '@app/scim';
import type { Trx, UserRow } from '../directory-db.js';
import type { Attributes } from '../user.commands.js';
import { handedOver } from '../view/handed-over.js';
import { openSealed, type Seal } from './sealed-attributes.js';

type UserEvent = Extract<RecordedEvent, { data: { userId: string }; type: `User${string}` }>;
/** Of an agent that may be one that is pushed as a user. */
type AgentEvent = Extract<RecordedEvent, { type: `Agent${string}` }>;

interface Draft {
  row: UserRow;
  /** The newest sealed resource of the batch; without one only the state of a stored row has changed. */
  sealed?: { value: string; eventType: Seal['eventType'] };
  /** The connection that it was handed over to after the newest attributes of the batch. */
  handedTo?: string | undefined;
}

const textOr = <F>(value: unknown, otherwise: F): string | F => (typeof value === 'string' ? value : otherwise);

/** @param attributes in JSON */
const described = (attributes: string) => {
  const { userName: name, displayName: shown, externalId } = JSON.parse(attributes) as Attributes;
  const userName = textOr(name, '');
  const displayName = textOr(shown, null);
  return {
    user_name_ci: foldCase(userName),
    display_name_ci: displayName === null ? null : foldCase(displayName),
    external_id: textOr(externalId, null),
    display: displayName ?? userName,
    attributes,
  };
};

const freshRow = (
  event: Extract<UserEvent | AgentEvent, { type: `${string}Provisioned` }>,
  user: { readonly user_id: string; readonly data_key_id: string },
): UserRow => ({
  tenant: event.metadata.tenant,
  connection_id: event.metadata.connection ?? null,
  ...user,
  ...described('{}'),
  active: Number(event.data.active),
  created: event.metadata.at,
  last_modified: event.metadata.at,
  revision: 0,
  seq: Number(event.position),
});

/** The columns that change without the attributes. */
const STATE = { active: 'integer', last_modified: 'text', revision: 'integer' } as const;

class UserDrafts {
  readonly drafts = new Map<string, Draft>();
  /** Data keys of the deleted, by user. */
  readonly deleted = new Map<string, string | undefined>();

  constructor(rows: readonly UserRow[]) {
    for (const row of rows) this.drafts.set(row.user_id, { row: { ...row } });
  }

  apply(event: UserEvent): void {
    const { userId } = event.data;
    if (event.type === 'UserProvisioned') {
      this.drafts.set(userId, { row: freshRow(event, { user_id: userId, data_key_id: event.data.dataKeyId }) });
    }
    const draft = this.drafts.get(userId);
    if (event.type === 'UserDeleted') {
      this.deleted.set(userId, draft?.row.data_key_id);
      this.drafts.delete(userId);
      return;
    }
    if (draft === undefined) return;
    touch(draft, event);
    if (event.type === 'UserDeactivated') draft.row.active = 0;
    if (event.type === 'UserReactivated') draft.row.active = 1;
    if (event.type === 'UserProvisioned' || event.type === 'UserChanged') {
      draft.sealed = { value: event.data.sealed, eventType: event.type };
      draft.handedTo = undefined;
    }
    if (event.type === 'UserHandedOver') draft.handedTo = draft.row.connection_id = event.data.to;
  }

  applyAgent(event: AgentEvent): void {
    const { agentId } = event.data;
    if (event.type === 'AgentProvisioned' && event.data.user !== undefined) {
      this.drafts.set(agentId, { row: freshRow(event, { user_id: agentId, data_key_id: event.data.user.dataKeyId }) });
    }
    const draft = this.drafts.get(agentId);
    if (draft === undefined) return;
    if (event.type === 'AgentDeleted') {
      this.deleted.set(agentId, draft.row.data_key_id);
      this.drafts.delete(agentId);
      return;
    }
    touch(draft, event);
    if (event.type === 'AgentDeactivated' || event.type === 'AgentOrphaned') draft.row.active = 0;
    if (event.type === 'AgentReactivated') draft.row.active = 1;
    if ((event.type === 'AgentProvisioned' || event.type === 'AgentChanged') && event.data.user !== undefined) {
      draft.sealed = { value: event.data.user.sealed, eventType: event.type };
      draft.handedTo = undefined;
    }
    if (event.type === 'AgentHandedOver') draft.handedTo = draft.row.connection_id = event.data.to;
  }
}

function touch({ row }: Draft, event: RecordedEvent): void {
  row.revision = Number(event.revision);
  row.last_modified = event.metadata.at;
}

const isWhole = ({ sealed, handedTo }: Draft): boolean => sealed !== undefined || handedTo !== undefined;

/** @returns false when the key was erased: the deletion follows in the log, and no row must appear until then */
async function unseal({ row, sealed }: Draft, vault: Vault): Promise<boolean> {
  if (sealed === undefined) return true;
  const seal = { tenant: row.tenant, userId: row.user_id, dataKeyId: row.data_key_id, eventType: sealed.eventType };
  const attributes = await openSealed(vault, seal, sealed.value);
  if (attributes === undefined) return false;
  Object.assign(row, described(attributes));
  return true;
}

const isUserEvent = (event: RecordedEvent): event is UserEvent =>
  event.stream.startsWith('user-') && 'userId' in event.data;

const isAgentEvent = (event: RecordedEvent): event is AgentEvent => event.stream.startsWith('agent-');

/** Applies events of one tenant. Erases the data keys of the deleted before the batch counts as applied. */
export async function applyToUsers(trx: Trx, vault: Vault, tenant: string, events: readonly RecordedEvent[]) {
  const ofUsers = events.filter(isUserEvent);
  const ofAgents = events.filter(isAgentEvent);
  if (ofUsers.length + ofAgents.length === 0) return;
  const provisioned = new Set(ofUsers.filter((e) => e.type === 'UserProvisioned').map((e) => e.data.userId));
  const touched = [...ofUsers.map((e) => e.data.userId), ...ofAgents.map((e) => e.data.agentId)];
  const known = new Set(touched.filter((id) => !provisioned.has(id)));
  const batch = new UserDrafts(await rowsIn(trx, 'users', tenant, 'user_id', known));
  for (const event of ofUsers) batch.apply(event);
  for (const event of ofAgents) batch.applyAgent(event);
  const drafts = [...batch.drafts.values()];
  const { whole = [], state = [] } = Object.groupBy(drafts, (draft) => (isWhole(draft) ? 'whole' : 'state'));
  const readable = await Promise.all(whole.map((draft) => unseal(draft, vault)));
  const rowsOf = (some: readonly Draft[]) => some.map((draft) => draft.row);
  for (const { row, handedTo } of whole) if (handedTo !== undefined) Object.assign(row, handedOver(row, handedTo));
  await putRows(trx, 'users', ['tenant', 'user_id'], rowsOf(whole.filter((_, i) => readable[i])));
  await patchRows(trx, 'users', { tenant, id: 'user_id' }, STATE, rowsOf(state));
  await deleteRowsIn(trx, 'users', { tenant }, 'user_id', batch.deleted.keys());
  await deleteRowsIn(trx, 'members', { tenant }, 'member_id', batch.deleted.keys());
  for (const key of batch.deleted.values()) if (key !== undefined) await vault.eraseDataKey(key);
}

// Whose roles a batch of events may change: the cost of an evaluation is that of what changed.
import type { EventData, EventType, RecordedEvent } from '@app/events';
import { asksForGroups, type InForce } from './membership.js';
import type { People } from './people.js';

export interface Affected {
  /** A role or the rules themselves have changed: the event that did it. */
  readonly everybody: RecordedEvent | undefined;
  /** User ids, each with the first event of the batch that concerns them. */
  readonly some: ReadonlyMap<string, RecordedEvent>;
}

/** User ids, or everybody of the tenant. */
type Concerned = readonly string[] | 'everybody';

interface Known {
  readonly inForce: InForce;
  readonly people: People;
}

type Look<T extends EventType> = (
  event: Extract<RecordedEvent, { type: T }>,
  known: Known,
) => Concerned | Promise<Concerned>;

const user = ({ data }: { readonly data: { readonly userId: string } }) => [data.userId];
/** It may be one that is pushed as a user; of any other nobody is found. */
const agent = ({ data }: { readonly data: { readonly agentId: string } }) => [data.agentId];
const pushed = ({ data }: { readonly data: { readonly agentId: string; readonly user?: object } }) =>
  data.user === undefined ? [] : [data.agentId];

/** A type without a line changes nobody's roles. */
const looks: { readonly [T in EventType]?: Look<T> } = {
  UserProvisioned: user,
  UserChanged: user,
  UserDeactivated: user,
  UserReactivated: user,
  UserHandedOver: user,
  UserDeleted: user,
  AgentProvisioned: pushed,
  AgentChanged: pushed,
  AgentDeactivated: agent,
  AgentReactivated: agent,
  AgentOrphaned: agent,
  AgentHandedOver: agent,
  AgentDeleted: agent,
  RoleDefined: ({ data }, { inForce }) => (changesNothing(data, inForce) ? [] : 'everybody'),
  MappingActivated: () => 'everybody',
  GroupMembershipChanged: ({ data, metadata }, { inForce, people }) =>
    asksForGroups(inForce) ? people.among(metadata.tenant, [...data.added, ...data.removed]) : [],
  GroupChanged: ({ data, metadata }, { inForce, people }) =>
    data.changed.includes('displayName') && asksForGroups(inForce) ? people.inGroup(metadata.tenant, data.groupId) : [],
  GroupHandedOver: ({ data, metadata }, { inForce, people }) =>
    asksForGroups(inForce) ? people.inGroup(metadata.tenant, data.groupId) : [],
  GroupDeleted: ({ data, metadata }, { inForce, people }) =>
    asksForGroups(inForce) ? people.wereInGroup(metadata.tenant, data.groupId) : [],
};

export const isRoleWork = ({ type }: RecordedEvent): boolean => Object.hasOwn(looks, type);

/** @param people of a view that has applied the events */
export async function affectedBy(
  events: readonly RecordedEvent[],
  inForce: InForce,
  people: People,
): Promise<Affected> {
  const some = new Map<string, RecordedEvent>();
  let everybody: RecordedEvent | undefined;
  for (const event of events) {
    const look = looks[event.type] as Look<EventType> | undefined;
    const ids = (await look?.(event, { inForce, people })) ?? [];
    if (ids === 'everybody') everybody ??= event;
    else for (const id of ids) if (!some.has(id)) some.set(id, event);
  }
  return { everybody, some };
}

/** Nobody has it, and nothing gives it. */
const changesNothing = ({ roleId, condition }: EventData['RoleDefined'], { roles, active }: InForce): boolean =>
  condition === undefined && active === undefined && (roles.get(roleId)?.members.size ?? 0) === 0;

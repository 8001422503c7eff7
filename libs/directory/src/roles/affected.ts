// Whose roles a batch of events may change: the cost of an evaluation is that of what changed.
import type { EventData, RecordedEvent } from '@app/events';
import { asksForGroups } from './membership.js';
import type { People } from './people.js';
import type { Roles } from './roles.js';

export interface Affected {
  /** A role or the rules themselves have changed: the event that did it. */
  readonly everybody: RecordedEvent | undefined;
  /** User ids, each with the first event of the batch that concerns them. */
  readonly some: ReadonlyMap<string, RecordedEvent>;
}

const WORK =
  /^(UserProvisioned|UserChanged|UserDeactivated|UserReactivated|UserHandedOver|UserDeleted|Agent(?!Own|App).*|Group.*|RoleDefined|MappingActivated)$/;

export const isRoleWork = ({ type }: RecordedEvent): boolean => WORK.test(type);

/** @param people of a view that has applied the events */
export async function affectedBy(events: readonly RecordedEvent[], state: Roles, people: People): Promise<Affected> {
  const some = new Map<string, RecordedEvent>();
  let everybody: RecordedEvent | undefined;
  for (const event of events) {
    const ids = await concerned(event, state, people);
    if (ids === 'everybody') everybody ??= event;
    else for (const id of ids) if (!some.has(id)) some.set(id, event);
  }
  return { everybody, some };
}

async function concerned(event: RecordedEvent, state: Roles, people: People): Promise<readonly string[] | 'everybody'> {
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'UserProvisioned':
    case 'UserChanged':
    case 'UserDeactivated':
    case 'UserReactivated':
    case 'UserHandedOver':
    case 'UserDeleted':
      return [event.data.userId];
    case 'AgentProvisioned':
    case 'AgentChanged':
      return event.data.user === undefined ? [] : [event.data.agentId];
    case 'AgentDeactivated':
    case 'AgentReactivated':
    case 'AgentOrphaned':
    case 'AgentDeleted':
      // It may be one that is pushed as a user; of any other nobody is found.
      return [event.data.agentId];
    case 'RoleDefined':
      return changesNothing(event.data, state) ? [] : 'everybody';
    case 'MappingActivated':
      return 'everybody';
    case 'GroupMembershipChanged':
      if (!asksForGroups(state)) return [];
      return people.among(tenant, [...event.data.added, ...event.data.removed]);
    case 'GroupChanged':
      if (!event.data.changed.includes('displayName') || !asksForGroups(state)) return [];
      return people.inGroup(tenant, event.data.groupId);
    case 'GroupDeleted':
      return asksForGroups(state) ? people.wereInGroup(tenant, event.data.groupId) : [];
    default:
      return [];
  }
}

/** Nobody has it, and nothing gives it. */
const changesNothing = ({ roleId, condition }: EventData['RoleDefined'], { roles, active }: Roles): boolean =>
  condition === undefined && active === undefined && (roles.get(roleId)?.members.size ?? 0) === 0;

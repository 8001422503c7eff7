// A group as the fold of its stream: its attributes and who is in it.
import type { AnyEvent, MemberRef, NewEvent } from '@app/events';
import { newEvent, STATE_BYTES, type Aggregate, type EventContext } from '@app/event-log';
import type { Members } from '../group.commands.js';
import { withoutExternalId } from '../scope.js';
import type { Attributes } from '../user.commands.js';

export interface Group {
  readonly status: 'none' | 'present' | 'deleted';
  /** The connection that provisioned it; undefined: the platform. */
  readonly connection: string | undefined;
  readonly resource: Attributes;
  /** Changed in place: a copy per event would make a change cost the size of the group. */
  readonly members: Map<string, MemberRef['type']>;
  readonly created: string;
  readonly lastModified: string;
}

/** A change with members that are known to exist. */
export interface GroupDelta {
  readonly attributes: Attributes;
  readonly changed: readonly string[];
  readonly added: readonly MemberRef[];
  readonly removed: readonly string[];
}

export const MEMBERS_PER_EVENT = 2_000;
/** Keeps one append below the limit of the log; a larger change is several appends. */
export const MEMBERS_PER_APPEND = 6 * MEMBERS_PER_EVENT;

/** In memory: its id, and its place in the map. */
const MEMBER_BYTES = 100;

function evolve(group: Group, event: AnyEvent): Group {
  const { at, connection } = event.metadata;
  switch (event.type) {
    case 'GroupCreated':
      return {
        status: 'present',
        connection,
        resource: event.data.resource,
        members: new Map(),
        created: at,
        lastModified: at,
      };
    case 'GroupChanged':
      return { ...group, resource: event.data.resource, lastModified: at };
    case 'GroupMembershipChanged':
      for (const { id } of event.data.removed) group.members.delete(id);
      for (const { id, type } of event.data.added) group.members.set(id, type);
      return { ...group, lastModified: at };
    case 'GroupHandedOver':
      return { ...group, connection: event.data.to, resource: withoutExternalId(group.resource), lastModified: at };
    case 'GroupDeleted':
      return { ...group, status: 'deleted', resource: {}, members: new Map(), lastModified: at };
    default:
      return group;
  }
}

export const groupAggregate: Aggregate<Group> = {
  initial: () => ({
    status: 'none',
    connection: undefined,
    resource: {},
    members: new Map(),
    created: '',
    lastModified: '',
  }),
  evolve,
  sizeOf: ({ members }) => STATE_BYTES + members.size * MEMBER_BYTES,
};

export const membersOf = ({ members }: Group): Members => ({
  size: members.size,
  has: (id) => members.has(id),
  ids: () => members.keys(),
  typeOf: (id) => members.get(id),
});

const displayNameOf = (attributes: Attributes): string =>
  typeof attributes.displayName === 'string' ? attributes.displayName : '';

export const createGroup = (groupId: string, resource: Attributes, context: EventContext): NewEvent =>
  newEvent('GroupCreated', { groupId, displayName: displayNameOf(resource), resource: { ...resource } }, context);

/**
 * What a change records; nothing for members that are in already or not in at all. Removals come first: they take access away.
 * @returns `rest`: what did not fit into one append
 */
export function changeGroup(
  group: Group,
  groupId: string,
  { attributes, changed, added, removed }: GroupDelta,
  context: EventContext,
): { events: NewEvent[]; rest: boolean } {
  const events: NewEvent[] = [];
  if (changed.length > 0) {
    const data = {
      groupId,
      displayName: displayNameOf(attributes),
      resource: { ...attributes },
      changed: [...changed],
    };
    events.push(newEvent('GroupChanged', data, context));
  }
  const steps = [
    ...[...new Set(removed)].flatMap((id) => {
      const type = group.members.get(id);
      return type === undefined ? [] : [{ gone: true, ref: { id, type } }];
    }),
    ...[...new Map(added.map((ref) => [ref.id, ref])).values()]
      .filter(({ id }) => !group.members.has(id))
      .map((ref) => ({ gone: false, ref })),
  ];
  const fitting = Math.min(steps.length, MEMBERS_PER_APPEND);
  for (let start = 0; start < fitting; start += MEMBERS_PER_EVENT) {
    const part = steps.slice(start, Math.min(start + MEMBERS_PER_EVENT, fitting));
    const refs = (gone: boolean): MemberRef[] => part.filter((step) => step.gone === gone).map((step) => step.ref);
    events.push(newEvent('GroupMembershipChanged', { groupId, added: refs(false), removed: refs(true) }, context));
  }
  return { events, rest: steps.length > fitting };
}

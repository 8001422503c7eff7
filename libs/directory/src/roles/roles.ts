// The roles of a tenant as the fold of one stream: what they are, what gives them, and who has them in which ways.
import type { AnyEvent, EventData, MappingRule, RoleKind } from '@app/events';
import { STATE_BYTES, type Aggregate } from '@app/event-log';

export interface Role {
  readonly name: string;
  readonly kind: RoleKind;
  /** A filter: then it alone decides who has the role. */
  readonly condition: string | undefined;
  /** The ways in which each user has the role, in order, separated by spaces. Changed in place. */
  readonly members: Map<string, string>;
}

export interface Mapping {
  readonly mappingId: string;
  readonly name: string;
  readonly rules: readonly MappingRule[];
  readonly created: string;
}

/** In memory: the id of the user, its ways, and its place in the map. */
const MEMBERSHIP_BYTES = 150;

/** Folded in place: a copy per event would make a change cost the size of the tenant. */
export interface Roles {
  readonly roles: Map<string, Role>;
  readonly mappings: Map<string, Mapping>;
  /** The mapping whose rules are in force. */
  active: Mapping | undefined;
}

export const rolesAggregate: Aggregate<Roles> = {
  initial: () => ({ roles: new Map(), mappings: new Map(), active: undefined }),

  evolve(state: Roles, event: AnyEvent): Roles {
    switch (event.type) {
      case 'RoleDefined': {
        const { roleId, name, kind, condition } = event.data;
        const members = state.roles.get(roleId)?.members ?? new Map<string, string>();
        state.roles.set(roleId, { name, kind, condition, members });
        return state;
      }
      case 'RoleDeleted':
        state.roles.delete(event.data.roleId);
        return state;
      case 'MappingDrafted':
        state.mappings.set(event.data.mappingId, { ...event.data, created: event.metadata.at });
        return state;
      case 'MappingActivated':
        state.active = state.mappings.get(event.data.mappingId);
        return state;
      case 'RoleMembershipChanged':
        changeMembers(state, event.data);
        return state;
      default:
        return state;
    }
  },

  sizeOf({ roles }: Roles): number {
    const memberships = [...roles.values()].reduce((sum, { members }) => sum + members.size, 0);
    return STATE_BYTES * (1 + roles.size) + memberships * MEMBERSHIP_BYTES;
  },
};

function changeMembers({ roles }: Roles, { roleId, ...change }: EventData['RoleMembershipChanged']): void {
  const members = roles.get(roleId)?.members;
  if (members === undefined) return;
  for (const userId of change.removed) members.delete(userId);
  for (const { userId, sources } of [...change.added, ...change.changed]) members.set(userId, sources.join(' '));
}

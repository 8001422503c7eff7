// What a credential may require of its holder, under one kind of id: groups of the directory, and roles of the platform.
import type { EventData } from '@app/events';

/** Ids of roles are chosen by people: one that equals the id of a group must not become that group. */
export const requirementOfRole = (roleId: string): string => `role:${roleId}`;

/** The role was made for a condition, by the directory, which gives such ids to nothing else. */
const CONDITION = /^role:condition-/;
const ROLE = /^role:/;

export const requirementsOf = ({
  requiresGroups,
  requiresRoles = [],
}: Pick<EventData['CredentialRegistered'], 'requiresGroups' | 'requiresRoles'>): string[] => [
  ...requiresGroups,
  ...requiresRoles.map(requirementOfRole),
];

export type MissingRequirement =
  /** The person is not in a group that the credential requires, neither directly nor through another group. */
  | 'group_missing'
  /** The person does not have a role that the credential requires. */
  | 'role_missing'
  /** A condition that the credential requires does not hold for the person. */
  | 'condition_unmet';

export function reasonOf(requirement: string): MissingRequirement {
  if (CONDITION.test(requirement)) return 'condition_unmet';
  return ROLE.test(requirement) ? 'role_missing' : 'group_missing';
}

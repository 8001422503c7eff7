// The rule of a connection that says which of the users it pushes are agents: a filter, asked once, when they are provisioned.
import type { ScimAttributes } from '@app/scim';
import { InvalidPolicy } from '../directory.errors.js';
import { conditionOf, normalCondition } from '../roles/conditions.js';
import type { UserWrite } from '../user.commands.js';

/** A rule in its one normal form. @throws InvalidPolicy with a sentence that says what is wrong */
export function normalAgentRule(text: string): string {
  const rule = normalCondition(text);
  if (conditionOf(rule).asksForGroups) {
    throw new InvalidPolicy(
      'A user is in no group when it is provisioned: let "agentWhen" ask for an attribute that comes with the user.',
    );
  }
  return rule;
}

export const isAgent = (rule: string | undefined, { attributes, active }: UserWrite): boolean =>
  rule !== undefined && conditionOf(rule).holds({ attributes: { ...(attributes as ScimAttributes), active } });

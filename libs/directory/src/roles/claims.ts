// What the claims of a person give: the names that templates make of their attributes, and the roles of those names.
import type { ClaimRule, MappingRule } from '@app/events';
import { foldCase } from '@app/scim';
import { InvalidPolicy } from '../directory.errors.js';
import { namesFrom, TemplateTooCostly, type ReadingBudget } from './templates.js';

export const isClaimRule = (rule: MappingRule): rule is ClaimRule => 'claim' in rule;

/** The ids of the roles that these names give by the rule. */
export function rolesOfNames(
  { role, claim: { equals, ignoreCase = false } }: ClaimRule,
  names: readonly string[],
): string[] {
  if (role === undefined) return [...names];
  if (equals === undefined) return names.length > 0 ? [role] : [];
  const fold = ignoreCase ? foldCase : (name: string) => name;
  return names.some((name) => fold(name) === fold(equals)) ? [role] : [];
}

/** The roles that a claim gives; none where the template does too much, or cannot be read any more: what is in doubt is denied. */
export function claimedRoles(
  rule: ClaimRule,
  attributes: Readonly<Record<string, unknown>>,
  budget: ReadingBudget,
): string[] {
  try {
    return rolesOfNames(rule, namesFrom(rule.claim.template, attributes, budget));
  } catch (error) {
    if (error instanceof TemplateTooCostly || error instanceof InvalidPolicy) return [];
    throw error;
  }
}

/** Whether the template can see the groups of a person. */
export const mentionsGroups = ({ claim }: ClaimRule): boolean => /groups/.test(claim.template);

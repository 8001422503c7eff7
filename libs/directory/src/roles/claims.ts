// What the claims of a person give: the names that templates make of their attributes, and the roles of those names.
import type { ClaimRule, MappingRule } from '@app/events';
import { foldCase } from '@app/scim';
import { InvalidPolicy } from '../directory.errors.js';
import type { Role } from './roles.js';
import { namesFrom, TemplateTooCostly, type ReadingBudget } from './templates.js';

export const isClaimRule = (rule: MappingRule): rule is ClaimRule => 'claim' in rule;

/** Finds the roles that mappings may give by their ids: who has any other is decided by its condition alone. */
export class GivableRoles {
  private byFoldedId: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(private readonly roles: ReadonlyMap<string, Pick<Role, 'condition'>>) {}

  /** @param ignoreCase whether `Prod` is `prod` too, and then maybe several roles */
  called(name: string, ignoreCase: boolean): readonly string[] {
    if (!ignoreCase) return this.has(name) ? [name] : [];
    this.byFoldedId ??= Map.groupBy(
      [...this.roles.keys()].filter((id) => this.has(id)),
      foldCase,
    );
    return this.byFoldedId.get(foldCase(name)) ?? [];
  }

  private has(id: string): boolean {
    const role = this.roles.get(id);
    return role !== undefined && role.condition === undefined;
  }
}

/** The roles that these names give by the rule. */
function rolesOfNames(
  { role, claim: { equals, ignoreCase = false } }: ClaimRule,
  names: readonly string[],
  roles: GivableRoles,
): readonly string[] {
  if (role === undefined) return names.flatMap((name) => roles.called(name, ignoreCase));
  if (equals === undefined) return names.length > 0 ? [role] : [];
  const fold = ignoreCase ? foldCase : (name: string) => name;
  return names.some((name) => fold(name) === fold(equals)) ? [role] : [];
}

/** The roles that a claim gives; none where the template does too much, or cannot be read any more: what is in doubt is denied. */
export function claimedRoles(
  rule: ClaimRule,
  attributes: Readonly<Record<string, unknown>>,
  roles: GivableRoles,
  budget: ReadingBudget,
): readonly string[] {
  try {
    return rolesOfNames(rule, namesFrom(rule.claim.template, attributes, budget), roles);
  } catch (error) {
    if (error instanceof TemplateTooCostly || error instanceof InvalidPolicy) return [];
    throw error;
  }
}

/** Whether the template can see the groups of a person. */
export const mentionsGroups = ({ claim }: ClaimRule): boolean => /groups/.test(claim.template);

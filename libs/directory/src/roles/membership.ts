// Who has which role and why: one pure answer for what happens, and for the diff that shows it before it happens.
import type { ClaimRule, GroupRule, MappingRule, RoleMember } from '@app/events';
import { foldCase, type ScimAttributes, type ScimValue } from '@app/scim';
import type { UserWithGroups } from '../directory.queries.js';
import type { MappingTest, TriedPerson } from '../role.queries.js';
import { claimedRoles, GivableRoles, isClaimRule, mentionsGroups } from './claims.js';
import type { ConditionOf } from './conditions.js';
import type { Role, Roles } from './roles.js';
import { namesFrom, ReadingBudget, TemplateTooCostly } from './templates.js';

/** A person as the directory knows them. */
export interface Person {
  readonly userId: string;
  /** Absent when there is nobody of this id any more. */
  readonly found?: Pick<UserWithGroups, 'attributes' | 'active' | 'groups'>;
}

export interface RoleChange {
  readonly roleId: string;
  readonly added: readonly RoleMember[];
  /** Still have it, in other ways. */
  readonly changed: readonly RoleMember[];
  readonly removed: readonly string[];
}

export const MANUAL = 'manual';
const CONDITION = 'condition';
const CLAIM = 'claim';
const SCIM = 'scim:';

export const sourcesOf = (kept: string): string[] => kept.split(' ');

/** A role, and whose groups give it; anybody's when no connection is named. */
interface Gift {
  readonly role: string;
  readonly connection: string | undefined;
}

/** What a group gives. */
interface GroupIndex {
  readonly byId: ReadonlyMap<string, readonly Gift[]>;
  readonly byName: ReadonlyMap<string, readonly Gift[]>;
  readonly byFoldedName: ReadonlyMap<string, readonly Gift[]>;
}

type Rules = readonly MappingRule[];

const indexed = new WeakMap<Rules, GroupIndex>();

function indexOf(all: Rules): GroupIndex {
  let index = indexed.get(all);
  if (index === undefined) {
    const rules = all.filter((rule): rule is GroupRule => 'group' in rule);
    const by = (keyOf: (group: GroupRule['group']) => string | undefined) => {
      const keyed = rules
        .map(({ group, role }) => {
          const connection = 'displayName' in group ? group.connection : undefined;
          return { key: keyOf(group), role, connection };
        })
        .filter(({ key }) => key !== undefined);
      return Map.groupBy(keyed, ({ key }) => key as string);
    };
    index = {
      byId: by((group) => ('id' in group ? group.id : undefined)),
      byName: by((group) => ('displayName' in group && group.ignoreCase !== true ? group.displayName : undefined)),
      byFoldedName: by((group) =>
        'displayName' in group && group.ignoreCase === true ? foldCase(group.displayName) : undefined,
      ),
    };
    indexed.set(all, index);
  }
  return index;
}

/** What decides who has which role. */
export interface InForce extends Pick<Roles, 'roles' | 'active'> {
  readonly conditionOf: ConditionOf;
}

/** Whether somebody's groups can give or take roles. */
export function asksForGroups(inForce: InForce): boolean {
  const { active } = inForce;
  if (active?.rules.some((rule) => 'group' in rule) === true) return true;
  if (active?.rules.some((rule) => isClaimRule(rule) && mentionsGroups(rule)) === true) return true;
  return conditionedRoles(inForce).some(({ condition }) => condition?.asksForGroups === true);
}

/** The ways in which rules give roles to a person. */
function mappedRoles(
  rules: Rules,
  found: NonNullable<Person['found']>,
  givable: GivableRoles,
): Map<string, Set<string>> {
  const given = new Map<string, Set<string>>();
  const give = (role: string, source: string) => {
    const sources = given.get(role);
    if (sources === undefined) given.set(role, new Set([source]));
    else sources.add(source);
  };
  const { byId, byName, byFoldedName } = indexOf(rules);
  for (const { id, display = '', connection: by } of found.groups) {
    const folded = byFoldedName.size === 0 ? undefined : byFoldedName.get(foldCase(display));
    for (const gifts of [byId.get(id), byName.get(display), folded]) {
      for (const { role, connection = by } of gifts ?? []) if (connection === by) give(role, `${SCIM}${id}`);
    }
  }
  const claims = rules.filter(isClaimRule);
  const data = claims.length === 0 ? {} : templateData(found);
  const budget = new ReadingBudget();
  for (const rule of claims) for (const role of claimedRoles(rule, data, givable, budget)) give(role, CLAIM);
  return given;
}

/** What templates see of a person: the attributes, and the groups when they ask for them by name. */
function templateData({ attributes, active, groups }: NonNullable<Person['found']>): Record<string, unknown> {
  const data = { ...attributes, active };
  // Not listed with the attributes: a template that does not say "groups" must not depend on them.
  const value = groups.map(({ id, display }) => ({ value: id, display }));
  return Object.defineProperty(data, 'groups', { value, enumerable: false });
}

/** How a person is shown to conditions. */
function subjectOf(userId: string, { attributes, active, groups }: NonNullable<Person['found']>) {
  const refs = groups.map(({ id, display }): ScimValue => ({
    value: id,
    ...(display === undefined ? {} : { display }),
  }));
  return { id: userId, attributes: { ...(attributes as ScimAttributes), active }, groups: refs };
}

const conditionedRoles = ({ roles, conditionOf }: InForce) =>
  [...roles].map(([roleId, { condition, members }]) => ({
    roleId,
    members,
    condition: condition === undefined ? undefined : conditionOf(condition, `role ${roleId}`),
  }));

/** What differs between who has the roles and who should, among these people. */
export function membershipChanges(inForce: InForce, people: readonly Person[]): RoleChange[] {
  const { active } = inForce;
  const roles = conditionedRoles(inForce);
  const givable = new GivableRoles(inForce.roles);
  const changes = new Map<string, { added: RoleMember[]; changed: RoleMember[]; removed: string[] }>();
  for (const { userId, found } of people) {
    const mapped = found === undefined || active === undefined ? undefined : mappedRoles(active.rules, found, givable);
    const subject = found === undefined ? undefined : subjectOf(userId, found);
    for (const { roleId, members, condition } of roles) {
      const before = members.get(userId);
      const sources = new Set<string>();
      if (subject !== undefined && condition !== undefined) {
        if (condition.holds(subject)) sources.add(CONDITION);
      } else if (subject !== undefined) {
        for (const source of mapped?.get(roleId) ?? []) sources.add(source);
        if (before !== undefined && sourcesOf(before).includes(MANUAL)) sources.add(MANUAL);
      }
      const after = [...sources].sort();
      if (after.join(' ') === (before ?? '')) continue;
      let change = changes.get(roleId);
      if (change === undefined) changes.set(roleId, (change = { added: [], changed: [], removed: [] }));
      if (after.length === 0) change.removed.push(userId);
      else (before === undefined ? change.added : change.changed).push({ userId, sources: after });
    }
  }
  return [...changes].map(([roleId, change]) => ({ roleId, ...change }));
}

/** What rules give to somebody made up, and what their templates make of the attributes, as they are kept. */
export function triedRules(
  rules: Rules,
  { attributes, groups }: TriedPerson,
  roles: ReadonlyMap<string, Role>,
): MappingTest {
  const found = {
    attributes,
    active: attributes['active'] !== false,
    groups: groups.map(({ id, display, connection }) => ({
      id,
      type: 'Group' as const,
      ...(display === undefined ? {} : { display }),
      ...(connection === undefined ? {} : { connection }),
    })),
  };
  const givable = new GivableRoles(roles);
  const given = mappedRoles(rules, found, givable);
  const data = templateData(found);
  const budget = new ReadingBudget();
  return {
    roles: [...given].map(([roleId, sources]) => ({ roleId, sources: [...sources].sort() })),
    claims: rules.flatMap((rule, index) =>
      isClaimRule(rule) ? [{ rule: index + 1, ...tried(rule, data, givable, budget) }] : [],
    ),
  };
}

function tried(
  { role, claim: { template, ignoreCase = false } }: ClaimRule,
  data: Readonly<Record<string, unknown>>,
  roles: GivableRoles,
  budget: ReadingBudget,
) {
  try {
    const names = namesFrom(template, data, budget);
    if (role !== undefined) return { names };
    return { names, notRoles: names.filter((name) => roles.called(name, ignoreCase).length === 0) };
  } catch (error) {
    if (error instanceof TemplateTooCostly) return { names: [], problem: error.message };
    throw error;
  }
}

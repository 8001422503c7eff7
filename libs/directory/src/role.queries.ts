// What may be asked about roles, who has them and why, and about mappings and what they would change.
import type { MappingRule, RoleKind, RoleMember } from '@app/events';
import { Query } from '@nestjs/cqrs';
import type { RuleInput } from './roles/rules.js';
import type { Attributes } from './user.commands.js';

export interface RoleSummary {
  readonly roleId: string;
  readonly name: string;
  readonly kind: RoleKind;
  readonly condition?: string;
  readonly memberCount: number;
}

/** All roles of a tenant, by id. */
export class ListRoles extends Query<readonly RoleSummary[]> {
  constructor(readonly tenant: string) {
    super();
  }
}

/** undefined when there is no such role in this tenant. */
export class RoleMembers extends Query<{ readonly total: number; readonly items: readonly RoleMember[] } | undefined> {
  constructor(
    readonly tenant: string,
    readonly roleId: string,
    readonly offset: number,
    readonly limit: number,
  ) {
    super();
  }
}

export interface MappingDetail {
  readonly mappingId: string;
  readonly name: string;
  readonly rules: readonly MappingRule[];
  /** ISO 8601 UTC. */
  readonly created: string;
  readonly active: boolean;
}

/** All mappings of a tenant, oldest first. */
export class ListMappings extends Query<readonly MappingDetail[]> {
  constructor(readonly tenant: string) {
    super();
  }
}

/** Gains of one role that a diff lists; the count is of all. */
export const DIFF_SAMPLE = 1_000;

export interface RoleDiff {
  readonly roleId: string;
  readonly gainCount: number;
  /** Would have the role, and in which ways. At most {@link DIFF_SAMPLE}. */
  readonly gains: readonly RoleMember[];
  /** The ids of all who would lose it: what they hold must be counted. */
  readonly losses: readonly string[];
}

export interface MappingDiff {
  /** The mapping in force, which it would replace; null: none is. */
  readonly insteadOf: string | null;
  /** By id; roles that nobody would gain or lose are left out. */
  readonly roles: readonly RoleDiff[];
}

/** What activating the mapping would change now; undefined when there is no such mapping. @throws InvalidPolicy: a role is gone */
export class DiffMapping extends Query<MappingDiff | undefined> {
  constructor(
    readonly tenant: string,
    readonly mappingId: string,
  ) {
    super();
  }
}

/** Somebody made up, to try rules on. */
export interface TriedPerson {
  /** As an identity provider sends them: extensions by URN. */
  readonly attributes: Attributes;
  readonly groups: readonly {
    readonly id: string;
    readonly display?: string | undefined;
    /** That provisioned it; absent: the platform. */
    readonly connection?: string | undefined;
  }[];
}

export interface MappingTest {
  /** The roles that the rules give, and in which ways. */
  readonly roles: readonly { readonly roleId: string; readonly sources: readonly string[] }[];
  /** For each rule about claims, by its number from 1: the names that its template made, or why it made none. */
  readonly claims: readonly TriedClaim[];
}

export interface TriedClaim {
  readonly rule: number;
  readonly names: readonly string[];
  /** Of a rule that gives the roles of these names: those that are the id of no role that a mapping may give. */
  readonly notRoles?: readonly string[];
  readonly problem?: string;
}

/** What rules would give to somebody; nothing is recorded. @throws InvalidPolicy */
export class TestMapping extends Query<MappingTest> {
  constructor(
    readonly tenant: string,
    readonly rules: readonly RuleInput[],
    readonly person: TriedPerson,
  ) {
    super();
  }
}

// What may be asked about roles, who has them and why, and about mappings and what they would change.
import type { MappingRule, RoleKind, RoleMember } from '@app/events';
import { Query } from '@nestjs/cqrs';

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

/** Users listed by name for one role in a diff; the counts are of all. */
export const DIFF_SAMPLE = 1_000;

export interface RoleDiff {
  readonly roleId: string;
  readonly gainCount: number;
  readonly lossCount: number;
  /** Would have the role, and in which ways. At most {@link DIFF_SAMPLE}. */
  readonly gains: readonly RoleMember[];
  /** User ids. At most {@link DIFF_SAMPLE}. */
  readonly losses: readonly string[];
}

/** What activating the mapping would change now; undefined when there is no such mapping in this tenant. */
export class DiffMapping extends Query<readonly RoleDiff[] | undefined> {
  constructor(
    readonly tenant: string,
    readonly mappingId: string,
  ) {
    super();
  }
}

// What may be asked of roles and teams of the platform, and of the mappings that give them.
import type { RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { RuleInput } from './roles/rules.js';

/** Ids of roles are chosen by operators; those of conditions begin with {@link CONDITION_ID}. */
export const ROLE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const CONDITION_ID = 'condition-';
/** Of one tenant. */
export const MAX_ROLES = 1_000;
export const MAX_RULES = 1_000;

export interface RoleDefinition {
  readonly name: string;
  readonly kind: 'role' | 'team';
  /** A filter (RFC 7644) over a person: then it alone decides who has the role. */
  readonly condition?: string;
}

interface Decided {
  /** Wait for it before answering; undefined when nothing was appended. */
  readonly position: bigint | undefined;
}

/** Defines a role as a whole; repeating it changes nothing. @throws InvalidPolicy */
export class DefineRole extends Command<Decided> {
  constructor(
    readonly context: RequestContext,
    readonly roleId: string,
    readonly definition: RoleDefinition,
  ) {
    super();
  }
}

/** With everything that requires it. @throws NotFound, RoleIsGiven */
export class DeleteRole extends Command<Decided> {
  constructor(
    readonly context: RequestContext,
    readonly roleId: string,
  ) {
    super();
  }
}

/**
 * The role of everybody for whom a condition holds; the same condition is the same role.
 * @throws InvalidPolicy
 */
export class DefineCondition extends Command<{ readonly roleId: string; readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly condition: string,
  ) {
    super();
  }
}

/** Gives a role by hand; it stays until it is taken by hand. @throws NotFound, RoleIsComputed, UnknownMembers */
export class GrantRole extends Command<Decided> {
  constructor(
    readonly context: RequestContext,
    readonly roleId: string,
    readonly userId: string,
  ) {
    super();
  }
}

/** Takes what was given by hand; what else gives the role goes on giving it. @throws NotFound */
export class WithdrawRole extends Command<Decided> {
  constructor(
    readonly context: RequestContext,
    readonly roleId: string,
    readonly userId: string,
  ) {
    super();
  }
}

/** A whole set of rules, which changes nothing yet. @throws InvalidPolicy, AlreadyExists */
export class DraftMapping extends Command<{ readonly mappingId: string; readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
    readonly rules: readonly RuleInput[],
    /** Random when absent; the same id is the same draft. */
    readonly mappingId?: string,
  ) {
    super();
  }
}

/**
 * Puts the rules of a draft in force instead of those that were; repeating it changes nothing.
 * @throws NotFound, InvalidPolicy: a role is gone, MappingReplaced
 */
export class ActivateMapping extends Command<Decided> {
  constructor(
    readonly context: RequestContext,
    readonly mappingId: string,
    /** The mapping that must be in force until then; null: none is. Absent: whatever is in force. */
    readonly insteadOf?: string | null,
  ) {
    super();
  }
}

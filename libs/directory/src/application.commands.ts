// What may be asked of applications: what agents belong to, and may not act without.
import type { RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { Members } from './group.commands.js';
import type { Attributes, Written } from './user.commands.js';

export interface StoredApplication {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly attributes: Attributes;
  readonly created: string;
  readonly lastModified: string;
  readonly revision: bigint;
}

/** Agents by id. Nothing comes of one that joins and is in, or leaves and is not. */
export interface AgentsDelta {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ApplicationWrite {
  readonly name: string;
  readonly active: boolean;
  readonly attributes: Attributes;
  /** What is to change about whom it has; nothing when absent. */
  readonly agents?: AgentsDelta;
}

/** Names are unique in a tenant, whatever their case. @throws NameTaken, UnknownMembers when an agent is not of the scope */
export class ProvisionApplication extends Command<Written<StoredApplication>> {
  constructor(
    readonly context: RequestContext,
    readonly write: ApplicationWrite,
  ) {
    super();
  }
}

/**
 * Deactivation and reactivation are changes of `active`. Agents that the scope does not have are left where they are.
 * @throws NotFound, NameTaken, RevisionMismatch, UnknownMembers when an agent to be added is not of the scope
 */
export class ChangeApplication extends Command<Written<StoredApplication>> {
  constructor(
    readonly context: RequestContext,
    readonly applicationId: string,
    readonly change: (current: StoredApplication, agents: Members) => ApplicationWrite | undefined,
    readonly expected?: bigint,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch */
export class DeleteApplication extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly applicationId: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

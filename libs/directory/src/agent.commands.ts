// What may be asked of agents, whoever asks: the platform API and the SCIM door use the same commands.
import type { OwnerRef, RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { Attributes, Written } from './user.commands.js';

export interface StoredAgent {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly owners: readonly OwnerRef[];
  readonly parentId?: string;
  /** The applications it belongs to; absent when there are none. */
  readonly applicationIds?: readonly string[];
  readonly attributes: Attributes;
  readonly created: string;
  readonly lastModified: string;
  readonly revision: bigint;
}

export interface AgentWrite {
  readonly name: string;
  readonly active: boolean;
  /** Users and groups of this tenant, or the connection that provisions the agent; at least one. */
  readonly owners: readonly OwnerRef[];
  readonly parentId?: string;
  /** Applications of this tenant; as they were when absent. */
  readonly applicationIds?: readonly string[];
  readonly attributes: Attributes;
  /** Whether no other agent that asked for the same may have the name, whatever its case. Default false. */
  readonly nameIsUnique?: boolean;
}

/** @throws UnknownMembers when an owner, the parent or an application is not of this tenant; NameTaken */
export class ProvisionAgent extends Command<Written<StoredAgent>> {
  constructor(
    readonly context: RequestContext,
    readonly write: AgentWrite,
    /** Chosen by the platform; random when absent. @throws AlreadyExists */
    readonly agentId?: string,
  ) {
    super();
  }
}

/**
 * Deactivation and reactivation are changes of `active`; `reason` is recorded with a deactivation.
 * @throws NotFound, NameTaken, RevisionMismatch, UnknownMembers, ParentIsFixed, DescribedAsUser
 */
export class ChangeAgent extends Command<Written<StoredAgent>> {
  constructor(
    readonly context: RequestContext,
    readonly agentId: string,
    readonly change: (current: StoredAgent) => AgentWrite | undefined,
    readonly reason?: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch */
export class DeleteAgent extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly agentId: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

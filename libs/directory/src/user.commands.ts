// What may be asked of users. Results are returned by the command bus; errors are those of directory.errors.ts.
import type { RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';

/** SCIM attributes by name, extensions by URN; without `schemas`, `id`, `meta`, `active` and `groups`. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface StoredUser {
  readonly id: string;
  readonly attributes: Attributes;
  readonly active: boolean;
  /** ISO 8601 UTC. */
  readonly created: string;
  readonly lastModified: string;
  /** Revision of the stream: the ETag. */
  readonly revision: bigint;
}

/** The user as it shall be. */
export interface UserWrite {
  /** Holds `userName`, and `externalId` where the client gave one. */
  readonly attributes: Attributes;
  readonly active: boolean;
  /** Paths of the attributes that differ, without `active`; ignored when provisioning. */
  readonly changed: readonly string[];
}

/** How a write ended. */
export interface Written<R> {
  readonly resource: R;
  /** False when the write changed nothing: nothing was appended and the ETag stays. */
  readonly changed: boolean;
  /** Wait for this position with `ReadModels.reached` before answering; undefined when nothing was appended. */
  readonly position: bigint | undefined;
}

/** @throws NameTaken */
export class ProvisionUser extends Command<Written<StoredUser>> {
  constructor(
    readonly context: RequestContext,
    readonly write: UserWrite,
    /** A filter: if it holds for the user, what is provisioned is an agent, for good. */
    readonly agentWhen?: string,
  ) {
    super();
  }
}

/** @throws NotFound, NameTaken, RevisionMismatch, and what `change` throws */
export class ChangeUser extends Command<Written<StoredUser>> {
  constructor(
    readonly context: RequestContext,
    readonly userId: string,
    /** Computes the write from what is stored; undefined when nothing differs. Called again after a conflict. */
    readonly change: (current: StoredUser) => UserWrite | undefined,
    /** If-Match: the revision the user must have. */
    readonly expected?: bigint,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch */
export class DeleteUser extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly userId: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

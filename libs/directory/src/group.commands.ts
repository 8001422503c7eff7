// What may be asked of groups.
import type { MemberRef, RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { Attributes, Written } from './user.commands.js';

/** Members of a group, or agents of an application, by id; membership tests and the size, never a scan. */
export interface Members {
  readonly size: number;
  has(id: string): boolean;
  ids(): Iterable<string>;
  /** `User`, `Group` or `Agent`; undefined for who is no member. */
  typeOf(id: string): string | undefined;
}

export interface StoredGroup {
  readonly id: string;
  /** Without `members`; holds `displayName`. */
  readonly attributes: Attributes;
  readonly created: string;
  readonly lastModified: string;
  readonly revision: bigint;
}

export interface GroupWrite {
  readonly attributes: Attributes;
  readonly changed: readonly string[];
  /** Members to add: ids only; the handler finds out what each is and refuses ids this tenant does not have. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Told what the members to add are, before anything is recorded; what it throws refuses the write. */
  readonly confirm?: ((members: readonly MemberRef[]) => void) | undefined;
}

/** @throws UnknownMembers, and what `confirm` throws */
export class CreateGroup extends Command<Written<StoredGroup>> {
  constructor(
    readonly context: RequestContext,
    readonly write: Pick<GroupWrite, 'attributes' | 'added' | 'confirm'>,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch, UnknownMembers, and what `change` and `confirm` throw */
export class ChangeGroup extends Command<Written<StoredGroup>> {
  constructor(
    readonly context: RequestContext,
    readonly groupId: string,
    /** Computes the write from what is stored; undefined when nothing differs. */
    readonly change: (current: StoredGroup, members: Members) => GroupWrite | undefined,
    readonly expected?: bigint,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch */
export class DeleteGroup extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly groupId: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

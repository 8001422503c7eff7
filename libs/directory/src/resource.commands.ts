// What may be asked of resources whose type an operator added: whatever they are, they are stored, and nobody acts through them.
import type { RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { Attributes, Written } from './user.commands.js';

export interface StoredResource {
  readonly id: string;
  readonly attributes: Attributes;
  readonly created: string;
  readonly lastModified: string;
  readonly revision: bigint;
}

/** The value of an attribute that no other resource of the type may have, in the form in which values are compared. */
export interface UniqueValue {
  readonly attribute: string;
  readonly value: string;
}

export interface ResourceWrite {
  readonly attributes: Attributes;
  readonly unique: readonly UniqueValue[];
  /** Paths of the attributes that differ; ignored when creating. */
  readonly changed: readonly string[];
}

/** @throws NameTaken when another resource of the type has one of the unique values */
export class CreateResource extends Command<Written<StoredResource>> {
  constructor(
    readonly context: RequestContext,
    readonly resourceType: string,
    readonly write: ResourceWrite,
  ) {
    super();
  }
}

/** @throws NotFound, NameTaken, RevisionMismatch, and what `change` throws */
export class ChangeResource extends Command<Written<StoredResource>> {
  constructor(
    readonly context: RequestContext,
    readonly resourceType: string,
    readonly resourceId: string,
    readonly change: (current: StoredResource) => ResourceWrite | undefined,
    readonly expected?: bigint,
  ) {
    super();
  }
}

/** @throws NotFound, RevisionMismatch */
export class DeleteResource extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly resourceType: string,
    readonly resourceId: string,
    readonly expected?: bigint,
  ) {
    super();
  }
}

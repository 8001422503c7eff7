// What may be asked of applications: what agents belong to, and may not act without.
import type { RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
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

export interface ApplicationWrite {
  readonly name: string;
  readonly active: boolean;
  readonly attributes: Attributes;
}

/** Names are unique in a tenant, whatever their case. @throws NameTaken */
export class ProvisionApplication extends Command<Written<StoredApplication>> {
  constructor(
    readonly context: RequestContext,
    readonly write: ApplicationWrite,
  ) {
    super();
  }
}

/** Deactivation and reactivation are changes of `active`. @throws NotFound, NameTaken, RevisionMismatch */
export class ChangeApplication extends Command<Written<StoredApplication>> {
  constructor(
    readonly context: RequestContext,
    readonly applicationId: string,
    readonly change: (current: StoredApplication) => ApplicationWrite | undefined,
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

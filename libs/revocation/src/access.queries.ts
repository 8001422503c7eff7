// What may be asked of the deny gate: may this subject act, and what are the providers.
import { Query } from '@nestjs/cqrs';
import type { DenialReason } from './denials.js';
import type { SubjectType } from './subjects.view.js';

/** Why a credential may not be used, whoever asks. */
export type CredentialReason =
  | 'credential_unknown'
  /** The platform released it. */
  | 'credential_released'
  /** Its holder lost it: the secret stays dead, whatever becomes of the holder. */
  | 'credential_revoked'
  /** It belongs to somebody else. */
  | 'credential_not_held';

/** A subject that is in neither table: nobody of this tenant has the id. */
export type StatusReason = DenialReason | CredentialReason | 'unknown';

export interface Status {
  readonly subjectId: string;
  /** `unknown` when nobody of this tenant has the id. */
  readonly type: Exclude<SubjectType, 'application'> | 'unknown';
  readonly mayAct: boolean;
  /** Every reason against it, in a fixed order; empty exactly when `mayAct`. */
  readonly reasons: readonly StatusReason[];
  /** Counts from 1; raised by each reactivation. 0 for an unknown subject. */
  readonly generation: number;
  /** Log position up to which this answer knows the log. */
  readonly asOf: string;
}

export interface StatusQuestion {
  /** An agent or, where there is no agent of this id, a user. */
  readonly subjectId: string;
  /** May it still act for this user? */
  readonly onBehalfOf?: string;
  /** May it still use this credential? Asks for the groups the credential requires too. */
  readonly credentialId?: string;
}

export class SubjectStatus extends Query<Status> {
  constructor(
    readonly tenant: string,
    readonly question: StatusQuestion,
  ) {
    super();
  }
}

/** A role that would be lost, and by whom. */
export interface LostRole {
  readonly roleId: string;
  readonly lostBy: 'everybody' | ReadonlySet<string>;
}

export interface Dependents {
  /** Credentials that would be revoked; one that requires several of the roles is one. */
  readonly total: number;
  /** The same for each role, by its id. */
  readonly byRole: ReadonlyMap<string, number>;
}

/** How many credentials would be revoked if these roles were lost now. Looks through all that people hold, some at a time. */
export class CountDependents extends Query<Dependents> {
  constructor(
    readonly tenant: string,
    readonly lost: readonly LostRole[],
  ) {
    super();
  }
}

export interface Provider {
  readonly providerId: string;
  readonly connector: string;
  readonly displayName: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whether a secret is stored for it; the secret itself is never answered. */
  readonly hasSecret: boolean;
}

/** undefined when there is none in this tenant. */
export class FindProvider extends Query<Provider | undefined> {
  constructor(
    readonly tenant: string,
    readonly providerId: string,
  ) {
    super();
  }
}

/** All providers of a tenant by id. */
export class ListProviders extends Query<readonly Provider[]> {
  constructor(readonly tenant: string) {
    super();
  }
}

// What the agent platform may ask: register, rotate and release what is held, and configure the providers it is held at.
import type { CredentialKind, Holder, RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';
import type { AccessRefused } from './access.errors.js';
import type { CredentialReason } from './access.queries.js';
import type { DenialReason } from './denials.js';

/** Becomes part of lane names and URLs. */
export const PROVIDER_ID = /^[a-z0-9-]{1,64}$/;
/** Ids of credentials, schedules and runs that the platform chooses. */
export const HOLDING_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Credentials per command. */
export const MAX_BATCH = 500;

/** How a registration, start or rotation ended. It is recorded in either case. */
export interface Registered {
  readonly id: string;
  /** False when the same was there already: nothing was appended. */
  readonly changed: boolean;
  /** Empty when the holder may hold it. Otherwise its revocation is planned. */
  readonly denials: readonly (DenialReason | CredentialReason)[];
  /** Every read model has reached it when the command resolves; undefined when nothing was appended. */
  readonly position: bigint | undefined;
}

interface Ended {
  /** Wait for it before answering; undefined when it had ended already. */
  readonly position: bigint | undefined;
}

/** A provider as a whole: what is left out is not kept from before, but for the secret. */
export interface ProviderConfiguration {
  readonly connector: string;
  readonly displayName: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Our credentials at the provider; kept in the vault alone. Left out: those it has go on, if connector and settings stay as
   * they are, and otherwise must be sent again. Null: it has none.
   */
  readonly secret?: string | null;
}

/** Repeating it with the same configuration changes nothing. @throws AccessRefused */
export class ConfigureProvider extends Command<{ readonly changed: boolean; readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly providerId: string,
    readonly configuration: ProviderConfiguration,
  ) {
    super();
  }
}

/** What is still held there is parked as `no-provider` when it has to be revoked. @throws AccessRefused */
export class RemoveProvider extends Command<Ended> {
  constructor(
    readonly context: RequestContext,
    readonly providerId: string,
  ) {
    super();
  }
}

export interface CredentialRegistration extends Holder {
  /** Chosen by the platform; random when absent. */
  readonly id?: string;
  readonly kind: CredentialKind;
  readonly providerId: string;
  /** The token or key to revoke; kept in the vault alone. */
  readonly secret?: string;
  readonly reference?: Readonly<Record<string, string>>;
  readonly grantId?: string;
  /** Groups the user must be in, directly or through groups that are their members. */
  readonly requiresGroups?: readonly string[];
  /** Roles the user must have. */
  readonly requiresRoles?: readonly string[];
  /** ISO 8601 with a time zone. */
  readonly expiresAt?: string;
}

/**
 * At most {@link MAX_BATCH}. One result per item, in order; a refused item does not hold up the others. The same id
 * with the same fields is the same credential; with others it is refused as `id_conflict`.
 */
export class RegisterCredentials extends Command<readonly (Registered | AccessRefused)[]> {
  constructor(
    readonly context: RequestContext,
    readonly items: readonly CredentialRegistration[],
  ) {
    super();
  }
}

/**
 * The credential has a new secret. The one before it is revoked beside it when its holder loses access, unless it has
 * expired by then. @throws AccessRefused
 */
export class RotateCredential extends Command<Registered> {
  constructor(
    readonly context: RequestContext,
    readonly credentialId: string,
    readonly rotation: { readonly secret: string; readonly expiresAt?: string },
  ) {
    super();
  }
}

/** The platform has dropped it: it is not revoked any more when its holder loses access. @throws AccessRefused */
export class ReleaseCredential extends Command<Ended> {
  constructor(
    readonly context: RequestContext,
    readonly credentialId: string,
  ) {
    super();
  }
}

export interface ScheduleRegistration extends Holder {
  readonly id?: string;
  readonly providerId: string;
  readonly reference?: Readonly<Record<string, string>>;
}

/** @throws AccessRefused */
export class RegisterSchedule extends Command<Registered> {
  constructor(
    readonly context: RequestContext,
    readonly schedule: ScheduleRegistration,
  ) {
    super();
  }
}

/** @throws AccessRefused */
export class ReleaseSchedule extends Command<Ended> {
  constructor(
    readonly context: RequestContext,
    readonly scheduleId: string,
  ) {
    super();
  }
}

export interface RunStart extends Holder {
  readonly id?: string;
  readonly providerId: string;
  readonly scheduleId?: string;
  readonly reference?: Readonly<Record<string, string>>;
}

/** @throws AccessRefused */
export class StartRun extends Command<Registered> {
  constructor(
    readonly context: RequestContext,
    readonly run: RunStart,
  ) {
    super();
  }
}

/** @throws AccessRefused */
export class EndRun extends Command<Ended> {
  constructor(
    readonly context: RequestContext,
    readonly runId: string,
  ) {
    super();
  }
}

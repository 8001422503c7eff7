// What may be asked of a tenant and its connections: the tokens that open its doors. Tokens are answered once, never stored.
import type { AgentNameKey, ApiKeyRole, RequestContext } from '@app/events';
import { Command } from '@nestjs/cqrs';

export interface IssuedToken {
  /** The plaintext; shown once. */
  readonly token: string;
  readonly tokenId: string;
  readonly position: bigint;
}

/** @throws AlreadyExists */
export class CreateTenant extends Command<{ readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
  ) {
    super();
  }
}

/** @throws NotFound when the tenant does not exist */
export class IssueApiKey extends Command<IssuedToken> {
  constructor(
    readonly context: RequestContext,
    readonly roles: readonly ApiKeyRole[],
  ) {
    super();
  }
}

/** @throws NotFound */
export class RevokeApiKey extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly keyId: string,
  ) {
    super();
  }
}

/** What an identity provider is, beyond its dialect. */
export interface ConnectionSettings {
  /** A filter over users: one for whom it holds when it is provisioned is an agent. */
  readonly agentWhen?: string;
  /** What the name of an agent is answered under; either is understood. Default `agentUserName`. */
  readonly agentNameKey?: AgentNameKey;
}

/** @throws NotFound when the tenant does not exist; InvalidPolicy when `agentWhen` cannot be used */
export class OpenConnection extends Command<{ readonly connectionId: string; readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly name: string,
    readonly dialect: 'lenient' | 'strict',
    readonly settings: ConnectionSettings = {},
  ) {
    super();
  }
}

/** What is not mentioned stays. */
export interface ConnectionChanges {
  readonly name?: string | undefined;
  readonly dialect?: 'lenient' | 'strict' | undefined;
  /** null: no user is an agent. Whoever was provisioned before stays what they are. */
  readonly agentWhen?: string | null | undefined;
  readonly agentNameKey?: AgentNameKey | undefined;
}

/** Holds for the requests that come in after it. @throws NotFound; InvalidPolicy when `agentWhen` cannot be used */
export class ChangeConnection extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    readonly changes: ConnectionChanges,
  ) {
    super();
  }
}

/** At most two tokens of a connection are valid at once. @throws NotFound, TooManyTokens */
export class IssueConnectionToken extends Command<IssuedToken> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    /** ISO 8601 UTC. */
    readonly expiresAt?: string,
  ) {
    super();
  }
}

/** @throws NotFound */
export class RevokeConnectionToken extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    readonly tokenId: string,
  ) {
    super();
  }
}

/** The tokens stay valid, and what comes in on them is refused until {@link ResumeConnection}. @throws NotFound */
export class PauseConnection extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
  ) {
    super();
  }
}

/** @throws NotFound */
export class ResumeConnection extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
  ) {
    super();
  }
}

/**
 * For good: its tokens open nothing from then on. Nobody vouches any more for whom it provisioned: they are deactivated one
 * by one after this is answered. Kept, they stay as they are, until it is closed again otherwise or they are handed over.
 * @throws NotFound
 */
export class CloseConnection extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    readonly provisioned: 'deactivate' | 'keep' = 'deactivate',
  ) {
    super();
  }
}

/**
 * What a closed connection provisioned belongs to another one, active or not as it is; carried out after this is answered.
 * @throws NotFound, ConnectionIsOpen, UnusableSuccessor
 */
export class HandOverConnection extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    /** The connection that gets it. */
    readonly to: string,
  ) {
    super();
  }
}

/** At most two keys of a connection are valid at once. @throws InvalidClientKey, NotFound, TooManyTokens */
export class RegisterClientKey extends Command<{ readonly keyId: string; readonly position: bigint }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    /** A public key (RFC 7517): EC on P-256, RSA of 2048 bits and more, or OKP on Ed25519. */
    readonly jwk: Readonly<Record<string, unknown>>,
  ) {
    super();
  }
}

/** With the key go the access tokens that were issued for it. @throws NotFound */
export class RevokeClientKey extends Command<{ readonly position: bigint | undefined }> {
  constructor(
    readonly context: RequestContext,
    readonly connectionId: string,
    readonly keyId: string,
  ) {
    super();
  }
}

export interface AccessToken {
  /** The plaintext; shown once. */
  readonly token: string;
  readonly expiresInSeconds: number;
}

/** Appends nothing: what is issued here is gone within the hour. @throws InvalidClient */
export class IssueAccessToken extends Command<AccessToken> {
  constructor(
    /** The JWT that a client signed with a registered key, with its connection's id as `iss` and `sub`. */
    readonly assertion: string,
    /** What its `aud` must name: the URL of the token endpoint. */
    readonly audience: string,
    /** Must be the client of the statement where it is given. */
    readonly clientId?: string,
  ) {
    super();
  }
}

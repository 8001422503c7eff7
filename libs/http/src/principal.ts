// Who is calling: what a bearer token stands for.

export type Role = 'scim' | 'platform' | 'operator';

/** The SCIM connection that a token belongs to. */
export interface PrincipalConnection {
  readonly id: string;
  readonly dialect: 'lenient' | 'strict';
  /** Nothing that comes in on it is carried out. */
  readonly paused?: true;
  /** A filter: users for whom it holds are agents. */
  readonly agentWhen?: string;
  /** What the name of an agent is answered under; absent: as the schema has it. */
  readonly agentNameKey?: 'name';
}

export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  readonly roles: readonly Role[];
  /** For role `scim`. */
  readonly connection?: PrincipalConnection;
  /** As recorded with events: `scim:<connection>`, `platform:<key>` or `operator:<key>`. */
  readonly actor: string;
}

/** Knows tokens. Served by the directory's token view. */
export abstract class TokenRegistry {
  /** The caller a bearer token stands for; undefined when it is unknown, revoked, expired, or its connection closed. */
  abstract find(token: string): Promise<Principal | undefined>;
}

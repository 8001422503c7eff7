// Who is calling: what a bearer token stands for.

export type Role = 'scim' | 'platform' | 'operator';

export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  readonly roles: readonly Role[];
  /** The SCIM connection, for role `scim`. While it is `paused`, nothing that comes in on it is carried out. */
  readonly connection?: { readonly id: string; readonly dialect: 'lenient' | 'strict'; readonly paused?: true };
  /** As recorded with events: `scim:<connection>`, `platform:<key>` or `operator:<key>`. */
  readonly actor: string;
}

/** Knows tokens. Served by the directory's token view. */
export abstract class TokenRegistry {
  /** The caller a bearer token stands for; undefined when it is unknown, revoked, expired, or its connection closed. */
  abstract find(token: string): Promise<Principal | undefined>;
}

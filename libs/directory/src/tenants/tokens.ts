// Knows bearer tokens by their keyed fingerprint; what was found is kept, so that a request costs no query.
import { hash, randomBytes } from 'node:crypto';
import type { RecordedEvent } from '@app/events';
import { TokenRegistry, type Principal, type Role } from '@app/http';
import { Clock } from '@app/runtime';
import { Vault } from '@app/vault';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import { isTokenEvent } from './connections.view.js';
import { TokenUses } from './token-uses.js';

/** Says what a leaked token is for. */
export type TokenPrefix = 'scim' | 'key';

/** Found principals kept. */
const KEPT = 10_000;

export const newToken = (prefix: TokenPrefix): string => `${prefix}_${randomBytes(32).toString('base64url')}`;

/**
 * A token is looked up before its tenant is known, so all share one pseudo tenant, `-`, which TENANT_ID excludes.
 * 256 random bits make equal tokens of two tenants impossible.
 */
export const fingerprintOf = (vault: Vault, token: string): string => vault.fingerprint('-', 'token', token);

interface Found {
  readonly principal: Principal;
  /** ms; undefined: never. */
  readonly expiresAt: number | undefined;
}

@Injectable()
export class DirectoryTokens extends TokenRegistry {
  /** By the hash of the token. */
  private readonly kept = new LRUCache<string, Found>({ max: KEPT });
  /** Grows with every change of tokens: what was read before it must not be kept after it. */
  private epoch = 0;

  constructor(
    @Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly uses: TokenUses,
  ) {
    super();
  }

  override async find(token: string): Promise<Principal | undefined> {
    // Random as tokens are, a plain hash of one tells nothing; it costs a fifth of the keyed one that is stored.
    const digest = hash('sha256', token, 'base64');
    const found = this.kept.get(digest) ?? (await this.read(token, digest));
    if (found === undefined || (found.expiresAt !== undefined && found.expiresAt <= this.clock.now())) return undefined;
    const { principal } = found;
    if (principal.connection !== undefined) this.uses.note(principal.tenant, principal.keyId);
    return principal;
  }

  /** Forgets what these events may have changed. */
  forgetAfter(events: readonly RecordedEvent[]): void {
    if (!events.some(isTokenEvent)) return;
    this.epoch += 1;
    this.kept.clear();
  }

  private async read(token: string, digest: string): Promise<Found | undefined> {
    const { epoch } = this;
    const fingerprint = fingerprintOf(this.vault, token);
    const row = (await this.issued(fingerprint)) ?? (await this.issuedToClient(fingerprint));
    if (row === undefined || (row.connection_id !== null && (row.state === null || row.state === 'closed'))) {
      return undefined;
    }
    const found = {
      principal: principalOf(row),
      expiresAt: row.expires_at === null ? undefined : Date.parse(row.expires_at),
    };
    if (epoch === this.epoch) this.kept.set(digest, found);
    return found;
  }

  private issued(fingerprint: string): Promise<TokenWithConnection | undefined> {
    return this.db
      .selectFrom('tokens')
      .leftJoin('connections', (join) =>
        join
          .onRef('connections.tenant', '=', 'tokens.tenant')
          .onRef('connections.connection_id', '=', 'tokens.connection_id'),
      )
      .select(['tokens.tenant', 'token_id', 'tokens.connection_id', 'roles', 'expires_at', ...ofConnection])
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst();
  }

  /** Its use counts as one of the key that it was issued for, and only as long as there is that key. */
  private issuedToClient(fingerprint: string): Promise<TokenWithConnection | undefined> {
    return this.db
      .selectFrom('access_tokens as issued')
      .innerJoin('client_keys as keys', (join) =>
        join.onRef('keys.tenant', '=', 'issued.tenant').onRef('keys.key_id', '=', 'issued.key_id'),
      )
      .innerJoin('connections', (join) =>
        join
          .onRef('connections.tenant', '=', 'issued.tenant')
          .onRef('connections.connection_id', '=', 'issued.connection_id'),
      )
      .select(['issued.tenant', 'issued.key_id as token_id', 'issued.connection_id', 'expires_at', ...ofConnection])
      .select(sql<string>`'["scim"]'`.as('roles'))
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst();
  }
}

/** Columns of the connection. */
const ofConnection = ['dialect', 'agent_when', 'agent_name_key', 'state'] as const;

interface TokenWithConnection {
  readonly tenant: string;
  readonly token_id: string;
  readonly connection_id: string | null;
  readonly roles: string;
  readonly expires_at: string | null;
  readonly dialect: string | null;
  readonly agent_when: string | null;
  readonly agent_name_key: string | null;
  readonly state: string | null;
}

function principalOf({ tenant, token_id: keyId, connection_id, ...row }: TokenWithConnection): Principal {
  const roles = JSON.parse(row.roles) as Role[];
  if (connection_id === null) return { tenant, keyId, roles, actor: `${roles[0]}:${keyId}` };
  const connection = {
    id: connection_id,
    dialect: row.dialect === 'strict' ? ('strict' as const) : ('lenient' as const),
    ...(row.agent_when === null ? {} : { agentWhen: row.agent_when }),
    ...(row.agent_name_key === 'name' ? { agentNameKey: 'name' as const } : {}),
    ...(row.state === 'paused' ? { paused: true as const } : {}),
  };
  return { tenant, keyId, roles, connection, actor: `scim:${connection_id}` };
}

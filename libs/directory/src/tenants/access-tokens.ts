// Gives a client that proves who it is a token for an hour (RFC 6749 section 4.4, RFC 7523 section 2.2).
import { Clock } from '@app/runtime';
import { Vault } from '@app/vault';
import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import { InvalidClient } from '../directory.errors.js';
import { IssueAccessToken, type AccessToken } from '../tenant.commands.js';
import { accept, clientOf, readAssertion, type Assertion } from './client-assertion.js';
import { isSignedBy, type ClientKey } from './client-key.js';
import type { ClientKeyRow } from './connection-tables.js';
import { fingerprintOf, newToken } from './tokens.js';

const LIFE_SECONDS = 3_600;

@CommandHandler(IssueAccessToken)
export class IssueAccessTokenHandler implements ICommandHandler<IssueAccessToken> {
  constructor(
    @Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** Why a client is refused stays unsaid: whoever can sign finds it out, and nobody else should. */
  async execute({ assertion, audience, clientId }: IssueAccessToken): Promise<AccessToken> {
    const now = this.clock.now();
    const read = readAssertion(assertion);
    const connectionId = read && clientOf(read);
    if (read === undefined || connectionId === undefined) throw new InvalidClient();
    if (clientId !== undefined && clientId !== connectionId) throw new InvalidClient();
    const accepted = accept(read, audience, now);
    const key = await this.signerOf(read, connectionId);
    if (accepted === undefined || key === undefined) throw new InvalidClient();
    const { tenant, key_id } = key;
    await this.forgetExpired(this.clock.iso(now));
    await this.use(connectionId, accepted.jti, this.clock.iso(accepted.expiresAt));
    const token = newToken('scim');
    const expires_at = this.clock.iso(now + LIFE_SECONDS * 1_000);
    const row = { fingerprint: fingerprintOf(this.vault, token), tenant, connection_id: connectionId, key_id };
    await this.db
      .insertInto('access_tokens')
      .values({ ...row, expires_at })
      .execute();
    return { token, expiresInSeconds: LIFE_SECONDS };
  }

  private async signerOf(assertion: Assertion, connectionId: string): Promise<ClientKeyRow | undefined> {
    const keys = await this.db
      .selectFrom('client_keys')
      .innerJoin('connections', (join) =>
        join
          .onRef('connections.tenant', '=', 'client_keys.tenant')
          .onRef('connections.connection_id', '=', 'client_keys.connection_id'),
      )
      .selectAll('client_keys')
      .where('client_keys.connection_id', '=', connectionId)
      .where('algorithm', '=', assertion.algorithm)
      .where('state', '!=', 'closed')
      .execute();
    return keys.find(({ algorithm, jwk }) => {
      const key = { algorithm: algorithm as ClientKey['algorithm'], jwk: JSON.parse(jwk) as ClientKey['jwk'] };
      return isSignedBy(key, assertion.signed, assertion.signature);
    });
  }

  /** @throws InvalidClient when the statement was used before, by whichever process */
  private async use(connection_id: string, id: string, until: string): Promise<void> {
    const jti = this.vault.fingerprint('-', 'jti', id);
    const inserted = await this.db
      .insertInto('used_assertions')
      .values({ connection_id, jti, until })
      .onConflict((conflict) => conflict.doNothing())
      .returning('jti')
      .executeTakeFirst();
    if (inserted === undefined) throw new InvalidClient();
  }

  private async forgetExpired(now: string): Promise<void> {
    await this.db.deleteFrom('used_assertions').where('until', '<=', now).execute();
    await this.db.deleteFrom('access_tokens').where('expires_at', '<=', now).execute();
  }
}

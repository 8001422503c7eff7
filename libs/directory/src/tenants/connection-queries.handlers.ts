// Answers which connections a tenant has and with which tokens, and how ids are called.
import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import { ListConnections, NamesOf } from '../directory.queries.js';
import type { ClientKeySummary, ConnectionSummary, OrderSummary } from '../directory.queries.js';
import { namesOf } from '../view/names.js';
import type { ConnectionRow } from './connection-tables.js';

const orderOf = ({ order_to: to, order_done }: ConnectionRow): OrderSummary => ({
  ...(to === null ? {} : { to }),
  isCarriedOut: order_done === 1,
});

@QueryHandler(ListConnections)
export class ListConnectionsHandler implements IQueryHandler<ListConnections> {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  async execute({ tenant }: ListConnections): Promise<ConnectionSummary[]> {
    const connections = await this.db
      .selectFrom('connections')
      .selectAll()
      .where('tenant', '=', tenant)
      .orderBy('seq')
      .execute();
    const tokens = await this.db
      .selectFrom('tokens')
      .leftJoin('token_uses as uses', (join) =>
        join.onRef('uses.tenant', '=', 'tokens.tenant').onRef('uses.token_id', '=', 'tokens.token_id'),
      )
      .select(['connection_id', 'tokens.token_id', 'expires_at', 'used_at'])
      .where('tokens.tenant', '=', tenant)
      .where('connection_id', 'is not', null)
      .orderBy('seq')
      .execute();
    const byConnection = Map.groupBy(tokens, (row) => row.connection_id);
    const keysByConnection = Map.groupBy(await this.keys(tenant), (row) => row.connection_id);
    return connections.map((row) => ({
      connectionId: row.connection_id,
      name: row.name,
      dialect: row.dialect as ConnectionSummary['dialect'],
      ...(row.agent_when === null ? {} : { agentWhen: row.agent_when }),
      agentNameKey: row.agent_name_key === 'name' ? 'name' : 'agentUserName',
      state: row.state as ConnectionSummary['state'],
      ...(row.order_id === null ? {} : { order: orderOf(row) }),
      tokens: (byConnection.get(row.connection_id) ?? []).map(({ token_id, expires_at, used_at }) => ({
        tokenId: token_id,
        ...(expires_at === null ? {} : { expiresAt: expires_at }),
        ...(used_at === null ? {} : { lastUsedAt: used_at }),
      })),
      clientKeys: (keysByConnection.get(row.connection_id) ?? []).map(({ key_id, algorithm, used_at }) => ({
        keyId: key_id,
        algorithm: algorithm as ClientKeySummary['algorithm'],
        ...(used_at === null ? {} : { lastUsedAt: used_at }),
      })),
    }));
  }

  private keys(tenant: string) {
    return this.db
      .selectFrom('client_keys as keys')
      .leftJoin('token_uses as uses', (join) =>
        join.onRef('uses.tenant', '=', 'keys.tenant').onRef('uses.token_id', '=', 'keys.key_id'),
      )
      .select(['connection_id', 'key_id', 'algorithm', 'used_at'])
      .where('keys.tenant', '=', tenant)
      .orderBy('seq')
      .execute();
  }
}

@QueryHandler(NamesOf)
export class NamesOfHandler implements IQueryHandler<NamesOf> {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  execute({ tenant, ids }: NamesOf): Promise<ReadonlyMap<string, string>> {
    return namesOf(this.db, tenant, ids);
  }
}

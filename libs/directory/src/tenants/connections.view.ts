// Applies the events of tenants and connections: which connections there are and which tokens open what.
import type { RecordedEvent } from '@app/events';
import { deleteRowsIn, putRows, run } from '@app/runtime';
import type { Trx } from '../directory-db.js';
import { orderOf } from './connection.js';
import type { ConnectionRow } from './connection-tables.js';

/** Whether the event may change what a token stands for. */
export const isTokenEvent = (event: RecordedEvent): boolean =>
  event.stream.startsWith('connection-') || event.stream.startsWith('tenant-');

const change = (trx: Trx, tenant: string, connectionId: string, to: Partial<ConnectionRow>) =>
  trx
    .updateTable('connections')
    .set(to)
    .where('tenant', '=', tenant)
    .where('connection_id', '=', connectionId)
    .execute();

/** Applies one event; others are ignored. */
export async function applyToConnections(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  const seq = Number(event.position);
  switch (event.type) {
    case 'ConnectionOpened': {
      const { connectionId, name, dialect, agentWhen = null, agentNameKey = null } = event.data;
      const settings = { dialect, agent_when: agentWhen, agent_name_key: agentNameKey };
      const noOrder = { order_id: null, order_to: null, order_done: 0 };
      const row = { tenant, connection_id: connectionId, name, ...settings, state: 'open', ...noOrder, seq };
      return putRows(trx, 'connections', ['tenant', 'connection_id'], [row]);
    }
    case 'ConnectionChanged': {
      const { connectionId, name, dialect, agentWhen = null, agentNameKey } = event.data;
      const to = { name, dialect, agent_when: agentWhen, agent_name_key: agentNameKey };
      await change(trx, tenant, connectionId, to);
      return;
    }
    case 'ConnectionPaused':
      await change(trx, tenant, event.data.connectionId, { state: 'paused' });
      return;
    case 'ConnectionResumed':
      await change(trx, tenant, event.data.connectionId, { state: 'open' });
      return;
    case 'ConnectionClosed':
      await change(trx, tenant, event.data.connectionId, { state: 'closed' });
      return;
    case 'ConnectionOffboardingOrdered':
    case 'ConnectionHandOverOrdered': {
      const { id, to = null } = orderOf(event);
      await change(trx, tenant, event.data.connectionId, { order_id: id, order_to: to, order_done: 0 });
      return;
    }
    case 'ConnectionOrderCarriedOut': {
      const { connectionId, orderId } = event.data;
      const text = 'update connections set order_done = 1 where tenant = ? and connection_id = ? and order_id = ?';
      await run(trx, text, [tenant, connectionId, orderId]);
      return;
    }
    case 'ConnectionTokenIssued': {
      const { connectionId, tokenId, fingerprint, expiresAt } = event.data;
      const opens = { connection_id: connectionId, roles: '["scim"]', expires_at: expiresAt ?? null };
      const row = { tenant, token_id: tokenId, fingerprint, ...opens, seq };
      return putRows(trx, 'tokens', ['tenant', 'token_id'], [row]);
    }
    case 'ConnectionKeyRegistered': {
      const { connectionId, keyId, algorithm, jwk } = event.data;
      const row = { tenant, connection_id: connectionId, key_id: keyId, algorithm, jwk: JSON.stringify(jwk), seq };
      return putRows(trx, 'client_keys', ['tenant', 'key_id'], [row]);
    }
    case 'ConnectionKeyRevoked':
      await deleteRowsIn(trx, 'token_uses', { tenant }, 'token_id', [event.data.keyId]);
      await deleteRowsIn(trx, 'access_tokens', { tenant }, 'key_id', [event.data.keyId]);
      return deleteRowsIn(trx, 'client_keys', { tenant }, 'key_id', [event.data.keyId]);
    case 'ApiKeyIssued': {
      const { keyId, roles, fingerprint } = event.data;
      const opens = { connection_id: null, roles: JSON.stringify(roles), expires_at: null };
      const row = { tenant, token_id: keyId, fingerprint, ...opens, seq };
      return putRows(trx, 'tokens', ['tenant', 'token_id'], [row]);
    }
    case 'ConnectionTokenRevoked':
      await deleteRowsIn(trx, 'token_uses', { tenant }, 'token_id', [event.data.tokenId]);
      return deleteRowsIn(trx, 'tokens', { tenant }, 'token_id', [event.data.tokenId]);
    case 'ApiKeyRevoked':
      return deleteRowsIn(trx, 'tokens', { tenant }, 'token_id', [event.data.keyId]);
    default:
  }
}

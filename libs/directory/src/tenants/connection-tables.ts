// The tables of connections and of what opens them: views, rebuilt from the log, and what is not worth an event.

export interface ConnectionRow {
  tenant: string;
  connection_id: string;
  name: string;
  dialect: string;
  agent_when: string | null;
  agent_name_key: string | null;
  state: string;
  /** Of the last order about what it provisioned; null: none. */
  order_id: string | null;
  /** The connection it is handed over to; null: everybody is deactivated. */
  order_to: string | null;
  order_done: number;
  seq: number;
}

/** Valid tokens and API keys; a revoked one has no row. */
export interface TokenRow {
  tenant: string;
  token_id: string;
  fingerprint: string;
  /** null: an API key. */
  connection_id: string | null;
  /** JSON array. */
  roles: string;
  expires_at: string | null;
  seq: number;
}

/** When a token was last used, to the minute. Not in the log: it says nothing about access. */
export interface TokenUseRow {
  tenant: string;
  token_id: string;
  used_at: string;
}

/** Public keys that clients sign with; a revoked one has no row. */
export interface ClientKeyRow {
  tenant: string;
  key_id: string;
  connection_id: string;
  algorithm: string;
  /** JSON object. */
  jwk: string;
  seq: number;
}

/** Not in the log: gone within the hour. */
export interface AccessTokenRow {
  fingerprint: string;
  tenant: string;
  connection_id: string;
  /** The key it was issued for: without that one it opens nothing. */
  key_id: string;
  /** ISO 8601 UTC. */
  expires_at: string;
}

/** Statements of clients that were accepted: none is accepted twice. */
export interface UsedAssertionRow {
  connection_id: string;
  /** Keyed digest of its id. */
  jti: string;
  /** ISO 8601 UTC: when it expires, and can be forgotten. */
  until: string;
}

export interface ConnectionsDb {
  connections: ConnectionRow;
  tokens: TokenRow;
  token_uses: TokenUseRow;
  client_keys: ClientKeyRow;
  access_tokens: AccessTokenRow;
  used_assertions: UsedAssertionRow;
}

export const connectionTables = {
  connections: {
    columns: {
      tenant: 'text',
      connection_id: 'text',
      name: 'text',
      dialect: 'text',
      agent_when: 'text?',
      agent_name_key: 'text?',
      state: 'text',
      order_id: 'text?',
      order_to: 'text?',
      order_done: 'integer',
      seq: 'bigint',
    },
    key: ['tenant', 'connection_id'],
  },
  tokens: {
    columns: {
      tenant: 'text',
      token_id: 'text',
      fingerprint: 'text',
      connection_id: 'text?',
      roles: 'text',
      expires_at: 'text?',
      seq: 'bigint',
    },
    key: ['tenant', 'token_id'],
  },
  token_uses: { columns: { tenant: 'text', token_id: 'text', used_at: 'text' }, key: ['tenant', 'token_id'] },
  client_keys: {
    columns: {
      tenant: 'text',
      key_id: 'text',
      connection_id: 'text',
      algorithm: 'text',
      jwk: 'text',
      seq: 'bigint',
    },
    key: ['tenant', 'key_id'],
  },
  access_tokens: {
    columns: { fingerprint: 'text', tenant: 'text', connection_id: 'text', key_id: 'text', expires_at: 'text' },
    key: ['fingerprint'],
  },
  used_assertions: {
    columns: { connection_id: 'text', jti: 'text', until: 'text' },
    key: ['connection_id', 'jti'],
  },
} as const;

export const connectionIndexes = [
  ['client_keys_connection', 'client_keys', ['connection_id']],
  ['access_tokens_key', 'access_tokens', ['tenant', 'key_id']],
  ['access_tokens_expiry', 'access_tokens', ['expires_at']],
  ['used_assertions_until', 'used_assertions', ['until']],
  ['tokens_fingerprint', 'tokens', ['fingerprint']],
  ['tokens_connection', 'tokens', ['tenant', 'connection_id']],
] as const;

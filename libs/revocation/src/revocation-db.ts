// The tables of the revocation room: what is held, by whom, and what is to be revoked. All rebuilt from the log.
import { forgetCheckpoint } from '@app/event-log';
import { createTables, dropTables, hasColumn, hasTable, type Flag, type Index, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { HELD_KEY, heldColumns, heldIndexes, heldTables, type HeldDb, type HeldRow } from './held-db.js';
import { nestedGroupsOf } from './nested-groups.js';

/** A secret that was held and that no plan has taken away yet. */
export interface HeldSecret {
  readonly secretId: string;
  /** ISO 8601. */
  readonly expiresAt?: string;
}

export interface HoldingRow extends HeldRow {
  kind: string;
  provider_id: string;
  grant_id: string | null;
  /** JSON object. */
  reference: string;
  /** JSON array of the vault ids of all its secrets, the current one last; empty again once they are destroyed. */
  secret_ids: string;
  /** JSON array of {@link HeldSecret}, the current one last: each becomes a target of its own when access is lost. */
  held_secrets: string;
  expires_at: string | null;
  /** `held`, `targeted` (a plan took it, whether or not its targets are there yet), `ended` (released). */
  state: string;
  /** The last cascade whose plan took it. Plans are read in order: its targets are there when those of others are. */
  cascade_id: string | null;
}

export interface TargetRow {
  tenant: string;
  target_id: string;
  cascade_id: string;
  generation: number;
  holding_type: string;
  holding_id: string;
  kind: string;
  provider_id: string;
  user_id: string | null;
  agent_id: string | null;
  /** Vault id of what is to be revoked; null when the reference says it all. */
  secret_id: string | null;
  expires_at: string | null;
  ord: number;
  state: string;
  grade: string | null;
  consumed: number;
  attempts: number;
  probes: number;
  refuted: number;
  /** ms since the epoch; null once settled. */
  due_at: number | null;
  last_class: string | null;
  /** Revision of the target's stream; -1 before its first event. */
  revision: number;
}

export interface CascadeRow {
  tenant: string;
  cascade_id: string;
  generation: number;
  correlation_id: string;
  target_count: number;
  planned_count: number;
  settled_count: number;
  /** Revision of the cascade's stream. */
  revision: number;
  completed: Flag;
}

export interface RevocationDb extends HeldDb {
  held_holdings: HoldingRow;
  held_providers: {
    tenant: string;
    provider_id: string;
    connector: string;
    settings: string;
    secret_id: string | null;
    removed: Flag;
  };
  /** Vault ids of secrets that a provider no longer has; a row goes when the vault has destroyed its secret. */
  held_replaced_secrets: { tenant: string; provider_id: string; secret_id: string };
  work_targets: TargetRow;
  work_cascades: CascadeRow;
}

const tables: Readonly<Record<keyof RevocationDb, Table>> = {
  ...heldTables,
  held_holdings: {
    columns: {
      ...heldColumns,
      kind: 'text',
      provider_id: 'text',
      grant_id: 'text?',
      reference: 'text',
      secret_ids: 'text',
      held_secrets: 'text',
      expires_at: 'text?',
      cascade_id: 'text?',
    },
    key: HELD_KEY,
  },
  held_providers: {
    columns: {
      tenant: 'text',
      provider_id: 'text',
      connector: 'text',
      settings: 'text',
      secret_id: 'text?',
      removed: 'integer',
    },
    key: ['tenant', 'provider_id'],
  },
  held_replaced_secrets: {
    columns: { tenant: 'text', provider_id: 'text', secret_id: 'text' },
    key: ['tenant', 'provider_id', 'secret_id'],
  },
  work_targets: {
    columns: {
      tenant: 'text',
      target_id: 'text',
      cascade_id: 'text',
      generation: 'integer',
      holding_type: 'text',
      holding_id: 'text',
      kind: 'text',
      provider_id: 'text',
      user_id: 'text?',
      agent_id: 'text?',
      secret_id: 'text?',
      expires_at: 'text?',
      ord: 'integer',
      state: 'text',
      grade: 'text?',
      consumed: 'integer',
      attempts: 'integer',
      probes: 'integer',
      refuted: 'integer',
      due_at: 'bigint?',
      last_class: 'text?',
      revision: 'integer',
    },
    key: ['tenant', 'target_id'],
  },
  work_cascades: {
    columns: {
      tenant: 'text',
      cascade_id: 'text',
      generation: 'integer',
      correlation_id: 'text',
      target_count: 'integer',
      planned_count: 'integer',
      settled_count: 'integer',
      revision: 'integer',
      completed: 'integer',
    },
    key: ['tenant', 'cascade_id'],
  },
};

const indexes: readonly Index[] = [
  ...heldIndexes,
  ['work_targets_holding', 'work_targets', ['tenant', 'holding_type', 'holding_id']],
  // A verdict counts the targets of its own cascade, however many others there ever were.
  ['work_targets_cascade', 'work_targets', ['tenant', 'cascade_id']],
];

/** Name of the checkpoint of these tables. */
export const RELAY = 'relay';

/** An earlier version knew neither the secret of a target nor how often its end was refuted. The log does: it is followed anew. */
async function dropOldTables(db: Kysely<RevocationDb>): Promise<void> {
  if (!(await hasTable(db, 'work_targets')) || (await hasColumn(db, 'work_targets', 'secret_id'))) return;
  await dropRevocationDb(db);
  if (await hasTable(db, 'checkpoints')) await forgetCheckpoint(db, RELAY);
}

/** Creates what is missing, and anew what an earlier version made otherwise; safe to call at every start. */
export async function migrateRevocationDb(db: Kysely<RevocationDb>): Promise<void> {
  await dropOldTables(db);
  const fill = await nestedGroupsOf(db);
  await createTables(db, tables, indexes);
  await fill();
  // Partial: its size is that of the open work, however much was settled before.
  await db.schema
    .createIndex('work_targets_due')
    .ifNotExists()
    .on('work_targets')
    .columns(['tenant', 'provider_id', 'ord', 'due_at'])
    .where('due_at', 'is not', null)
    .execute();
}

export const dropRevocationDb = (db: Kysely<RevocationDb>): Promise<void> => dropTables(db, Object.keys(tables));

// The tables of the deny gate: who may act, what was registered for whom, and with which providers. Rebuilt from the log.
import type { HoldingType } from '@app/events';
import { createTables, dropTables, hasColumn, hasTable, type Flag, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { HELD_KEY, heldColumns, heldIndexes, heldTables, type HeldDb, type HeldRow } from './held-db.js';
import { nestedGroupsOf } from './nested-groups.js';

/**
 * DI token of the Kysely instance over {@link GateDb}. A database of its own: the relay appends to the log inside its
 * transaction, and no answer may wait for that.
 */
export const GATE_DB = Symbol('GATE_DB');

export interface GateHoldingRow extends HeldRow {
  holding_type: HoldingType;
  /** `held`, `revoked` (a fact took it from its holder: its revocation follows in the log) or `released`. */
  state: 'held' | 'revoked' | 'released';
  /** JSON array of {@link DenialReason} as of the last registration or rotation. */
  denials: string;
  /** Vault id of the current secret of a credential; null: it has none. */
  secret_id: string | null;
  /** It was registered without a secret. */
  by_reference: Flag;
}

export interface GateProviderRow {
  tenant: string;
  provider_id: string;
  connector: string;
  display_name: string;
  /** JSON object. */
  settings: string;
  has_secret: Flag;
}

export interface GateDb extends HeldDb {
  held_holdings: GateHoldingRow;
  gate_providers: GateProviderRow;
}

const tables: Readonly<Record<keyof GateDb, Table>> = {
  ...heldTables,
  held_holdings: {
    columns: { ...heldColumns, denials: 'text', secret_id: 'text?', by_reference: 'integer' },
    key: HELD_KEY,
  },
  gate_providers: {
    columns: {
      tenant: 'text',
      provider_id: 'text',
      connector: 'text',
      display_name: 'text',
      settings: 'text',
      has_secret: 'integer',
    },
    key: ['tenant', 'provider_id'],
  },
};

/**
 * Drops the tables of an earlier version, which learned what was revoked from the plans alone, or did not know the secrets
 * that a plan names.
 * @returns true when they must be made from the log again
 */
export async function dropOldGate(db: Kysely<GateDb>): Promise<boolean> {
  const isOlder = await hasTable(db, 'gate_holdings');
  const isOld = (await hasTable(db, 'held_holdings')) && !(await hasColumn(db, 'held_holdings', 'secret_id'));
  if (!isOlder && !isOld) return false;
  await dropTables(db, ['gate_holdings', ...Object.keys(tables)]);
  return true;
}

/** Creates what is missing; safe to call at every start. */
export async function migrateGateDb(db: Kysely<GateDb>): Promise<void> {
  const fill = await nestedGroupsOf(db);
  await createTables(db, tables, heldIndexes);
  await fill();
}

export const dropGateDb = (db: Kysely<GateDb>): Promise<void> => dropTables(db, Object.keys(tables));

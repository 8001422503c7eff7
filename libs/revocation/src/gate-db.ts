// The tables of the deny gate: who may act, what was registered for whom, and with which providers. Rebuilt from the log.
import type { HoldingType } from '@app/events';
import { createTables, type Flag, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { nestedGroupsOf } from './nested-groups.js';
import { subjectIndexes, subjectTables, type SubjectsDb } from './subjects.view.js';

/**
 * DI token of the Kysely instance over {@link GateDb}. A database of its own: the relay appends to the log inside its
 * transaction, and no answer may wait for that.
 */
export const GATE_DB = Symbol('GATE_DB');

export interface GateHoldingRow {
  tenant: string;
  holding_type: HoldingType;
  holding_id: string;
  user_id: string | null;
  agent_id: string | null;
  /** JSON array of what it requires: groups and roles, see requirements.ts. */
  requires_groups: string;
  /** `held`, `revoked` (the revocation of its current secret was planned) or `released`. */
  state: 'held' | 'revoked' | 'released';
  /** JSON array of {@link DenialReason} as of the last registration or rotation. */
  denials: string;
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

export interface GateDb extends SubjectsDb {
  gate_holdings: GateHoldingRow;
  gate_providers: GateProviderRow;
}

const tables: Readonly<Record<keyof GateDb, Table>> = {
  ...subjectTables,
  gate_holdings: {
    columns: {
      tenant: 'text',
      holding_type: 'text',
      holding_id: 'text',
      user_id: 'text?',
      agent_id: 'text?',
      requires_groups: 'text',
      state: 'text',
      denials: 'text',
    },
    key: ['tenant', 'holding_type', 'holding_id'],
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

/** Creates what is missing; safe to call at every start. */
export async function migrateGateDb(db: Kysely<GateDb>): Promise<void> {
  const fill = await nestedGroupsOf(db);
  await createTables(db, tables, subjectIndexes);
  await fill();
}

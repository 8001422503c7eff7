// What a loss is found in: the tables that the relay's database and the gate's have in common.
import type { Index, Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { subjectIndexes, subjectTables, type SubjectsDb } from './subjects.view.js';

/** What is held and by whom. Each of the two databases has columns of its own beside these. */
export interface HeldRow {
  tenant: string;
  holding_id: string;
  holding_type: string;
  user_id: string | null;
  agent_id: string | null;
  /** JSON array of what it requires: groups and roles, see requirements.ts. */
  requires_groups: string;
  /** `held`, or a word for why it is not. */
  state: string;
}

export interface HeldDb extends SubjectsDb {
  held_holdings: HeldRow;
  /** Of credentials; `group_id` may be a role. */
  held_requirements: { tenant: string; group_id: string; holding_id: string };
}

/** A view of a larger database that sees the tables of {@link HeldDb} only. */
export const heldOf = <Db extends HeldDb>(db: Kysely<Db>): Kysely<HeldDb> => db as unknown as Kysely<HeldDb>;

export const heldColumns = {
  tenant: 'text',
  holding_id: 'text',
  holding_type: 'text',
  user_id: 'text?',
  agent_id: 'text?',
  requires_groups: 'text',
  state: 'text',
} as const satisfies Table['columns'];

export const HELD_KEY = ['tenant', 'holding_type', 'holding_id'] as const;

/** All but `held_holdings`, which each database has with more columns. */
export const heldTables: Readonly<Record<Exclude<keyof HeldDb, 'held_holdings'>, Table>> = {
  ...subjectTables,
  held_requirements: {
    columns: { tenant: 'text', group_id: 'text', holding_id: 'text' },
    key: ['tenant', 'group_id', 'holding_id'],
  },
};

export const heldIndexes: readonly Index[] = [
  ...subjectIndexes,
  ['held_holdings_user', 'held_holdings', ['tenant', 'user_id']],
  ['held_holdings_agent', 'held_holdings', ['tenant', 'agent_id']],
];

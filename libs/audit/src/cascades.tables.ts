// The tables of the cascades view and the indexes that its lists are read by.
import { DENIES } from '@app/events';
import { createTables, hasTable, marks, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AuditDb, CascadeRow, DenyRow, TargetRow } from './audit-db.js';

type Columns<Row> = { readonly [C in keyof Row]: 'text' | 'text?' | 'integer' };

const cascades: Columns<CascadeRow> = {
  tenant: 'text',
  cascade_id: 'text',
  subject_type: 'text',
  subject_id: 'text',
  cause_event_id: 'text',
  cause_type: 'text',
  correlation_id: 'text',
  policy_hash: 'text?',
  holdings_position: 'text',
  status: 'text',
  target_count: 'integer',
  counts: 'text',
  settled_count: 'integer',
  parked_count: 'integer',
  deferred_count: 'integer',
  t0: 'text',
  t1: 'text',
  t2: 'text?',
  t3: 'text?',
  t4: 'text?',
  started_at: 'text',
  completed_at: 'text?',
};

const targets: Columns<TargetRow> = {
  tenant: 'text',
  target_id: 'text',
  cascade_id: 'text',
  user_id: 'text?',
  agent_id: 'text?',
  provider_id: 'text',
  holding_type: 'text',
  holding_id: 'text',
  kind: 'text',
  expires_at: 'text?',
  planned_at: 'text',
  state: 'text',
  settled: 'integer',
  grade: 'text?',
  attempts: 'integer',
  next_at: 'text?',
  t2: 'text?',
  t3: 'text?',
  t4: 'text?',
  last_class: 'text?',
  last_reason: 'text?',
};

const denies: Columns<DenyRow> = { tenant: 'text', event_id: 'text', denied_at: 'text' };

const indexes: ReadonlyArray<readonly [name: string, table: keyof AuditDb, columns: readonly string[]]> = [
  ['cascade_cascades_age', 'cascade_cascades', ['tenant', 'started_at', 'cascade_id']],
  ['cascade_cascades_status', 'cascade_cascades', ['tenant', 'status', 'started_at', 'cascade_id']],
  ['cascade_cascades_subject', 'cascade_cascades', ['tenant', 'subject_id', 'started_at']],
  ['cascade_targets_age', 'cascade_targets', ['tenant', 'planned_at', 'target_id']],
  ['cascade_targets_state', 'cascade_targets', ['tenant', 'settled', 'state', 'planned_at', 'target_id']],
  ['cascade_targets_cascade', 'cascade_targets', ['tenant', 'cascade_id', 'planned_at', 'target_id']],
  ['cascade_targets_user', 'cascade_targets', ['tenant', 'user_id', 'planned_at', 'target_id']],
  ['cascade_targets_provider', 'cascade_targets', ['tenant', 'provider_id', 'settled', 'planned_at', 'target_id']],
];

/** To be called before the tables are created: an earlier version did not know which denies wait. @returns fills them in */
async function waitingDenies(db: Kysely<AuditDb>): Promise<() => Promise<void>> {
  if (!(await hasTable(db, 'cascade_cascades')) || (await hasTable(db, 'cascade_denies'))) {
    return () => Promise.resolve();
  }
  const types = [...DENIES];
  const text = `insert into cascade_denies (tenant, event_id, denied_at)
    select t.tenant, l.event_id, t.at from trail_entries t
    join ledger_leaves l on l.tenant = t.tenant and l.seq = t.seq
    where t.type in (${marks(types)}) and l.event_id not in (select cause_event_id from cascade_cascades)`;
  return async () => void (await run(db, text, types));
}

/** Creates what is missing; safe to call at every start. */
export async function migrateCascades(db: Kysely<AuditDb>): Promise<void> {
  const fill = await waitingDenies(db);
  const tables = {
    cascade_cascades: { columns: cascades, key: ['tenant', 'cascade_id'] },
    cascade_targets: { columns: targets, key: ['tenant', 'target_id'] },
    cascade_denies: { columns: denies, key: ['tenant', 'event_id'], inKey: true },
  };
  await createTables(db, tables, indexes);
  await fill();
}

// The tables of the audit room. All but the checkpoints are rebuilt from the log.
import type { Kysely } from 'kysely';

/** 0 or 1: portable between SQLite and PostgreSQL. */
export type Flag = number;

/**
 * Columns typed `number` may come back as bigint or text, depending on the driver: read them with `Number`. Times are
 * ISO 8601 UTC with milliseconds, so that text order is time order.
 */
export interface AuditDb {
  /** One Merkle tree per tenant: its size and what is needed to append. */
  ledger_trees: { tenant: string; size: number; frontier: Uint8Array };
  /** Leaf `seq` of the tenant's tree, with the exact bytes it is the hash of. */
  ledger_leaves: LeafRow;
  /** Roots of complete subtrees above the leaves. */
  ledger_nodes: { tenant: string; level: number; idx: number; hash: Uint8Array };
  /** What was ever signed. Not rebuilt from the log: it is the signer's memory. */
  ledger_checkpoints: { tenant: string; size: number; signed_at: string; note: string };

  trail_heads: { tenant: string; size: number };
  trail_entries: TrailRow;
  /** Which person, agent or other subject an entry is about. */
  trail_subjects: { tenant: string; subject_id: string; seq: number };
  /** Whom a credential, schedule, run, cascade or target concerns: later events name only the first. */
  trail_links: { tenant: string; ref_id: string; subject_id: string };

  cascade_cascades: CascadeRow;
  cascade_targets: TargetRow;
  /** Denies that no cascade has answered yet. */
  cascade_denies: DenyRow;
}

export interface LeafRow {
  tenant: string;
  seq: number;
  /** Position in the log, decimal. */
  position: string;
  stream: string;
  revision: number;
  event_id: string;
  type: string;
  leaf_hash: Uint8Array;
  bytes: Uint8Array;
}

export interface TrailRow {
  tenant: string;
  seq: number;
  at: string;
  type: string;
  stream: string;
  actor: string;
  correlation_id: string;
  cascade_id: string | null;
  target_id: string | null;
}

export interface DenyRow {
  tenant: string;
  event_id: string;
  denied_at: string;
}

export interface CascadeRow {
  tenant: string;
  cascade_id: string;
  subject_type: string;
  subject_id: string;
  cause_event_id: string;
  cause_type: string;
  correlation_id: string;
  policy_hash: string | null;
  holdings_position: string;
  status: string;
  target_count: number;
  /** JSON object: number of targets by state. Settled acknowledgements count as `acknowledged` too. */
  counts: string;
  settled_count: number;
  parked_count: number;
  deferred_count: number;
  /** T0 to T4; T2 is the first attempt, T3 and T4 are the last of their kind so far. */
  t0: string;
  t1: string;
  t2: string | null;
  t3: string | null;
  t4: string | null;
  started_at: string;
  completed_at: string | null;
}

export interface TargetRow {
  tenant: string;
  target_id: string;
  cascade_id: string;
  user_id: string | null;
  agent_id: string | null;
  provider_id: string;
  holding_type: string;
  holding_id: string;
  kind: string;
  expires_at: string | null;
  planned_at: string;
  state: string;
  settled: Flag;
  grade: string | null;
  attempts: number;
  next_at: string | null;
  t2: string | null;
  t3: string | null;
  t4: string | null;
  last_class: string | null;
  last_reason: string | null;
}

export type Trx = Kysely<AuditDb>;

/** A view over the same memory, so that drivers which know only Buffer take it. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// The cascades' projection: one row per cascade with its counts and times, one row per target with its state.
import { DENIES, type CascadeCause, type CascadeSubject, type EventType, type RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import { deleteRowsIn, insertRows, putRows, rowsIn } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AuditDb, CascadeRow, DenyRow, TargetRow, Trx } from './audit-db.js';
import { migrateCascades } from './cascades.tables.js';
import { plannedRow, targetChange, TARGET_STATES } from './target-fold.js';

/** What the cascades view needs to see of the log. */
const isAboutCascades = ({ stream, type }: RecordedEvent): boolean =>
  stream.startsWith('revocation-') || stream.startsWith('cascade-') || DENIES.has(type);

export class CascadesView implements Projection<AuditDb> {
  readonly name = 'cascades';

  migrate(db: Kysely<AuditDb>): Promise<void> {
    return migrateCascades(db);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events.filter(isAboutCascades), (e) => e.metadata.tenant)) {
      const batch = await Batch.load(trx, tenant, ofTenant);
      for (const event of ofTenant) batch.apply(event);
      await batch.save(trx);
    }
  }
}

const idsOf = (events: readonly RecordedEvent[], key: 'targetId' | 'cascadeId'): Set<string> =>
  new Set(events.flatMap((e) => (e.data as Partial<Record<typeof key, string>>)[key] ?? []));

/** What an event about a target changes in its row. */
const FOLDED = [
  'state',
  'settled',
  'grade',
  'attempts',
  'next_at',
  't2',
  't3',
  't4',
  'last_class',
  'last_reason',
] as const satisfies (keyof TargetRow)[];

/** What it changes in the row of its cascade: nothing that an index holds. */
const COUNTED = [
  'counts',
  'settled_count',
  'parked_count',
  'deferred_count',
  't2',
  't3',
  't4',
] as const satisfies (keyof CascadeRow)[];

/** The rows that one batch of events of one tenant touches, folded in memory. */
class Batch {
  private readonly targets = new Map<string, TargetRow>();
  private readonly cascades = new Map<string, CascadeRow>();
  /** Ids of what changed. */
  private readonly folded = new Set<string>();
  private readonly started = new Set<string>();
  private readonly counted = new Set<string>();
  private readonly ended = new Set<string>();
  private readonly denies = new Map<string, DenyRow>();
  /** Ids of denies of earlier batches. */
  private readonly answered = new Set<string>();

  private constructor(private readonly tenant: string) {}

  static async load(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<Batch> {
    const batch = new Batch(tenant);
    for (const row of await rowsIn(trx, 'cascade_targets', tenant, 'target_id', idsOf(events, 'targetId'))) {
      batch.targets.set(row.target_id, row);
    }
    for (const row of await rowsIn(trx, 'cascade_cascades', tenant, 'cascade_id', idsOf(events, 'cascadeId'))) {
      batch.cascades.set(row.cascade_id, row);
    }
    return batch;
  }

  apply(event: RecordedEvent): void {
    const { at } = event.metadata;
    if (DENIES.has(event.type)) {
      this.denies.set(event.id, { tenant: this.tenant, event_id: event.id, denied_at: at });
      return;
    }
    switch (event.type) {
      case 'CascadeStarted': {
        const { targetCount, policyHash } = event.data;
        const row = this.startedRow(event, event.data);
        this.start({ ...row, target_count: targetCount, policy_hash: policyHash });
        return;
      }
      case 'NothingToRevoke': {
        const row = this.startedRow(event, event.data);
        this.start({ ...row, status: 'complete', completed_at: at });
        return;
      }
      case 'RevocationPlanned': {
        const { cascadeId, targets } = event.data;
        for (const target of targets) {
          this.targets.set(target.targetId, plannedRow(this.tenant, cascadeId, target, at));
          this.folded.add(target.targetId);
        }
        this.count(cascadeId, { planned: targets.length });
        return;
      }
      case 'CascadeCompleted':
        this.change(event.data.cascadeId, this.ended, () => ({ status: event.data.verdict, completed_at: at }));
        return;
      default:
        this.applyToTarget(event);
    }
  }

  async save(trx: Trx): Promise<void> {
    const { targets, cascades, tenant } = this;
    await deleteRowsIn(trx, 'cascade_denies', { tenant }, 'event_id', this.answered);
    await insertRows(trx, 'cascade_denies', [...this.denies.values()]);
    await putRows(trx, 'cascade_targets', ['tenant', 'target_id'], rowsOf(targets, this.folded), FOLDED);
    const key = ['tenant', 'cascade_id'] as const;
    await putRows(trx, 'cascade_cascades', key, rowsOf(cascades, this.started));
    await putRows(trx, 'cascade_cascades', key, rowsOf(cascades, this.counted), COUNTED);
    await putRows(trx, 'cascade_cascades', key, rowsOf(cascades, this.ended), ['status', 'completed_at']);
  }

  private start(row: CascadeRow): void {
    this.cascades.set(row.cascade_id, row);
    this.started.add(row.cascade_id);
  }

  private answer({ eventId, eventType }: CascadeCause): void {
    if (!this.denies.delete(eventId) && DENIES.has(eventType as EventType)) this.answered.add(eventId);
  }

  private applyToTarget(event: RecordedEvent): void {
    const row = this.targets.get((event.data as { targetId?: string }).targetId ?? '');
    const change = row && targetChange(row, event);
    if (row === undefined || change === undefined) return;
    const next = { ...row, ...change };
    this.targets.set(row.target_id, next);
    this.folded.add(row.target_id);
    this.count(row.cascade_id, { [row.state]: -1 }, { [next.state]: 1 });
    this.change(row.cascade_id, this.counted, (cascade) => ({
      settled_count: cascade.settled_count + next.settled - row.settled,
      t2: earlier(cascade.t2, next.t2),
      t3: later(cascade.t3, next.t3),
      t4: later(cascade.t4, next.t4),
    }));
  }

  private count(cascadeId: string, ...deltas: Partial<Record<string, number>>[]): void {
    this.change(cascadeId, this.counted, (cascade) => {
      const counts = JSON.parse(cascade.counts) as Record<string, number>;
      for (const delta of deltas) {
        for (const [state, n = 0] of Object.entries(delta)) counts[state] = (counts[state] ?? 0) + n;
      }
      const { parked = 0, deferred = 0 } = counts;
      return { counts: JSON.stringify(counts), parked_count: parked, deferred_count: deferred };
    });
  }

  private change(id: string, among: Set<string>, changed: (row: CascadeRow) => Partial<CascadeRow>): void {
    const row = this.cascades.get(id);
    if (row === undefined) return;
    this.cascades.set(id, { ...row, ...changed(row) });
    if (!this.started.has(id)) among.add(id);
  }

  private startedRow(event: RecordedEvent, data: Started): CascadeRow {
    const { cascadeId, subject, cause, holdingsPosition } = data;
    this.answer(cause);
    return {
      tenant: this.tenant,
      cascade_id: cascadeId,
      subject_type: subject.type,
      subject_id: subject.id,
      cause_event_id: cause.eventId,
      cause_type: cause.eventType,
      correlation_id: event.metadata.correlationId,
      policy_hash: null,
      holdings_position: holdingsPosition,
      status: 'open',
      target_count: 0,
      counts: JSON.stringify(Object.fromEntries(TARGET_STATES.map((state) => [state, 0]))),
      settled_count: 0,
      parked_count: 0,
      deferred_count: 0,
      t0: cause.receivedAt,
      t1: cause.deniedAt,
      t2: null,
      t3: null,
      t4: null,
      started_at: event.metadata.at,
      completed_at: null,
    };
  }
}

const rowsOf = <Row>(rows: ReadonlyMap<string, Row>, ids: ReadonlySet<string>): Row[] =>
  [...ids].flatMap((id) => rows.get(id) ?? []);

interface Started {
  readonly cascadeId: string;
  readonly subject: CascadeSubject;
  readonly cause: CascadeCause;
  readonly holdingsPosition: string;
}

const earlier = (a: string | null, b: string | null): string | null => (a !== null && (b === null || a <= b) ? a : b);
const later = (a: string | null, b: string | null): string | null => (a !== null && (b === null || a >= b) ? a : b);

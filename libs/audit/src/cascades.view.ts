// The cascades' projection: one row per cascade with its counts and times, one row per target with its state.
import type { CascadeCause, CascadeSubject, RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import { chunksOf } from '@app/runtime';
import type { Kysely } from 'kysely';
import { insertChunks, type AuditDb, type CascadeRow, type TargetRow, type Trx } from './audit-db.js';
import { migrateCascades } from './cascades.tables.js';
import { plannedRow, targetChange, TARGET_STATES } from './target-fold.js';

/** What the cascades view needs to see of the log. */
const isAboutCascades = ({ stream }: RecordedEvent): boolean =>
  stream.startsWith('revocation-') || stream.startsWith('cascade-');

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

const idsOf = (events: readonly RecordedEvent[], key: 'targetId' | 'cascadeId'): string[] => [
  ...new Set(events.flatMap((e) => (e.data as Partial<Record<typeof key, string>>)[key] ?? [])),
];

/** The rows that one batch of events of one tenant touches, folded in memory. */
class Batch {
  private readonly targets = new Map<string, TargetRow>();
  private readonly cascades = new Map<string, CascadeRow>();

  private constructor(private readonly tenant: string) {}

  static async load(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<Batch> {
    const batch = new Batch(tenant);
    for (const ids of chunksOf(idsOf(events, 'targetId'))) {
      const found = trx.selectFrom('cascade_targets').selectAll().where('tenant', '=', tenant);
      for (const row of await found.where('target_id', 'in', ids).execute()) batch.targets.set(row.target_id, row);
    }
    for (const ids of chunksOf(idsOf(events, 'cascadeId'))) {
      const found = trx.selectFrom('cascade_cascades').selectAll().where('tenant', '=', tenant);
      for (const row of await found.where('cascade_id', 'in', ids).execute()) batch.cascades.set(row.cascade_id, row);
    }
    return batch;
  }

  apply(event: RecordedEvent): void {
    const { at } = event.metadata;
    switch (event.type) {
      case 'CascadeStarted': {
        const { cascadeId, targetCount, policyHash } = event.data;
        const row = this.started(event, event.data);
        this.cascades.set(cascadeId, { ...row, target_count: targetCount, policy_hash: policyHash });
        return;
      }
      case 'NothingToRevoke': {
        const row = this.started(event, event.data);
        this.cascades.set(event.data.cascadeId, { ...row, status: 'complete', completed_at: at });
        return;
      }
      case 'RevocationPlanned': {
        const { cascadeId, targets } = event.data;
        for (const target of targets) {
          this.targets.set(target.targetId, plannedRow(this.tenant, cascadeId, target, at));
        }
        this.count(cascadeId, { planned: targets.length });
        return;
      }
      case 'CascadeCompleted':
        this.change(event.data.cascadeId, () => ({ status: event.data.verdict, completed_at: at }));
        return;
      default:
        this.applyToTarget(event);
    }
  }

  async save(trx: Trx): Promise<void> {
    for (const rows of insertChunks([...this.targets.values()])) {
      await trx
        .insertInto('cascade_targets')
        .values(rows)
        .onConflict((c) =>
          c.columns(['tenant', 'target_id']).doUpdateSet((eb) => ({
            state: eb.ref('excluded.state'),
            settled: eb.ref('excluded.settled'),
            grade: eb.ref('excluded.grade'),
            attempts: eb.ref('excluded.attempts'),
            next_at: eb.ref('excluded.next_at'),
            t2: eb.ref('excluded.t2'),
            t3: eb.ref('excluded.t3'),
            t4: eb.ref('excluded.t4'),
            last_class: eb.ref('excluded.last_class'),
            last_reason: eb.ref('excluded.last_reason'),
          })),
        )
        .execute();
    }
    for (const row of this.cascades.values()) {
      const { tenant: _tenant, cascade_id: _id, ...changed } = row;
      await trx
        .insertInto('cascade_cascades')
        .values(row)
        .onConflict((c) => c.columns(['tenant', 'cascade_id']).doUpdateSet(changed))
        .execute();
    }
  }

  private applyToTarget(event: RecordedEvent): void {
    const row = this.targets.get((event.data as { targetId?: string }).targetId ?? '');
    const change = row && targetChange(row, event);
    if (row === undefined || change === undefined) return;
    const next = { ...row, ...change };
    this.targets.set(row.target_id, next);
    this.count(row.cascade_id, { [row.state]: -1 }, { [next.state]: 1 });
    this.change(row.cascade_id, (cascade) => ({
      settled_count: cascade.settled_count + next.settled - row.settled,
      t2: earlier(cascade.t2, next.t2),
      t3: later(cascade.t3, next.t3),
      t4: later(cascade.t4, next.t4),
    }));
  }

  private count(cascadeId: string, ...deltas: Partial<Record<string, number>>[]): void {
    this.change(cascadeId, (cascade) => {
      const counts = JSON.parse(cascade.counts) as Record<string, number>;
      for (const delta of deltas) {
        for (const [state, n = 0] of Object.entries(delta)) counts[state] = (counts[state] ?? 0) + n;
      }
      const { parked = 0, deferred = 0 } = counts;
      return { counts: JSON.stringify(counts), parked_count: parked, deferred_count: deferred };
    });
  }

  private change(cascadeId: string, changed: (row: CascadeRow) => Partial<CascadeRow>): void {
    const row = this.cascades.get(cascadeId);
    if (row !== undefined) this.cascades.set(cascadeId, { ...row, ...changed(row) });
  }

  private started(event: RecordedEvent, data: Started): CascadeRow {
    const { cascadeId, subject, cause, holdingsPosition } = data;
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

interface Started {
  readonly cascadeId: string;
  readonly subject: CascadeSubject;
  readonly cause: CascadeCause;
  readonly holdingsPosition: string;
}

const earlier = (a: string | null, b: string | null): string | null => (a !== null && (b === null || a <= b) ? a : b);
const later = (a: string | null, b: string | null): string | null => (a !== null && (b === null || a >= b) ? a : b);

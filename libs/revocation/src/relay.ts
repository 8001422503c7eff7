// The relay: follows the log in order, knows what is held, plans each loss and closes each cascade.
import { catalog, streams, type AnyEvent, type RecordedEvent } from '@app/events';
import { WrongExpectedRevision, type EventLog, type ExpectedRevision, type Projection } from '@app/event-log';
import { derivedId, type Clock } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import { chunksOf } from './chunks.js';
import { applyToHoldings } from './holdings.view.js';
import { planFor, type Plan } from './plan.js';
import { migrateRevocationDb, type HoldingRow, type RevocationDb, type TargetRow } from './revocation-db.js';
import { applyToWork, isWorkEvent, laneOf, type WorkChange } from './targets.view.js';
import { lossOf } from './triggers.js';

type Trx = Kysely<RevocationDb>;

/** Events per append: a plan of any size stays below the append limit. */
const PLANNED_EVENTS_PER_APPEND = 8;

export interface RelayParts {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly vault: Vault;
  /** Identifies the rules a plan was made by; recorded with every cascade. */
  readonly policyHash: string;
  /** Told after a batch is committed: work appeared or moved in these lanes. */
  readonly onWork: (change: WorkChange) => void;
}

/**
 * A projection that also writes: everything it appends has ids derived from the event it handles, and is appended
 * before its checkpoint is committed. After a crash it is replayed, and the log refuses the same ids as already there.
 */
export class Relay implements Projection<RevocationDb> {
  readonly name = 'relay';
  private pending: { change: WorkChange; secrets: Map<string, string[]> } | undefined;

  constructor(private readonly parts: RelayParts) {}

  migrate(db: Kysely<RevocationDb>): Promise<void> {
    return migrateRevocationDb(db);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    const reopened = new Set<string>();
    for (const event of events) {
      if (isWorkEvent(event)) continue;
      await applyToHoldings(trx, event);
      if (event.type === 'ProviderConfigured') {
        reopened.add(laneOf(event.metadata.tenant, event.data.providerId));
        await this.resumeProvider(trx, event.metadata.tenant, event.data.providerId);
      }
      const loss = await lossOf(trx, event);
      if (loss === undefined) continue;
      const plan = planFor(event, loss, this.parts.policyHash, this.parts.clock.iso());
      if (plan === undefined) continue;
      await this.appendPlan(plan);
      await markTargeted(trx, loss.holdings);
    }
    const change = await applyToWork(trx, events.filter(isWorkEvent));
    for (const lane of reopened) change.reopened.add(lane);
    const secrets = await this.endHoldings(trx, change.settled);
    await this.completeCascades(trx, change.settled);
    this.pending = { change, secrets };
  }

  /** Called once the batch is durable: only now may work be handed out and material be destroyed. */
  async committed(): Promise<void> {
    const { pending } = this;
    this.pending = undefined;
    if (pending === undefined) return;
    this.parts.onWork(pending.change);
    for (const [tenant, ids] of pending.secrets) await this.parts.vault.destroySecrets(tenant, ids);
  }

  private async appendPlan({ stream, events }: Plan): Promise<void> {
    let expected: ExpectedRevision = 'no-stream';
    for (const chunk of chunksOf(events, PLANNED_EVENTS_PER_APPEND)) {
      const { revision } = await this.parts.log.append(stream, expected, chunk);
      expected = revision;
    }
  }

  /** What was parked because the provider refused our own credentials is due again when they are changed. */
  private async resumeProvider(trx: Trx, tenant: string, providerId: string): Promise<void> {
    await trx
      .updateTable('work_targets')
      .set({ due_at: this.parts.clock.now() })
      .where('tenant', '=', tenant)
      .where('provider_id', '=', providerId)
      .where('state', '=', 'parked')
      .where('last_class', 'in', ['connector-broken', 'no-provider'])
      .execute();
  }

  /** @returns vault ids that are no longer needed, by tenant */
  private async endHoldings(trx: Trx, settled: readonly TargetRow[]): Promise<Map<string, string[]>> {
    const secrets = new Map<string, string[]>();
    for (const rows of byKind(settled)) {
      const { tenant, holding_type } = rows[0] as TargetRow;
      const ids: string[] = secrets.get(tenant) ?? [];
      for (const chunk of chunksOf(rows.map((row) => row.holding_id))) {
        const ended = await trx
          .updateTable('held_holdings')
          .set({ state: 'ended' })
          .where('tenant', '=', tenant)
          .where('holding_type', '=', holding_type)
          .where('holding_id', 'in', chunk)
          .returning('secret_ids')
          .execute();
        for (const row of ended) ids.push(...(JSON.parse(row.secret_ids) as string[]));
      }
      if (ids.length > 0) secrets.set(tenant, ids);
    }
    return secrets;
  }

  private async completeCascades(trx: Trx, settled: readonly TargetRow[]): Promise<void> {
    for (const rows of Map.groupBy(settled, (row) => `${row.tenant} ${row.cascade_id}`).values()) {
      const { tenant, cascade_id } = rows[0] as TargetRow;
      const cascade = await trx
        .updateTable('work_cascades')
        .set((eb) => ({ settled_count: eb('settled_count', '+', rows.length) }))
        .where('tenant', '=', tenant)
        .where('cascade_id', '=', cascade_id)
        .returningAll()
        .executeTakeFirstOrThrow();
      if (cascade.completed === 1 || cascade.settled_count < cascade.target_count) continue;
      await this.complete(trx, tenant, cascade_id, cascade.correlation_id, BigInt(cascade.revision));
    }
  }

  private async complete(trx: Trx, tenant: string, cascadeId: string, correlationId: string, revision: bigint) {
    const grades = await trx
      .selectFrom('work_targets')
      .select((eb) => ['grade', eb.fn.countAll<number>().as('n')])
      .where('tenant', '=', tenant)
      .where('cascade_id', '=', cascadeId)
      .groupBy('grade')
      .execute();
    const of = (grade: string): number => Number(grades.find((g) => g.grade === grade)?.n ?? 0);
    const counts = { A: of('A'), B: of('B'), C: of('C'), W: of('W') };
    const completed: AnyEvent = {
      id: derivedId('completed', cascadeId),
      type: 'CascadeCompleted',
      data: { cascadeId, verdict: counts.W > 0 ? 'complete-with-waivers' : 'complete', counts },
      metadata: {
        tenant,
        actor: 'system:relay',
        correlationId,
        causationId: cascadeId,
        schemaVersion: catalog.CascadeCompleted.version,
        at: this.parts.clock.iso(),
      },
    };
    try {
      await this.parts.log.append(streams.cascade(tenant, cascadeId), revision, [completed]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      const last = await this.parts.log.readStream(error.stream, { direction: 'backwards', max: 1 });
      if (last[0]?.type !== 'CascadeCompleted') throw error;
    }
  }
}

/** The ids of holdings are unique among those of one tenant and one type. */
const byKind = <R extends { tenant: string; holding_type: string }>(rows: readonly R[]) =>
  Map.groupBy(rows, (row) => `${row.tenant} ${row.holding_type}`).values();

async function markTargeted(trx: Trx, holdings: readonly HoldingRow[]): Promise<void> {
  for (const rows of byKind(holdings)) {
    const { tenant, holding_type } = rows[0] as HoldingRow;
    for (const chunk of chunksOf(rows.map((row) => row.holding_id))) {
      await trx
        .updateTable('held_holdings')
        .set({ state: 'targeted' })
        .where('tenant', '=', tenant)
        .where('holding_type', '=', holding_type)
        .where('holding_id', 'in', chunk)
        .execute();
    }
  }
}

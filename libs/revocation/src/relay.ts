// The relay: follows the log in order, knows what is held, plans each loss and closes each cascade.
import { catalog, streams, type AnyEvent, type EventType, type PlannedTarget, type RecordedEvent } from '@app/events';
import { WrongExpectedRevision, type EventLog, type ExpectedRevision, type Projection } from '@app/event-log';
import { chunksOf, derivedId, idLists, marks, run, Turns, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { applyToHoldings } from './holdings.view.js';
import { planFor, type Plan } from './plan.js';
import { dropRevocationDb, migrateRevocationDb, RELAY, type RevocationDb } from './revocation-db.js';
import { applyToWork, isWorkEvent, laneOf, noChange, type WorkChange, type WorkedTarget } from './targets.view.js';
import { subjectsOf } from './subjects.view.js';
import { lossOf } from './triggers.js';
import { applyUserStates, isUserState } from './user-states.js';

type Trx = Kysely<RevocationDb>;

/** What somebody loses may be thousands of holdings. */
const turns = new Turns();
/** Events per append: a plan of any size stays below the append limit. */
const PLANNED_EVENTS_PER_APPEND = 8;
/** How long (ms) to wait after a batch that brought no work: a busy log is then followed in fewer steps. */
const IDLE_PAUSE_MS = 10;

export interface RelayParts {
  readonly log: EventLog;
  readonly clock: Clock;
  /** Identifies the rules a plan was made by; recorded with every cascade. */
  readonly policyHash: string;
  /** Told after a batch is committed: work appeared, moved or ended. */
  readonly onWork: (change: WorkChange) => void;
}

/**
 * A projection that also writes: everything it appends has ids derived from the event it handles, and is appended
 * before its checkpoint is committed. After a crash it is replayed, and the log refuses the same ids as already there.
 */
export class Relay implements Projection<RevocationDb> {
  readonly name = RELAY;
  private pending: WorkChange | undefined;
  private idle = false;

  constructor(private readonly parts: RelayParts) {}

  migrate(db: Kysely<RevocationDb>): Promise<void> {
    return migrateRevocationDb(db);
  }

  discard(db: Kysely<RevocationDb>): Promise<void> {
    return dropRevocationDb(db);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    const change = noChange();
    this.idle = true;
    // Strictly in log order, so that the rows do not depend on where a batch happened to end; outcomes that follow one
    // another are folded in bulk.
    const noted: Promise<unknown>[] = [];
    try {
      for (const run of runsOf(events)) {
        const [first] = run as [RecordedEvent];
        if (isWorkEvent(first)) await this.applyWork(trx, run, change);
        else if (GAINS.has(first.type)) await applyUserStates(subjectsOf(trx), run.filter(isUserState));
        else for (const event of run) await this.applyFact(trx, event, change, noted);
      }
    } finally {
      await Promise.allSettled(noted);
    }
    await Promise.all(noted);
    this.pending = change;
    if (change.lanes.size + change.reopened.size + change.ended.length > 0) this.idle = false;
  }

  /** ms between the last batch and the next. */
  pauseMs(): number {
    return this.idle ? IDLE_PAUSE_MS : 0;
  }

  /** Called once the batch is durable: only now may work be handed out. */
  committed(): void {
    if (this.pending !== undefined) this.parts.onWork(this.pending);
    this.pending = undefined;
  }

  private async applyWork(trx: Trx, events: readonly RecordedEvent[], change: WorkChange): Promise<void> {
    const settled = await applyToWork(trx, events, change);
    if (settled.length === 0) return;
    await this.completeCascades(trx, settled);
    for (const row of settled) change.ended.push(row);
  }

  /** @param noted takes appends that no later fact of the batch depends on: they share one commit of the log */
  private async applyFact(
    trx: Trx,
    event: RecordedEvent,
    change: WorkChange,
    noted: Promise<unknown>[],
  ): Promise<void> {
    await turns.share();
    await applyToHoldings(trx, event);
    if (event.type === 'ProviderConfigured') {
      change.reopened.add(laneOf(event.metadata.tenant, event.data.providerId));
      await resumeProvider(trx, event.metadata.tenant, event.data.providerId, Date.parse(event.metadata.at));
    }
    if (event.type === 'ProviderConfigured' || event.type === 'ProviderRemoved') {
      const { tenant } = event.metadata;
      change.ended.push({ tenant, holding_type: 'provider', holding_id: event.data.providerId });
    }
    if (event.type === 'CredentialReleased') {
      const { tenant } = event.metadata;
      change.ended.push({ tenant, holding_type: 'credential', holding_id: event.data.credentialId });
    }
    const loss = await lossOf(trx, event);
    if (loss === undefined) return;
    await turns.share();
    const plan = planFor(event, loss, this.parts.policyHash, this.parts.clock.iso());
    if (plan === undefined) return;
    if (loss.holdings.length === 0) {
      const recording = this.record(plan);
      // Looked at when the batch ends; until then Node.js would take a failure for one that nobody handles, and exit.
      recording.catch(() => undefined);
      noted.push(recording);
      return;
    }
    // The targets are in the next batch.
    this.idle = false;
    await markTargeted(trx, event.metadata.tenant, plan.cascadeId, await this.record(plan));
  }

  /** @returns the targets that the log now holds for this plan */
  private async record({ stream, events }: Plan): Promise<PlannedTarget[]> {
    try {
      let expected: ExpectedRevision = 'no-stream';
      for (const chunk of chunksOf(events, PLANNED_EVENTS_PER_APPEND)) {
        const { revision } = await this.parts.log.append(stream, expected, chunk);
        expected = revision;
      }
      return targetsOf(events);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      // The rows are being rebuilt by rules that have changed since: what was planned then stands.
      return this.recordedPlan(error);
    }
  }

  /** @throws the conflict, when the recorded plan is not whole */
  private async recordedPlan(conflict: WrongExpectedRevision): Promise<PlannedTarget[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await this.parts.log.readStream(conflict.stream, { from: BigInt(events.length) });
      if (page.length === 0) break;
      events.push(...page);
    }
    const first = events[0];
    const targets = targetsOf(events);
    const expected = first?.type === 'CascadeStarted' ? first.data.targetCount : 0;
    if (first === undefined || targets.length !== expected) throw conflict;
    return targets;
  }

  private async completeCascades(trx: Trx, settled: readonly WorkedTarget[]): Promise<void> {
    for (const rows of Map.groupBy(settled, (row) => `${row.tenant} ${row.cascade_id}`).values()) {
      const { tenant, cascade_id } = rows[0] as WorkedTarget;
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

/** Nobody loses anything by these, and identity providers send them by the thousand. */
const GAINS: ReadonlySet<EventType> = new Set([
  'UserNameReserved',
  'UserNameReleased',
  'UserProvisioned',
  'UserReactivated',
]);

const kindOf = (event: RecordedEvent) => (isWorkEvent(event) ? 'work' : GAINS.has(event.type) ? 'gain' : 'fact');

/** Splits a batch where events that are applied in different ways follow one another. */
function* runsOf(events: readonly RecordedEvent[]): Generator<RecordedEvent[]> {
  let run: RecordedEvent[] = [];
  for (const event of events) {
    if (run.length > 0 && kindOf(event) !== kindOf(run[0] as RecordedEvent)) {
      yield run;
      run = [];
    }
    run.push(event);
  }
  if (run.length > 0) yield run;
}

const targetsOf = (events: readonly AnyEvent[]): PlannedTarget[] =>
  events.flatMap((event) => (event.type === 'RevocationPlanned' ? event.data.targets : []));

/**
 * Whatever waits for its next attempt is due again, with its curve before it: what kept it back may have been mended. A
 * probe keeps its time, because the provider has said yes.
 */
async function resumeProvider(trx: Trx, tenant: string, providerId: string, at: number): Promise<void> {
  await trx
    .updateTable('work_targets')
    .set({ due_at: at, consumed: 0 })
    .where('tenant', '=', tenant)
    .where('provider_id', '=', providerId)
    .where('due_at', '>', at)
    .where('state', 'in', ['due', 'parked'])
    .execute();
}

async function markTargeted(
  trx: Trx,
  tenant: string,
  cascadeId: string,
  targets: readonly PlannedTarget[],
): Promise<void> {
  for (const [type, alike] of Map.groupBy(targets, (target) => target.holdingType)) {
    for (const ids of idLists(alike.map((target) => target.holdingId))) {
      await turns.share();
      const text = `update held_holdings set state = 'targeted', held_secrets = '[]', cascade_id = ?
        where tenant = ? and holding_type = ? and holding_id in (${marks(ids)})`;
      await run(trx, text, [cascadeId, tenant, type, ...ids]);
    }
  }
}

// The work to be done: one row per target and one per cascade, folded from their events in bulk.
import type { Grade, PlannedTarget, RecordedEvent } from '@app/events';
import { chunksOf, idLists, insertRows, marks, run, Turns } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { CascadeRow, HoldingRow, RevocationDb, TargetRow } from './revocation-db.js';
import type { HoldingKey } from './spent-secrets.js';
import { evolveTarget, type Target, type TargetState } from './target.js';

type Trx = Kysely<RevocationDb>;

const turns = new Turns();

/** What a batch of events did to the work: which lanes to look at, and what has just ended. */
export interface WorkChange {
  readonly lanes: Set<string>;
  /** Lanes whose provider was configured anew: whatever was held back there may go. */
  readonly reopened: Set<string>;
  /** Targets with a new recorded fact: no longer in flight. */
  readonly touched: { lane: string; targetId: string }[];
  /** Holdings of which a target has ended, those that were released, and providers that may have a new secret. */
  readonly ended: HoldingKey[];
}

export const noChange = (): WorkChange => ({ lanes: new Set(), reopened: new Set(), touched: [], ended: [] });

/** The unit of fairness: one provider of one tenant. */
export const laneOf = (tenant: string, providerId: string): string => `${tenant}.${providerId}`;

/** What an outcome changes. */
const FOLDED = [
  'state',
  'grade',
  'consumed',
  'attempts',
  'probes',
  'refuted',
  'due_at',
  'last_class',
  'revision',
] as const satisfies readonly (keyof TargetRow)[];

/** What folding an outcome takes; half the columns, read for every target of a cascade. */
const WORKED = [
  'tenant',
  'target_id',
  'cascade_id',
  'provider_id',
  'holding_type',
  'holding_id',
  ...FOLDED,
] as const satisfies readonly (keyof TargetRow)[];

export type WorkedTarget = Pick<TargetRow, (typeof WORKED)[number]>;

/** The pure state of a stored target. */
export const targetOf = (row: WorkedTarget): Target => ({
  state: row.state as TargetState,
  grade: (row.grade ?? undefined) as Grade | undefined,
  consumed: row.consumed,
  attempts: row.attempts,
  probes: row.probes,
  refuted: row.refuted,
  dueAt: row.due_at === null ? undefined : Number(row.due_at),
  lastClass: (row.last_class ?? undefined) as Target['lastClass'],
});

const plannedRow = (tenant: string, cascade: CascadeRow, target: PlannedTarget, at: number): TargetRow => ({
  tenant,
  target_id: target.targetId,
  cascade_id: cascade.cascade_id,
  generation: cascade.generation,
  holding_type: target.holdingType,
  holding_id: target.holdingId,
  kind: target.kind,
  provider_id: target.providerId,
  user_id: target.userId ?? null,
  agent_id: target.agentId ?? null,
  secret_id: target.secretId ?? null,
  expires_at: target.expiresAt ?? null,
  ord: target.order,
  state: 'due',
  grade: null,
  consumed: 0,
  attempts: 0,
  probes: 0,
  refuted: 0,
  due_at: at,
  last_class: null,
  revision: -1,
});

/** The planned target as the connectors know it. */
export const plannedOf = (row: TargetRow): PlannedTarget => ({
  targetId: row.target_id,
  holdingType: row.holding_type as PlannedTarget['holdingType'],
  holdingId: row.holding_id,
  kind: row.kind as PlannedTarget['kind'],
  providerId: row.provider_id,
  order: row.ord,
  ...(row.user_id === null ? {} : { userId: row.user_id }),
  ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
  ...(row.secret_id === null ? {} : { secretId: row.secret_id }),
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
});

/** Whether the event is about the work itself (cascade or target streams). */
export const isWorkEvent = (event: RecordedEvent): boolean =>
  event.stream.startsWith('revocation-') || event.stream.startsWith('cascade-');

/**
 * Applies work events: the plans first, then the outcomes, which cannot precede their plan.
 * @returns the targets that have ended
 */
export async function applyToWork(
  trx: Trx,
  events: readonly RecordedEvent[],
  change: WorkChange,
): Promise<WorkedTarget[]> {
  const settled: WorkedTarget[] = [];
  const ofTargets: RecordedEvent[] = [];
  for (const event of events) {
    if (event.stream.startsWith('cascade-')) await applyToCascade(trx, event, change);
    else ofTargets.push(event);
  }
  for (const [tenant, group] of Map.groupBy(ofTargets, (e) => e.metadata.tenant)) {
    for (const chunk of chunksOf(group)) settled.push(...(await applyToTargets(trx, tenant, chunk, change)));
  }
  return settled;
}

async function applyToCascade(trx: Trx, event: RecordedEvent, change: WorkChange): Promise<void> {
  await turns.share();
  const { tenant, correlationId, at } = event.metadata;
  const revision = Number(event.revision);
  if (event.type === 'CascadeStarted') {
    const { cascadeId, generation, targetCount } = event.data;
    const counters = { target_count: targetCount, planned_count: 0, settled_count: 0, revision, completed: 0 };
    await trx
      .insertInto('work_cascades')
      .values({ tenant, cascade_id: cascadeId, generation, correlation_id: correlationId, ...counters })
      .onConflict((c) => c.doNothing())
      .execute();
    return;
  }
  if (event.type !== 'RevocationPlanned' && event.type !== 'CascadeCompleted') return;
  const cascade = await trx
    .selectFrom('work_cascades')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('cascade_id', '=', event.data.cascadeId)
    .executeTakeFirstOrThrow();
  const planned = event.type === 'RevocationPlanned' ? event.data.targets : [];
  await trx
    .updateTable('work_cascades')
    .set({
      revision,
      planned_count: cascade.planned_count + planned.length,
      completed: event.type === 'CascadeCompleted' ? 1 : cascade.completed,
    })
    .where('tenant', '=', tenant)
    .where('cascade_id', '=', cascade.cascade_id)
    .execute();
  if (planned.length === 0) return;
  const known = await withSecrets(trx, tenant, planned);
  const rows = known.map((target) => plannedRow(tenant, cascade, target, Date.parse(at)));
  await insertRows(trx, 'work_targets', rows, 'on conflict do nothing');
  for (const row of rows) change.lanes.add(laneOf(tenant, row.provider_id));
}

/**
 * A plan of an earlier version does not say which secret it means: the newest that any plan has taken, as that version
 * did, and never one that is held again.
 */
async function withSecrets(trx: Trx, tenant: string, targets: readonly PlannedTarget[]): Promise<PlannedTarget[]> {
  const silent = targets.filter((one) => one.holdingType === 'credential' && one.secretId === undefined);
  const found = new Map<string, string>();
  for (const ids of idLists(silent.map((target) => target.holdingId))) {
    const text = `select holding_id, secret_ids, held_secrets from held_holdings
      where tenant = ? and holding_type = 'credential' and holding_id in (${marks(ids)})`;
    for (const row of await run<HoldingRow>(trx, text, [tenant, ...ids])) {
      const [all, held] = [row.secret_ids, row.held_secrets].map((json) => JSON.parse(json) as unknown[]);
      const secretId = (all as string[]).at(-1 - (held as unknown[]).length);
      if (secretId !== undefined) found.set(row.holding_id, secretId);
    }
  }
  return targets.map((target) => {
    const secretId = target.secretId ?? found.get(target.holdingId);
    return secretId === undefined || target.holdingType !== 'credential' ? target : { ...target, secretId };
  });
}

async function applyToTargets(
  trx: Trx,
  tenant: string,
  events: readonly RecordedEvent[],
  change: WorkChange,
): Promise<WorkedTarget[]> {
  const settled: WorkedTarget[] = [];
  const ids = new Set(events.map((e) => (e.data as { targetId: string }).targetId));
  const rows = new Map<string, WorkedTarget>();
  for (const list of idLists(ids)) {
    const text = `select ${WORKED.join(', ')} from work_targets where tenant = ? and target_id in (${marks(list)})`;
    for (const row of await run<WorkedTarget>(trx, text, [tenant, ...list])) rows.set(row.target_id, row);
  }
  for (const event of events) {
    const row = rows.get((event.data as { targetId: string }).targetId);
    if (row === undefined || row.state === 'settled') continue;
    const next = evolveTarget(targetOf(row), event);
    const changed: WorkedTarget = {
      ...row,
      state: next.state,
      grade: next.grade ?? null,
      consumed: next.consumed,
      attempts: next.attempts,
      probes: next.probes,
      refuted: next.refuted,
      due_at: next.dueAt ?? null,
      last_class: next.lastClass ?? null,
      revision: Number(event.revision),
    };
    rows.set(row.target_id, changed);
    if (next.state === 'settled') settled.push(changed);
  }
  if (rows.size === 0) return settled;
  await saveTargets(trx, tenant, [...rows.values()]);
  for (const row of rows.values()) {
    const lane = laneOf(tenant, row.provider_id);
    change.lanes.add(lane);
    change.touched.push({ lane, targetId: row.target_id });
  }
  return settled;
}

const SET_FOLDED = `update work_targets set ${FOLDED.map((column) => `${column} = ?`).join(', ')}`;

/** Most outcomes of a batch are alike: one short statement for all that are. */
async function saveTargets(trx: Trx, tenant: string, rows: readonly WorkedTarget[]): Promise<void> {
  const foldedOf = (row: WorkedTarget) => FOLDED.map((column) => row[column]);
  for (const alike of Map.groupBy(rows, (row) => JSON.stringify(foldedOf(row))).values()) {
    const folded = foldedOf(alike[0] as WorkedTarget);
    for (const ids of idLists(alike.map((row) => row.target_id))) {
      await run(trx, `${SET_FOLDED} where tenant = ? and target_id in (${marks(ids)})`, [...folded, tenant, ...ids]);
    }
  }
}

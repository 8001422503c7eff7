// The deny gate: who may act, folded in the order of the log, so that it agrees with what the relay revokes.
import { forgetCheckpoint, type Projection } from '@app/event-log';
import type { EventType, Holder, HoldingType, PlannedTarget, RecordedEvent } from '@app/events';
import { idLists, marks, run, Turns } from '@app/runtime';
import type { Kysely } from 'kysely';
import { denialsOf, denialsOfHeld, type DenialReason } from './denials.js';
import { dropGateDb, dropOldGate, migrateGateDb, type GateDb, type GateHoldingRow } from './gate-db.js';
import { requirementsOf } from './requirements.js';
import { applyToSubjects, subjectsOf } from './subjects.view.js';
import { lossOf } from './triggers.js';
import { applyUserStates, isUserState, type UserState } from './user-states.js';

type Trx = Kysely<GateDb>;

/** Of its own: those whose answer waits for the gate do not wait behind the work of a cascade. */
const turns = new Turns();

/** Come in great numbers, and nothing here looks at them. */
const PASSING: ReadonlySet<EventType> = new Set([
  'UserNameReserved',
  'UserNameReleased',
  'UserChanged',
  'RevocationAcknowledged',
  'RevocationVerified',
  'RevocationDeferred',
  'VerificationDeferred',
]);

/** Names its checkpoint. */
export const GATE = 'gate';

export class GateView implements Projection<GateDb> {
  readonly name = GATE;

  async migrate(db: Kysely<GateDb>): Promise<void> {
    if (await dropOldGate(db)) await forgetCheckpoint(db, this.name);
    await migrateGateDb(db);
  }

  discard(db: Kysely<GateDb>): Promise<void> {
    return dropGateDb(db);
  }

  ignores({ type }: RecordedEvent): boolean {
    return PASSING.has(type);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    let run: UserState[] = [];
    for (const event of events) {
      if (isUserState(event)) {
        run.push(event);
        continue;
      }
      if (this.ignores(event)) continue;
      await turns.share();
      await applyToUsers(trx, run);
      run = [];
      await applyToSubjects(subjectsOf(trx), event);
      await applyToProviders(trx, event);
      await applyToHoldings(trx, event);
    }
    await applyToUsers(trx, run);
  }
}

/** In few statements, except where somebody had something to lose: what it is depends on the facts before. */
async function applyToUsers(trx: Trx, events: readonly UserState[]): Promise<void> {
  const losers = await losersOf(trx, events);
  let run: UserState[] = [];
  for (const event of events) {
    run.push(event);
    if (!losers.has(keyOf(event))) continue;
    await applyUserStates(subjectsOf(trx), run);
    run = [];
    await condemn(trx, event);
  }
  await applyUserStates(subjectsOf(trx), run);
}

const keyOf = ({ metadata, data }: UserState): string => `${metadata.tenant} ${data.userId}`;

/** Those whom these facts stop, and who hold something or own an agent. */
async function losersOf(trx: Trx, events: readonly UserState[]): Promise<ReadonlySet<string>> {
  const losers = new Set<string>();
  const stopping = events.filter(({ type }) => type === 'UserDeactivated' || type === 'UserDeleted');
  for (const [tenant, ofTenant] of Map.groupBy(stopping, (event) => event.metadata.tenant)) {
    for (const ids of idLists(ofTenant.map((event) => event.data.userId))) {
      const text = `select user_id as id from held_holdings
          where tenant = ? and state = 'held' and user_id in (${marks(ids)})
        union all select owner_id from held_owners
          where tenant = ? and owner_type = 'User' and owner_id in (${marks(ids)})`;
      const rows = await run<{ id: string }>(trx, text, [tenant, ...ids, tenant, ...ids]);
      for (const { id } of rows) losers.add(`${tenant} ${id}`);
    }
  }
  return losers;
}

/** At the fact, as the relay does: a plan comes later, and by then the holder may be back. */
async function condemn(trx: Trx, event: RecordedEvent): Promise<void> {
  const loss = await lossOf(trx, event);
  for (const [type, rows] of Map.groupBy(loss?.holdings ?? [], (row) => row.holding_type)) {
    const held = rows.map((row) => row.holding_id);
    await revoke(trx, event.metadata.tenant, type, held);
  }
}

async function applyToProviders(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  if (event.type === 'ProviderConfigured') {
    const { providerId, connector, displayName, settings, secretId } = event.data;
    const row = {
      connector,
      display_name: displayName,
      settings: JSON.stringify(settings),
      has_secret: secretId === undefined ? 0 : 1,
    };
    await trx
      .insertInto('gate_providers')
      .values({ tenant, provider_id: providerId, ...row })
      .onConflict((c) => c.columns(['tenant', 'provider_id']).doUpdateSet(row))
      .execute();
  }
  if (event.type === 'ProviderRemoved') {
    await trx
      .deleteFrom('gate_providers')
      .where('tenant', '=', tenant)
      .where('provider_id', '=', event.data.providerId)
      .execute();
  }
}

async function applyToHoldings(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'CredentialRegistered': {
      const { data } = event;
      const requirements = requirementsOf(data);
      return register(trx, tenant, { type: 'credential', id: data.credentialId, ...data, requirements });
    }
    case 'ScheduleRegistered':
      return register(trx, tenant, { type: 'schedule', id: event.data.scheduleId, ...event.data });
    case 'RunStarted':
      return register(trx, tenant, { type: 'run', id: event.data.runId, ...event.data });
    case 'CredentialRotated':
      return rotate(trx, tenant, event.data.credentialId, event.data.secretId);
    case 'CredentialReleased':
      return release(trx, tenant, 'credential', event.data.credentialId);
    case 'ScheduleReleased':
      return release(trx, tenant, 'schedule', event.data.scheduleId);
    case 'RunEnded':
      return release(trx, tenant, 'run', event.data.runId);
    case 'RevocationPlanned':
      return revokePlanned(trx, tenant, event.data.targets);
    default:
      return condemn(trx, event);
  }
}

/** What a plan names was marked at its cause, unless it was planned by the rules of an earlier version: that stands. */
async function revokePlanned(trx: Trx, tenant: string, targets: readonly PlannedTarget[]): Promise<void> {
  for (const [type, alike] of Map.groupBy(targets, (target) => target.holdingType)) {
    const unmarked = await unrevoked(trx, tenant, type, alike);
    const meant = alike.filter((target) => isMeant(unmarked.get(target.holdingId), target));
    const ids = meant.map((target) => target.holdingId);
    await revoke(trx, tenant, type, ids);
  }
}

type Secrets = Pick<GateHoldingRow, 'holding_id' | 'secret_id' | 'by_reference'>;

/**
 * Whether the target is what its holding is now. What has got another secret since the cause of the plan is held anew. A plan
 * of an earlier version named no secrets.
 */
function isMeant(now: Secrets | undefined, { secretId }: PlannedTarget): boolean {
  if (now === undefined) return false;
  return secretId === undefined ? now.secret_id === null || now.by_reference === 0 : secretId === now.secret_id;
}

/** The holdings of these targets that are not revoked, by their ids. */
async function unrevoked(
  trx: Trx,
  tenant: string,
  type: HoldingType,
  targets: readonly PlannedTarget[],
): Promise<ReadonlyMap<string, Secrets>> {
  const found = new Map<string, Secrets>();
  for (const list of idLists(targets.map((target) => target.holdingId))) {
    await turns.share();
    const text = `select holding_id, secret_id, by_reference from held_holdings
      where tenant = ? and holding_type = ? and holding_id in (${marks(list)}) and state <> 'revoked'`;
    for (const row of await run<Secrets>(trx, text, [tenant, type, ...list])) found.set(row.holding_id, row);
  }
  return found;
}

async function revoke(trx: Trx, tenant: string, type: HoldingType, ids: readonly string[]): Promise<void> {
  for (const list of idLists(ids)) {
    await turns.share();
    const text = `update held_holdings set state = 'revoked'
      where tenant = ? and holding_type = ? and holding_id in (${marks(list)})`;
    await run(trx, text, [tenant, type, ...list]);
  }
}

const holdings = (trx: Trx, tenant: string, type: HoldingType, ids: readonly string[]) =>
  trx
    .updateTable('held_holdings')
    .where('tenant', '=', tenant)
    .where('holding_type', '=', type)
    .where('holding_id', 'in', ids);

interface Registered extends Holder {
  readonly type: HoldingType;
  readonly id: string;
  readonly requirements?: readonly string[];
  readonly secretId?: string;
}

/** The verdict is made here and kept: at this position the relay makes the same one. */
async function register(trx: Trx, tenant: string, registered: Registered): Promise<void> {
  const { type, id, userId, agentId, requirements = [], secretId } = registered;
  const denials = await denialsOf(subjectsOf(trx), tenant, registered, requirements);
  await trx
    .insertInto('held_holdings')
    .values({
      tenant,
      holding_type: type,
      holding_id: id,
      user_id: userId ?? null,
      agent_id: agentId ?? null,
      requires_groups: JSON.stringify(requirements),
      secret_id: secretId ?? null,
      by_reference: secretId === undefined ? 1 : 0,
      ...standing(denials),
    })
    .onConflict((c) => c.doNothing())
    .execute();
  if (requirements.length === 0) return;
  await trx
    .insertInto('held_requirements')
    .values(requirements.map((one) => ({ tenant, group_id: one, holding_id: id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

/** What is held against a denial is revoked for that: the registration is the fact. */
const standing = (denials: readonly DenialReason[]): Pick<GateHoldingRow, 'state' | 'denials'> => ({
  state: denials.length === 0 ? 'held' : 'revoked',
  denials: JSON.stringify(denials),
});

async function rotate(trx: Trx, tenant: string, id: string, secretId: string): Promise<void> {
  const row = await trx
    .selectFrom('held_holdings')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('holding_type', '=', 'credential')
    .where('holding_id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return;
  const denials = await denialsOfHeld(subjectsOf(trx), row);
  await holdings(trx, tenant, 'credential', [id])
    // A new secret is held anew, as the relay sees it.
    .set({ ...standing(denials), secret_id: secretId })
    .execute();
}

async function release(trx: Trx, tenant: string, type: HoldingType, id: string): Promise<void> {
  await holdings(trx, tenant, type, [id]).where('state', '=', 'held').set({ state: 'released' }).execute();
}

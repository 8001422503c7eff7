// The deny gate: who may act, folded in the order of the log, so that it agrees with what the relay revokes.
import type { Projection } from '@app/event-log';
import type { EventType, Holder, HoldingType, RecordedEvent } from '@app/events';
import { idLists, marks, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import { denialsOf } from './denials.js';
import { migrateGateDb, type GateDb } from './gate-db.js';
import { requirementsOf } from './requirements.js';
import { applyToSubjects, subjectsOf } from './subjects.view.js';
import { applyUserStates, isUserState, type UserState } from './user-states.js';

type Trx = Kysely<GateDb>;

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

  migrate(db: Kysely<GateDb>): Promise<void> {
    return migrateGateDb(db);
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
      await applyUserStates(subjectsOf(trx), run);
      run = [];
      await applyToSubjects(subjectsOf(trx), event);
      await applyToProviders(trx, event);
      await applyToHoldings(trx, event);
    }
    await applyUserStates(subjectsOf(trx), run);
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
      return rotate(trx, tenant, event.data.credentialId);
    case 'CredentialReleased':
      return release(trx, tenant, 'credential', event.data.credentialId);
    case 'ScheduleReleased':
      return release(trx, tenant, 'schedule', event.data.scheduleId);
    case 'RunEnded':
      return release(trx, tenant, 'run', event.data.runId);
    case 'RevocationPlanned':
      for (const [type, targets] of Map.groupBy(event.data.targets, (target) => target.holdingType)) {
        for (const ids of idLists(targets.map((target) => target.holdingId))) await revoke(trx, tenant, type, ids);
      }
      return;
    default:
      return;
  }
}

async function revoke(trx: Trx, tenant: string, type: HoldingType, ids: readonly string[]): Promise<void> {
  const text = `update gate_holdings set state = 'revoked'
    where tenant = ? and holding_type = ? and holding_id in (${marks(ids)})`;
  await run(trx, text, [tenant, type, ...ids]);
}

const holdings = (trx: Trx, tenant: string, type: HoldingType, ids: readonly string[]) =>
  trx
    .updateTable('gate_holdings')
    .where('tenant', '=', tenant)
    .where('holding_type', '=', type)
    .where('holding_id', 'in', ids);

interface Registered extends Holder {
  readonly type: HoldingType;
  readonly id: string;
  readonly requirements?: readonly string[];
}

/** The verdict is made here and kept: at this position the relay makes the same one. */
async function register(trx: Trx, tenant: string, registered: Registered): Promise<void> {
  const { type, id, userId, agentId, requirements = [] } = registered;
  const denials = await denialsOf(subjectsOf(trx), tenant, registered, requirements);
  await trx
    .insertInto('gate_holdings')
    .values({
      tenant,
      holding_type: type,
      holding_id: id,
      user_id: userId ?? null,
      agent_id: agentId ?? null,
      requires_groups: JSON.stringify(requirements),
      state: 'held',
      denials: JSON.stringify(denials),
    })
    .onConflict((c) => c.doNothing())
    .execute();
}

async function rotate(trx: Trx, tenant: string, id: string): Promise<void> {
  const row = await trx
    .selectFrom('gate_holdings')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('holding_type', '=', 'credential')
    .where('holding_id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return;
  const holder = {
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.agent_id === null ? {} : { agentId: row.agent_id }),
  };
  const requirements = JSON.parse(row.requires_groups) as string[];
  const denials = await denialsOf(subjectsOf(trx), tenant, holder, requirements);
  await holdings(trx, tenant, 'credential', [id])
    // A new secret is held anew, as the relay sees it; if the holder is denied, its revocation follows in the log.
    .set({ state: 'held', denials: JSON.stringify(denials) })
    .execute();
}

async function release(trx: Trx, tenant: string, type: HoldingType, id: string): Promise<void> {
  await holdings(trx, tenant, type, [id]).where('state', '=', 'held').set({ state: 'released' }).execute();
}

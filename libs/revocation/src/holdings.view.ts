// What is held and by whom, in the order of the log: the state that a plan is computed from.
import type { EventData, HoldingType, RecordedEvent } from '@app/events';
import type { Kysely } from 'kysely';
import { requirementsOf } from './requirements.js';
import type { HeldSecret, HoldingRow, RevocationDb } from './revocation-db.js';
import { applyToSubjects, subjectsOf } from './subjects.view.js';
import { EXPIRY_LEEWAY_MS } from './target.js';

type Trx = Kysely<RevocationDb>;

interface Registered {
  providerId: string;
  userId?: string;
  agentId?: string;
  reference: Record<string, string>;
}

const holdingRow = (tenant: string, type: HoldingType, id: string, data: Registered): HoldingRow => ({
  tenant,
  holding_id: id,
  holding_type: type,
  kind: type,
  provider_id: data.providerId,
  user_id: data.userId ?? null,
  agent_id: data.agentId ?? null,
  grant_id: null,
  reference: JSON.stringify(data.reference),
  secret_ids: '[]',
  held_secrets: '[]',
  requires_groups: '[]',
  expires_at: null,
  state: 'held',
  cascade_id: null,
});

async function register(trx: Trx, row: HoldingRow, requirements: readonly string[] = []) {
  await trx
    .insertInto('held_holdings')
    .values(row)
    .onConflict((c) => c.doNothing())
    .execute();
  if (requirements.length === 0) return;
  await trx
    .insertInto('held_requirements')
    .values(requirements.map((one) => ({ tenant: row.tenant, group_id: one, holding_id: row.holding_id })))
    .onConflict((c) => c.doNothing())
    .execute();
}

const credential = (trx: Trx, tenant: string, id: string) =>
  trx
    .selectFrom('held_holdings')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('holding_type', '=', 'credential')
    .where('holding_id', '=', id)
    .executeTakeFirst();

/** The platform dropped it; a target that already exists goes on to its own end. */
async function release(trx: Trx, tenant: string, type: HoldingType, id: string) {
  await trx
    .updateTable('held_holdings')
    .set({ state: 'ended' })
    .where('tenant', '=', tenant)
    .where('holding_type', '=', type)
    .where('holding_id', '=', id)
    .where('state', '=', 'held')
    .execute();
}

const heldSecret = (secretId: string, expiresAt?: string): HeldSecret => ({
  secretId,
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

const hasExpired = ({ expiresAt }: HeldSecret, at: number): boolean =>
  expiresAt !== undefined && at >= Date.parse(expiresAt) + EXPIRY_LEEWAY_MS;

/** Those before it may still be alive at the provider, unless they have outlived themselves. */
async function rotate(trx: Trx, tenant: string, data: EventData['CredentialRotated'], at: string) {
  const row = await credential(trx, tenant, data.credentialId);
  if (row === undefined) return;
  const secretIds = [...(JSON.parse(row.secret_ids) as string[]), data.secretId];
  const before = (JSON.parse(row.held_secrets) as HeldSecret[]).filter((one) => !hasExpired(one, Date.parse(at)));
  await trx
    .updateTable('held_holdings')
    .set({
      secret_ids: JSON.stringify(secretIds),
      held_secrets: JSON.stringify([...before, heldSecret(data.secretId, data.expiresAt)]),
      expires_at: data.expiresAt ?? null,
      // Also while a target is open: that one may have revoked the old secret already, the new one needs its own.
      state: 'held',
    })
    .where('tenant', '=', tenant)
    .where('holding_type', '=', 'credential')
    .where('holding_id', '=', data.credentialId)
    .execute();
}

/** Applies one event; events of other kinds are ignored. */
export async function applyToHoldings(trx: Trx, event: RecordedEvent): Promise<void> {
  await applyToSubjects(subjectsOf(trx), event);
  await applyAccess(trx, event);
}

/** Remembers the secret that the provider had until now, so that it is destroyed. */
async function replaceSecret(trx: Trx, tenant: string, providerId: string, next: string | null): Promise<void> {
  const before = await trx
    .selectFrom('held_providers')
    .select('secret_id')
    .where('tenant', '=', tenant)
    .where('provider_id', '=', providerId)
    .executeTakeFirst();
  const secretId = before?.secret_id ?? null;
  if (secretId === null || secretId === next) return;
  await trx
    .insertInto('held_replaced_secrets')
    .values({ tenant, provider_id: providerId, secret_id: secretId })
    .onConflict((c) => c.doNothing())
    .execute();
}

async function applyAccess(trx: Trx, event: RecordedEvent): Promise<void> {
  const { tenant } = event.metadata;
  switch (event.type) {
    case 'ProviderConfigured': {
      const { providerId, connector, settings, secretId } = event.data;
      const row = { connector, settings: JSON.stringify(settings), secret_id: secretId ?? null, removed: 0 };
      await replaceSecret(trx, tenant, providerId, row.secret_id);
      await trx
        .insertInto('held_providers')
        .values({ tenant, provider_id: providerId, ...row })
        .onConflict((c) => c.columns(['tenant', 'provider_id']).doUpdateSet(row))
        .execute();
      return;
    }
    case 'ProviderRemoved':
      await replaceSecret(trx, tenant, event.data.providerId, null);
      await trx
        .updateTable('held_providers')
        .set({ removed: 1, secret_id: null })
        .where('tenant', '=', tenant)
        .where('provider_id', '=', event.data.providerId)
        .execute();
      return;
    case 'CredentialRegistered': {
      const { data } = event;
      const row = {
        ...holdingRow(tenant, 'credential', data.credentialId, data),
        kind: data.kind,
        grant_id: data.grantId ?? null,
        secret_ids: JSON.stringify(data.secretId === undefined ? [] : [data.secretId]),
        held_secrets: JSON.stringify(data.secretId === undefined ? [] : [heldSecret(data.secretId, data.expiresAt)]),
        requires_groups: JSON.stringify(requirementsOf(data)),
        expires_at: data.expiresAt ?? null,
      };
      return register(trx, row, requirementsOf(data));
    }
    case 'CredentialRotated':
      return rotate(trx, tenant, event.data, event.metadata.at);
    case 'ScheduleRegistered':
      return register(trx, holdingRow(tenant, 'schedule', event.data.scheduleId, event.data));
    case 'RunStarted':
      return register(trx, holdingRow(tenant, 'run', event.data.runId, event.data));
    case 'CredentialReleased':
      return release(trx, tenant, 'credential', event.data.credentialId);
    case 'ScheduleReleased':
      return release(trx, tenant, 'schedule', event.data.scheduleId);
    case 'RunEnded':
      return release(trx, tenant, 'run', event.data.runId);
    default:
      return;
  }
}

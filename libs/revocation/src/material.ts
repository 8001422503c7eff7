// Gathers what an attempt needs: the holding, the provider and, for that moment only, the secrets.
import type { PlannedTarget } from '@app/events';
import { idLists, marks, run } from '@app/runtime';
import { BrokenSealError, type Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import type { ConnectorRequest, Outcome, ProviderInstance } from './connectors/connector.port.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { plannedOf } from './targets.view.js';

/** A target with everything an attempt at it needs. `provider` is absent when it was removed or never configured. */
export interface LoadedTarget {
  readonly row: TargetRow;
  readonly planned: PlannedTarget;
  readonly reference: Readonly<Record<string, string>>;
  readonly secret: string | undefined;
  /** What of it cannot be read. No call is made without it: it would be another one. */
  readonly unreadable: Unreadable | undefined;
  readonly provider: (ProviderInstance & { readonly connectorName: string }) | undefined;
  readonly correlationId: string;
}

export interface Unreadable {
  readonly what: 'holding' | 'secret' | 'provider secret';
  readonly error: Error;
}

/** A target with what its holding and its cascade say. */
export interface FoundTarget extends TargetRow {
  /** Null when the holding is missing: the views must be rebuilt. */
  readonly reference: string | null;
  readonly correlation_id: string | null;
}

const FIND = `select t.*, h.reference, c.correlation_id from work_targets t
  left join held_holdings h
    on h.tenant = t.tenant and h.holding_type = t.holding_type and h.holding_id = t.holding_id
  left join work_cascades c on c.tenant = t.tenant and c.cascade_id = t.cascade_id
  where t.tenant = ? and t.target_id in`;

/** The targets of one tenant that are known, in any order. */
export async function findTargets(
  db: Kysely<RevocationDb>,
  tenant: string,
  targetIds: Iterable<string>,
): Promise<FoundTarget[]> {
  const found: FoundTarget[] = [];
  for (const ids of idLists(targetIds)) {
    found.push(...(await run<FoundTarget>(db, `${FIND} (${marks(ids)})`, [tenant, ...ids])));
  }
  return found;
}

/**
 * Loads in bulk for targets of one tenant; a fixed number of queries however many targets there are. What of one target
 * cannot be read is said there and holds up none of the others.
 */
export async function loadMaterial(
  db: Kysely<RevocationDb>,
  vault: Vault,
  tenant: string,
  rows: readonly FoundTarget[],
): Promise<LoadedTarget[]> {
  const providerIds = [...new Set(rows.map((row) => row.provider_id))];
  const text = `select * from held_providers where tenant = ? and removed = 0 and provider_id in (${marks(providerIds)})`;
  const providers = await run<RevocationDb['held_providers']>(db, text, [tenant, ...providerIds]);
  const wanted = [...rows, ...providers].map((row) => row.secret_id).filter((id) => id !== null);
  const secrets: Secrets = wanted.length === 0 ? new Map() : await vault.openSecrets(tenant, wanted);
  const configured = new Map(
    providers.map((p) => [p.provider_id, { row: p, instance: instanceOf(p, textOf(secrets, p.secret_id)) }]),
  );
  return rows.map((row) => {
    const provider = configured.get(row.provider_id);
    return {
      row,
      planned: plannedOf(row),
      reference: row.reference === null ? {} : (JSON.parse(row.reference) as Record<string, string>),
      secret: textOf(secrets, row.secret_id),
      unreadable: unreadableOf(secrets, row, provider?.row),
      provider: provider?.instance,
      correlationId: row.correlation_id ?? row.cascade_id,
    };
  });
}

type ProviderRow = RevocationDb['held_providers'];
type Secrets = Awaited<ReturnType<Vault['openSecrets']>>;

const instanceOf = (row: ProviderRow, secret: string | undefined) => ({
  providerId: row.provider_id,
  connectorName: row.connector,
  settings: JSON.parse(row.settings) as Record<string, unknown>,
  secret,
});

const foundOf = (secrets: Secrets, id: string | null | undefined) =>
  id === null || id === undefined ? undefined : secrets.get(id);

function textOf(secrets: Secrets, id: string | null): string | undefined {
  const found = foundOf(secrets, id);
  return found instanceof BrokenSealError ? undefined : found;
}

function unreadableOf(secrets: Secrets, row: FoundTarget, provider: ProviderRow | undefined): Unreadable | undefined {
  if (row.reference === null) return { what: 'holding', error: new Error('it has no holding: rebuild the views') };
  const own = foundOf(secrets, row.secret_id);
  if (own instanceof BrokenSealError) return { what: 'secret', error: own };
  const ofProvider = foundOf(secrets, provider?.secret_id);
  return ofProvider instanceof BrokenSealError ? { what: 'provider secret', error: ofProvider } : undefined;
}

const REASONS = {
  holding: 'its holding is not known any more: rebuild the views',
  secret: 'its secret in the vault cannot be read: restore the vault, or revoke it by hand and waive it',
};

/** What an attempt comes to for which something cannot be read: visible, and tried again as rarely as what is parked. */
export function outcomeOfUnreadable({ what }: Unreadable): Outcome {
  const evidence = { adapter: 'none', request: 'none', conclusion: `nothing was sent: the ${what} cannot be read` };
  return what === 'provider secret'
    ? { kind: 'connector-broken', code: 'secret-unreadable', evidence }
    : { kind: 'permanent', reason: REASONS[what], evidence };
}

/** What the connector is told about this attempt. */
export const requestFor = (loaded: LoadedTarget, provider: ProviderInstance, attempt: number): ConnectorRequest => ({
  tenant: loaded.row.tenant,
  target: loaded.planned,
  attempt,
  refuted: loaded.row.refuted,
  reference: loaded.reference,
  secret: loaded.secret,
  provider,
});

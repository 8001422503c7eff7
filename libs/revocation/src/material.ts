// Gathers what an attempt needs: the holding, the provider and, for that moment only, the secrets.
import type { PlannedTarget } from '@app/events';
import { idLists, marks, run } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import type { ConnectorRequest, ProviderInstance } from './connectors/connector.port.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { plannedOf } from './targets.view.js';

/** A target with everything an attempt at it needs. `provider` is absent when it was removed or never configured. */
export interface LoadedTarget {
  readonly row: TargetRow;
  readonly planned: PlannedTarget;
  readonly reference: Readonly<Record<string, string>>;
  readonly secret: string | undefined;
  readonly provider: (ProviderInstance & { readonly connectorName: string }) | undefined;
  readonly correlationId: string;
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

/** Loads in bulk for targets of one tenant; a fixed number of queries however many targets there are. */
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
  const secrets = wanted.length === 0 ? new Map<string, string>() : await vault.openSecrets(tenant, wanted);
  const open = (id: string | null) => (id === null ? undefined : secrets.get(id));
  const providerOf = new Map(
    providers.map((p) => [
      p.provider_id,
      {
        providerId: p.provider_id,
        connectorName: p.connector,
        settings: JSON.parse(p.settings) as Record<string, unknown>,
        secret: open(p.secret_id),
      },
    ]),
  );
  return rows.map((row) => ({
    row,
    planned: plannedOf(row),
    reference: referenceOf(row),
    secret: open(row.secret_id),
    provider: providerOf.get(row.provider_id),
    correlationId: row.correlation_id ?? row.cascade_id,
  }));
}

/** @throws when the target has no holding */
function referenceOf({ target_id, reference }: FoundTarget): Record<string, string> {
  if (reference === null) throw new Error(`target ${target_id} has no holding: the views must be rebuilt`);
  return JSON.parse(reference) as Record<string, string>;
}

/** What the connector is told about this attempt. */
export const requestFor = (loaded: LoadedTarget, provider: ProviderInstance, attempt: number): ConnectorRequest => ({
  tenant: loaded.row.tenant,
  target: loaded.planned,
  attempt,
  reference: loaded.reference,
  secret: loaded.secret,
  provider,
});

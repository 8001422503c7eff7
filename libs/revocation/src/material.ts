// Gathers what an attempt needs: the holding, the provider and, for that moment only, the secrets.
import type { PlannedTarget } from '@app/events';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import type { ConnectorRequest, ProviderInstance } from './connectors/connector.port.js';
import type { HoldingRow, RevocationDb, TargetRow } from './revocation-db.js';
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

/** Loads in bulk for targets of one tenant; a fixed number of queries however many targets there are. */
export async function loadMaterial(
  db: Kysely<RevocationDb>,
  vault: Vault,
  tenant: string,
  rows: readonly TargetRow[],
): Promise<LoadedTarget[]> {
  const distinct = (ids: readonly string[]) => [...new Set(ids)];
  const holdings = await db
    .selectFrom('held_holdings')
    .select(['holding_type', 'holding_id', 'reference', 'secret_ids'])
    .where('tenant', '=', tenant)
    .where('holding_type', 'in', distinct(rows.map((row) => row.holding_type)))
    .where('holding_id', 'in', distinct(rows.map((row) => row.holding_id)))
    .execute();
  const providers = await db
    .selectFrom('held_providers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('removed', '=', 0)
    .where('provider_id', 'in', distinct(rows.map((row) => row.provider_id)))
    .execute();
  const cascades = await db
    .selectFrom('work_cascades')
    .select(['cascade_id', 'correlation_id'])
    .where('tenant', '=', tenant)
    .where('cascade_id', 'in', distinct(rows.map((row) => row.cascade_id)))
    .execute();
  const wanted = [...holdings.map(currentSecret), ...providers.map((p) => p.secret_id)].filter((id) => id !== null);
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
  const holdingOf = new Map(holdings.map((holding) => [keyOf(holding), holding]));
  const correlationOf = new Map(cascades.map((c) => [c.cascade_id, c.correlation_id]));
  return rows.map((row) => {
    const holding = holdingOf.get(keyOf(row));
    if (holding === undefined) throw new Error(`target ${row.target_id} has no holding: the views must be rebuilt`);
    return {
      row,
      planned: plannedOf(row),
      reference: JSON.parse(holding.reference) as Record<string, string>,
      secret: open(currentSecret(holding)),
      provider: providerOf.get(row.provider_id),
      correlationId: correlationOf.get(row.cascade_id) ?? row.cascade_id,
    };
  });
}

/** The ids of holdings are unique among those of one type. */
const keyOf = (row: { holding_type: string; holding_id: string }) => `${row.holding_type} ${row.holding_id}`;

const currentSecret = (holding: Pick<HoldingRow, 'secret_ids'>): string | null =>
  (JSON.parse(holding.secret_ids) as string[]).at(-1) ?? null;

/** What the connector is told about this attempt. */
export const requestFor = (loaded: LoadedTarget, provider: ProviderInstance, attempt: number): ConnectorRequest => ({
  tenant: loaded.row.tenant,
  target: loaded.planned,
  attempt,
  reference: loaded.reference,
  secret: loaded.secret,
  provider,
});

// Destroys the material of ended holdings and the replaced secrets of providers, and finds again what a crash left.
import type { Clock } from '@app/runtime';
import type { Vault } from '@app/vault';
import { chunksOf, idLists, marks, run, Turns } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { HoldingRow, RevocationDb } from './revocation-db.js';

/** Each destruction makes the vault durable, and a cascade ends thousands of holdings in a second: they go together. */
const GATHER_MS = 1_000;
/** In one transaction, which nobody else can write to the vault beside. */
const AT_ONCE = 500;
/** Wait after the vault has failed. */
const AGAIN_MS = 5_000;
const NONE = '[]';

const turns = new Turns();

/** A plan is recorded behind all that the log holds: until it has been read whole, a holding without targets awaits some. */
const SPENT = `select holding_id, secret_ids from held_holdings h
  where state <> 'held' and secret_ids <> '${NONE}' and (cascade_id is null or exists (
    select 1 from work_cascades c where c.tenant = h.tenant and c.cascade_id = h.cascade_id
      and c.planned_count >= c.target_count)) and not exists (
    select 1 from work_targets t where t.tenant = h.tenant and t.holding_type = h.holding_type
      and t.holding_id = h.holding_id and t.state <> 'settled')
  and tenant = ? and holding_type = ? and holding_id in`;

/** `holding_type` is `provider` for a provider whose secret may have been replaced. */
export type HoldingKey = Pick<HoldingRow, 'tenant' | 'holding_type' | 'holding_id'>;
type Spent = Pick<HoldingRow, 'holding_id' | 'secret_ids'>;

export interface SpentSecretsParts {
  readonly db: Kysely<RevocationDb>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** A row forgets its vault ids once the vault has destroyed them: the rows are the list of what is left to destroy. */
export class SpentSecrets {
  private noticed: HoldingKey[] = [];
  private cancelTimer: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly parts: SpentSecretsParts) {}

  /** These holdings may have ended: what they left in the vault is destroyed within about a second. */
  notice(holdings: readonly HoldingKey[]): void {
    for (const holding of holdings) this.noticed.push(holding);
    this.destroyIn(GATHER_MS);
  }

  /** Once at the start: an earlier process may have died between the end of a holding and the destruction. */
  async recover(): Promise<void> {
    const left = this.parts.db
      .selectFrom('held_holdings')
      .select(['tenant', 'holding_type', 'holding_id'])
      .where('state', '!=', 'held')
      .where('secret_ids', '!=', NONE);
    this.notice(await left.execute());
    const replaced = await this.parts.db
      .selectFrom('held_replaced_secrets')
      .select(['tenant', 'provider_id'])
      .execute();
    this.notice(replaced.map((row) => ({ tenant: row.tenant, holding_type: 'provider', holding_id: row.provider_id })));
  }

  /** Resolves when nothing is being destroyed any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer?.();
    await this.running;
  }

  private destroyIn(ms: number): void {
    if (this.stopped || this.noticed.length === 0 || this.cancelTimer !== undefined) return;
    const { clock } = this.parts;
    this.cancelTimer = clock.at(clock.now() + ms, () => {
      this.running = this.destroy().then((wait) => {
        this.cancelTimer = undefined;
        this.destroyIn(wait);
      });
    });
  }

  /** @returns ms until the next look; what could not be destroyed is looked at again */
  private async destroy(): Promise<number> {
    const holdings = this.noticed;
    this.noticed = [];
    try {
      for (const alike of Map.groupBy(holdings, (key) => `${key.tenant} ${key.holding_type}`).values()) {
        for (const chunk of chunksOf(alike, AT_ONCE)) await this.destroyOf(chunk);
      }
      return GATHER_MS;
    } catch (error) {
      this.parts.onError(error);
      this.noticed.push(...holdings);
      return AGAIN_MS;
    }
  }

  private async destroyOf(alike: readonly HoldingKey[]): Promise<void> {
    const { tenant, holding_type } = alike[0] as HoldingKey;
    const ids = alike.map((key) => key.holding_id);
    if (holding_type === 'provider') return this.destroyReplaced(tenant, ids);
    const spent = await this.spent(tenant, holding_type, ids);
    if (spent.length === 0) return;
    const secretIds = spent.flatMap((row) => JSON.parse(row.secret_ids) as string[]);
    await this.parts.vault.destroySecrets(tenant, secretIds);
    await this.parts.db.transaction().execute((trx) => this.forget(trx, tenant, holding_type, spent));
  }

  private async forget(
    trx: Kysely<RevocationDb>,
    tenant: string,
    type: string,
    spent: readonly Spent[],
  ): Promise<void> {
    const destroyed = [...idLists(spent.map((row) => row.secret_ids))];
    for (const [i, ids] of [...idLists(spent.map((row) => row.holding_id))].entries()) {
      await turns.share();
      // A secret that came in meanwhile has not been destroyed.
      const text = `update held_holdings set secret_ids = '${NONE}' where tenant = ? and holding_type = ?
        and holding_id in (${marks(ids)}) and secret_ids in (${marks(ids)})`;
      await run(trx, text, [tenant, type, ...ids, ...(destroyed[i] as string[])]);
    }
  }

  private async destroyReplaced(tenant: string, providerIds: readonly string[]): Promise<void> {
    const { db, vault } = this.parts;
    const rows = await db
      .selectFrom('held_replaced_secrets')
      .select('secret_id')
      .where('tenant', '=', tenant)
      .where('provider_id', 'in', providerIds)
      .execute();
    const secretIds = rows.map((row) => row.secret_id);
    if (secretIds.length === 0) return;
    await vault.destroySecrets(tenant, secretIds);
    await db
      .deleteFrom('held_replaced_secrets')
      .where('tenant', '=', tenant)
      .where('secret_id', 'in', secretIds)
      .execute();
  }

  /** Of these holdings, those that ended: a secret that came in late has brought a target of its own. */
  private async spent(tenant: string, type: string, ids: readonly string[]): Promise<Spent[]> {
    const found: Spent[] = [];
    for (const list of idLists(ids)) {
      await turns.share();
      found.push(...(await run<Spent>(this.parts.db, `${SPENT} (${marks(list)})`, [tenant, type, ...list])));
    }
    return found;
  }
}

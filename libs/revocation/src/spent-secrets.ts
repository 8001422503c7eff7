// Destroys the material of holdings that have ended, and finds again what a crash left undestroyed.
import type { Vault } from '@app/vault';
import { sql, type Kysely } from 'kysely';
import type { HoldingRow, RevocationDb } from './revocation-db.js';

const AT_ONCE = 500;
const NONE = '[]';

type Spent = Pick<HoldingRow, 'tenant' | 'holding_type' | 'holding_id' | 'secret_ids'>;

export interface SpentSecretsParts {
  readonly db: Kysely<RevocationDb>;
  readonly vault: Vault;
  readonly onError: (error: unknown) => void;
}

/** The rows are the list of what is left to destroy: a row forgets its vault ids once the vault has destroyed them. */
export class SpentSecrets {
  private running: Promise<void> | undefined;
  private again = false;

  constructor(private readonly parts: SpentSecretsParts) {}

  /** Destroys all that is spent by now. Never rejects; what fails is found again by the next call. */
  destroy(): Promise<void> {
    this.again = true;
    this.running ??= this.whileThereIsMore().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Resolves when nothing is being destroyed. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async whileThereIsMore(): Promise<void> {
    try {
      while (this.again) {
        const rows = await this.spent();
        this.again = rows.length === AT_ONCE;
        for (const alike of Map.groupBy(rows, (row) => `${row.tenant} ${row.holding_type}`).values()) {
          await this.destroyOf(alike);
        }
      }
    } catch (error) {
      this.parts.onError(error);
    }
  }

  /** The constants are literals, so that both dialects see that the partial index answers this. */
  private spent(): Promise<Spent[]> {
    return this.parts.db
      .selectFrom('held_holdings')
      .select(['tenant', 'holding_type', 'holding_id', 'secret_ids'])
      .where('state', '=', sql.lit('ended'))
      .where('secret_ids', '!=', sql.lit(NONE))
      .limit(AT_ONCE)
      .execute();
  }

  private async destroyOf(rows: readonly Spent[]): Promise<void> {
    const { tenant, holding_type } = rows[0] as Spent;
    await this.parts.vault.destroySecrets(
      tenant,
      rows.flatMap((row) => JSON.parse(row.secret_ids) as string[]),
    );
    const column = (name: 'holding_id' | 'secret_ids') => rows.map((row) => row[name]);
    await this.parts.db
      .updateTable('held_holdings')
      .set({ secret_ids: NONE })
      .where('tenant', '=', tenant)
      .where('holding_type', '=', holding_type)
      .where('holding_id', 'in', column('holding_id'))
      // A secret that came in meanwhile has not been destroyed.
      .where('secret_ids', 'in', column('secret_ids'))
      .where('state', '=', 'ended')
      .execute();
  }
}

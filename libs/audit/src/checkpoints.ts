// Signs checkpoints of the ledger, and remembers each so as never to sign a history that contradicts an earlier one.
import type { Clock } from '@app/runtime';
import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { checkpointText, parseCheckpoint, signNote, verifierKey } from './checkpoint.js';
import type { Ledger } from './ledger.js';
import { verifyConsistency } from './merkle.js';

export interface SignedCheckpoint {
  readonly size: number;
  readonly signedAt: string;
  readonly note: string;
}

/** The ledger no longer contains what was signed before: it was altered, and nothing is signed until somebody looks. */
export class InconsistentLedger extends Error {
  override readonly name = 'InconsistentLedger';
}

/** The ledger is shorter than what was signed. Harmless while it is being rebuilt from the log. */
export class LedgerBehind extends Error {
  override readonly name = 'LedgerBehind';
}

export interface CheckpointParts {
  readonly db: Kysely<AuditDb>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Names the log to the outside, for example a host name; the origin of a tenant is `<logName>/<tenant>`. */
  readonly logName: string;
  readonly key: KeyObject;
  /** Takes each new checkpoint outside: without an outside copy a log proves nothing against its operator. */
  readonly publish?: (tenant: string, checkpoint: SignedCheckpoint) => void | Promise<void>;
}

export class Checkpoints {
  constructor(private readonly parts: CheckpointParts) {}

  origin(tenant: string): string {
    return `${this.parts.logName}/${tenant}`;
  }

  /** What an auditor keeps to verify this tenant's bundles. */
  vkey(tenant: string): string {
    return verifierKey(this.origin(tenant), this.parts.key);
  }

  /** Signs any text in the name of the tenant's log. */
  signNote(tenant: string, text: string): string {
    return signNote(text, this.origin(tenant), this.parts.key);
  }

  /**
   * The signed checkpoint of the ledger at `size` leaves (default: now). The size of the last one gives that one again.
   * @throws InconsistentLedger, LedgerBehind
   */
  async sign(tenant: string, size?: number): Promise<SignedCheckpoint> {
    const { ledger, db, clock, publish } = this.parts;
    const last = await this.newest(tenant);
    const current = size ?? (await ledger.size(tenant));
    if (last !== undefined && current < last.size) {
      throw new LedgerBehind(
        `${current} leaves, but ${last.size} were signed: it is being rebuilt, or its tail was cut`,
      );
    }
    const head = await ledger.head(tenant, current);
    if (last !== undefined) {
      const signed = parseCheckpoint(last.note);
      const proof = await ledger.consistencyProof(tenant, last.size, head.size);
      if (!verifyConsistency(signed, head, proof)) {
        throw new InconsistentLedger(
          `the ledger of ${tenant} contradicts the checkpoint signed at ${last.size} leaves`,
        );
      }
      if (last.size === head.size) return last;
    }
    const note = this.signNote(tenant, checkpointText({ origin: this.origin(tenant), ...head }));
    const signed = { size: head.size, signedAt: clock.iso(), note };
    const row = { tenant, size: signed.size, signed_at: signed.signedAt, note };
    await db
      .insertInto('ledger_checkpoints')
      .values(row)
      .onConflict((c) => c.doNothing())
      .execute();
    await publish?.(tenant, signed);
    return signed;
  }

  /** Checkpoints below `size`, the newest first. */
  async earlier(tenant: string, size: number, max: number): Promise<SignedCheckpoint[]> {
    const rows = await this.select(tenant).where('size', '<', size).orderBy('size', 'desc').limit(max).execute();
    return rows.map(toCheckpoint);
  }

  async newest(tenant: string): Promise<SignedCheckpoint | undefined> {
    const row = await this.select(tenant).orderBy('size', 'desc').limit(1).executeTakeFirst();
    return row && toCheckpoint(row);
  }

  private select(tenant: string) {
    return this.parts.db.selectFrom('ledger_checkpoints').selectAll().where('tenant', '=', tenant);
  }
}

const toCheckpoint = (row: AuditDb['ledger_checkpoints']): SignedCheckpoint => ({
  size: Number(row.size),
  signedAt: row.signed_at,
  note: row.note,
});

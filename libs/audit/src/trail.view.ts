// The trail's projection: one row per event, and rows by which the events about one person are found.
import type { RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import { createTables, insertRows, putRows, rowsIn, run, type Index, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AuditDb, TrailRow, Trx } from './audit-db.js';
import { aboutOf, type About } from './subjects.js';

const tables: Readonly<Record<string, Table>> = {
  trail_heads: { columns: { tenant: 'text', size: 'bigint' }, key: ['tenant'] },
  trail_entries: {
    columns: {
      tenant: 'text',
      seq: 'bigint',
      at: 'text',
      type: 'text',
      stream: 'text',
      actor: 'text',
      correlation_id: 'text',
      cascade_id: 'text?',
      target_id: 'text?',
    },
    key: ['tenant', 'seq'],
  },
  trail_subjects: {
    columns: { tenant: 'text', subject_id: 'text', seq: 'bigint' },
    key: ['tenant', 'subject_id', 'seq'],
    inKey: true,
  },
  trail_links: {
    columns: { tenant: 'text', ref_id: 'text', subject_id: 'text' },
    key: ['tenant', 'ref_id', 'subject_id'],
    inKey: true,
  },
};

/** Most events are about no cascade. */
const indexes: readonly Index[] = [
  ['trail_entries_cascade_id', 'trail_entries', ['tenant', 'cascade_id', 'seq'], 'cascade_id is not null'],
  ['trail_entries_target_id', 'trail_entries', ['tenant', 'target_id', 'seq'], 'target_id is not null'],
  ['trail_entries_at', 'trail_entries', ['tenant', 'at', 'seq']],
];

/** Numbers the events of a tenant exactly as the ledger does: both see all of them, in log order. */
export class TrailView implements Projection<AuditDb> {
  readonly name = 'trail';

  migrate(db: Kysely<AuditDb>): Promise<void> {
    return createTables(db, tables, indexes);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events, (e) => e.metadata.tenant)) {
      await this.applyTenant(trx, tenant, ofTenant);
    }
  }

  private async applyTenant(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
    const [head] = await run<{ size: number }>(trx, 'select size from trail_heads where tenant = ?', [tenant]);
    const first = Number(head?.size ?? 0);
    const abouts = events.map((event) => aboutOf(event.type, event.data));
    const links = await Links.load(
      trx,
      tenant,
      abouts.flatMap((about) => about.refs ?? []),
    );
    const entries: TrailRow[] = [];
    const subjects: AuditDb['trail_subjects'][] = [];
    events.forEach((event, i) => {
      const about = abouts[i] as About;
      const seq = first + i;
      entries.push(entryOf(event, about, seq));
      for (const subject_id of links.subjectsOf(about)) subjects.push({ tenant, subject_id, seq });
      links.learn(about);
    });
    await insertRows(trx, 'trail_entries', entries);
    await insertRows(trx, 'trail_subjects', subjects);
    await insertRows(trx, 'trail_links', links.learned, 'on conflict do nothing');
    await putRows(trx, 'trail_heads', ['tenant'], [{ tenant, size: first + events.length }]);
  }
}

const entryOf = ({ type, stream, metadata }: RecordedEvent, about: About, seq: number): TrailRow => ({
  tenant: metadata.tenant,
  seq,
  at: metadata.at,
  type,
  stream,
  actor: metadata.actor,
  correlation_id: metadata.correlationId,
  cascade_id: about.cascadeId ?? null,
  target_id: about.targetId ?? null,
});

/** Whom the refs of one batch concern: what is stored, and what the batch itself tells. */
class Links {
  readonly learned: AuditDb['trail_links'][] = [];
  private readonly known = new Map<string, Set<string>>();

  private constructor(private readonly tenant: string) {}

  static async load(trx: Trx, tenant: string, refs: readonly string[]): Promise<Links> {
    const links = new Links(tenant);
    const rows = await rowsIn(trx, 'trail_links', tenant, 'ref_id', new Set(refs));
    for (const row of rows) links.add(row.ref_id, row.subject_id);
    return links;
  }

  subjectsOf({ subjects = [], refs = [] }: About): Set<string> {
    const all = new Set(subjects.filter((id) => id !== undefined));
    for (const ref of refs) for (const id of this.known.get(ref) ?? []) all.add(id);
    return all;
  }

  learn({ links = [] }: About): void {
    for (const { ref, subjects, inherits } of links) {
      const inherited = inherits === undefined ? [] : (this.known.get(inherits) ?? []);
      for (const subject_id of [...subjects, ...inherited]) {
        if (subject_id === undefined || !this.add(ref, subject_id)) continue;
        this.learned.push({ tenant: this.tenant, ref_id: ref, subject_id });
      }
    }
  }

  /** @returns whether it was new */
  private add(ref: string, subject: string): boolean {
    const known = this.known.get(ref) ?? new Set();
    if (known.has(subject)) return false;
    this.known.set(ref, known.add(subject));
    return true;
  }
}

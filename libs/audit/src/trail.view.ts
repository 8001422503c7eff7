// The trail's projection: one row per event, and rows by which the events about one person are found.
import type { RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import { chunksOf } from '@app/runtime';
import type { Kysely } from 'kysely';
import { insertChunks, type AuditDb, type TrailRow, type Trx } from './audit-db.js';
import { aboutOf, type About } from './subjects.js';

/** Numbers the events of a tenant exactly as the ledger does: both see all of them, in log order. */
export class TrailView implements Projection<AuditDb> {
  readonly name = 'trail';

  async migrate(db: Kysely<AuditDb>): Promise<void> {
    await db.schema
      .createTable('trail_heads')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.primaryKey())
      .addColumn('size', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('trail_entries')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addColumn('at', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('stream', 'text', (c) => c.notNull())
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('correlation_id', 'text', (c) => c.notNull())
      .addColumn('cascade_id', 'text')
      .addColumn('target_id', 'text')
      .addPrimaryKeyConstraint('trail_entries_pk', ['tenant', 'seq'])
      .execute();
    await db.schema
      .createTable('trail_subjects')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('subject_id', 'text', (c) => c.notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('trail_subjects_pk', ['tenant', 'subject_id', 'seq'])
      .execute();
    await db.schema
      .createTable('trail_links')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('ref_id', 'text', (c) => c.notNull())
      .addColumn('subject_id', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('trail_links_pk', ['tenant', 'ref_id', 'subject_id'])
      .execute();
    for (const column of ['cascade_id', 'target_id', 'at'] as const) {
      await db.schema
        .createIndex(`trail_entries_${column}`)
        .ifNotExists()
        .on('trail_entries')
        .columns(['tenant', column, 'seq'])
        .execute();
    }
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events, (e) => e.metadata.tenant)) {
      await this.applyTenant(trx, tenant, ofTenant);
    }
  }

  private async applyTenant(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
    const head = await trx.selectFrom('trail_heads').select('size').where('tenant', '=', tenant).executeTakeFirst();
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
    for (const chunk of insertChunks(entries)) await trx.insertInto('trail_entries').values(chunk).execute();
    for (const chunk of insertChunks(subjects)) await trx.insertInto('trail_subjects').values(chunk).execute();
    for (const chunk of insertChunks(links.learned)) {
      await trx
        .insertInto('trail_links')
        .values(chunk)
        .onConflict((c) => c.doNothing())
        .execute();
    }
    const size = first + events.length;
    await trx
      .insertInto('trail_heads')
      .values({ tenant, size })
      .onConflict((c) => c.column('tenant').doUpdateSet({ size }))
      .execute();
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
    for (const chunk of chunksOf([...new Set(refs)])) {
      const rows = await trx
        .selectFrom('trail_links')
        .select(['ref_id', 'subject_id'])
        .where('tenant', '=', tenant)
        .where('ref_id', 'in', chunk)
        .execute();
      for (const row of rows) links.add(row.ref_id, row.subject_id);
    }
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

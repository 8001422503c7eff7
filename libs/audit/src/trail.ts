// Questions to the trail: what happened, in sentences, all of it or about one person, cascade or target.
import { catalog, type EventData, type EventType, type NameOf } from '@app/events';
import { decode } from '@app/event-log';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';

/** Looks up the names of many ids at once; the returned function answers the id itself where there is no name. */
export type ResolveNames = (tenant: string, ids: readonly string[]) => Promise<NameOf>;

export interface TrailQuery {
  /** Ids of people, agents, groups, connections, providers: the events that concern all of them. */
  readonly subjects?: readonly string[] | undefined;
  readonly cascadeId?: string | undefined;
  readonly targetId?: string | undefined;
  /** ISO 8601 UTC; `from` is inclusive, `to` exclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Continue after this `seq`, in the direction of reading. */
  readonly after?: number | undefined;
  readonly direction?: 'forwards' | 'backwards' | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
}

export interface TrailLine {
  /** Leaf index of the event in the tenant's ledger. */
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly stream: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly cascadeId: string | undefined;
  readonly targetId: string | undefined;
  readonly sentence: string;
}

export interface TrailPage {
  readonly lines: readonly TrailLine[];
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: number | undefined;
}

interface Row {
  seq: number;
  at: string;
  type: string;
  stream: string;
  actor: string;
  correlation_id: string;
  cascade_id: string | null;
  target_id: string | null;
  bytes: Uint8Array;
  position: string;
}

export class Trail {
  constructor(
    private readonly db: Kysely<AuditDb>,
    /** Default: ids stand for themselves. */
    private readonly resolveNames: ResolveNames = () => Promise.resolve((id) => id),
  ) {}

  /** Number of events seen; 0 for an unknown tenant. */
  async size(tenant: string): Promise<number> {
    const head = await this.db.selectFrom('trail_heads').select('size').where('tenant', '=', tenant).executeTakeFirst();
    return Number(head?.size ?? 0);
  }

  /** One page. Events that the ledger has not seen yet are left for later. */
  async trail(tenant: string, query: TrailQuery = {}): Promise<TrailPage> {
    const limit = Math.min(Math.max(query.limit ?? 100, 1), 1000);
    const rows: Row[] = await this.select(tenant, query)
      .limit(limit + 1)
      .execute();
    const shown = rows.slice(0, limit);
    const sentences = await this.sentences(tenant, shown);
    const lines = shown.map((row, i) => lineOf(row, sentences[i] as string));
    return { lines, next: rows.length > limit ? lines.at(-1)?.seq : undefined };
  }

  /** Places below `size` of the events that concern this person or agent, with their streams, in order. */
  async placesOf(tenant: string, subjectId: string, size: number): Promise<{ seq: number; stream: string }[]> {
    const rows = await this.db
      .selectFrom('trail_subjects as s')
      .innerJoin('trail_entries as e', (join) => join.onRef('e.tenant', '=', 's.tenant').onRef('e.seq', '=', 's.seq'))
      .select(['e.seq', 'e.stream'])
      .where('s.tenant', '=', tenant)
      .where('s.subject_id', '=', subjectId)
      .where('s.seq', '<', size)
      .orderBy('s.seq')
      .execute();
    return rows.map((row) => ({ seq: Number(row.seq), stream: row.stream }));
  }

  private select(tenant: string, query: TrailQuery) {
    const backwards = query.direction === 'backwards';
    let select = this.db
      .selectFrom('trail_entries as e')
      .innerJoin('ledger_leaves as l', (join) => join.onRef('l.tenant', '=', 'e.tenant').onRef('l.seq', '=', 'e.seq'))
      .select(['e.seq', 'e.at', 'e.type', 'e.stream', 'e.actor', 'e.correlation_id', 'e.cascade_id', 'e.target_id'])
      .select(['l.bytes', 'l.position'])
      .where('e.tenant', '=', tenant)
      .orderBy('e.seq', backwards ? 'desc' : 'asc');
    for (const id of query.subjects ?? []) {
      select = select.where('e.seq', 'in', (q) =>
        q
          .selectFrom('trail_subjects as s')
          .select('s.seq')
          .where('s.tenant', '=', tenant)
          .where('s.subject_id', '=', id),
      );
    }
    if (query.cascadeId !== undefined) select = select.where('e.cascade_id', '=', query.cascadeId);
    if (query.targetId !== undefined) select = select.where('e.target_id', '=', query.targetId);
    if (query.from !== undefined) select = select.where('e.at', '>=', query.from);
    if (query.to !== undefined) select = select.where('e.at', '<', query.to);
    if (query.after !== undefined) select = select.where('e.seq', backwards ? '<' : '>', query.after);
    return select;
  }

  /** Said twice: first to learn which ids a sentence names, then with their names. */
  private async sentences(tenant: string, rows: readonly Row[]): Promise<string[]> {
    const speakers = rows.map((row) => {
      const { type, data } = decode(row.bytes, BigInt(row.position));
      const sentence = catalog[type].sentence as (d: EventData[EventType], nameOf: NameOf) => string;
      return (nameOf: NameOf) => sentence(data, nameOf);
    });
    const ids = new Set<string>();
    const collect: NameOf = (id) => {
      ids.add(id);
      return id;
    };
    for (const say of speakers) say(collect);
    const nameOf = await this.resolveNames(tenant, [...ids]);
    return speakers.map((say) => say(nameOf));
  }
}

const lineOf = (row: Row, sentence: string): TrailLine => ({
  seq: Number(row.seq),
  at: row.at,
  type: row.type,
  stream: row.stream,
  actor: row.actor,
  correlationId: row.correlation_id,
  cascadeId: row.cascade_id ?? undefined,
  targetId: row.target_id ?? undefined,
  sentence,
});

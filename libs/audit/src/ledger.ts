// Questions to the ledger: the root of a tenant's tree at any size, proofs, and the recorded bytes.
import { chunksOf } from '@app/runtime';
import type { Kysely } from 'kysely';
import { asBuffer, type AuditDb } from './audit-db.js';
import {
  consistencyPlan,
  emptyRoot,
  inclusionPlan,
  rootPlan,
  type Hash,
  type NodeId,
  type ProofPlan,
  type TreeHead,
} from './merkle.js';

/** An event as the ledger keeps it; `seq` is its leaf index in the tenant's tree. */
export interface LedgerEvent {
  readonly seq: number;
  readonly position: bigint;
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly type: string;
  readonly leafHash: Hash;
  /** Exactly as stored in the log. */
  readonly bytes: Buffer;
}

const keyOf = ({ level, index }: NodeId): string => `${level}.${index}`;

export class Ledger {
  constructor(private readonly db: Kysely<AuditDb>) {}

  /** Number of leaves; 0 for an unknown tenant. */
  async size(tenant: string): Promise<number> {
    const tree = await this.db
      .selectFrom('ledger_trees')
      .select('size')
      .where('tenant', '=', tenant)
      .executeTakeFirst();
    return Number(tree?.size ?? 0);
  }

  /** The tree as it was at `size` leaves (default: now). @throws RangeError for a size it has not reached */
  async head(tenant: string, size?: number): Promise<TreeHead> {
    const current = await this.size(tenant);
    const wanted = size ?? current;
    if (!(wanted >= 0 && wanted <= current)) throw new RangeError(`the ledger has ${current} leaves, not ${wanted}`);
    if (wanted === 0) return { size: 0, root: emptyRoot() };
    const [paths] = await this.paths(tenant, [rootPlan(wanted)]);
    return { size: wanted, root: (paths as Hash[])[0] as Hash };
  }

  /** Inclusion paths of many leaves in the tree of `size`, in the given order. */
  inclusionProofs(tenant: string, indices: readonly number[], size: number): Promise<Hash[][]> {
    return this.paths(
      tenant,
      indices.map((index) => inclusionPlan(index, size)),
    );
  }

  async consistencyProof(tenant: string, oldSize: number, size: number): Promise<Hash[]> {
    const [path] = await this.paths(tenant, [consistencyPlan(oldSize, size)]);
    return path as Hash[];
  }

  /** Events with `from` <= seq < `to`, in order, a page at a time. */
  async *events(tenant: string, from: number, to: number, pageSize = 1000): AsyncGenerator<LedgerEvent[]> {
    for (let start = from; start < to; start += pageSize) {
      const end = Math.min(start + pageSize, to);
      yield await this.select(tenant, start, end)
        .execute()
        .then((rows) => rows.map(toEvent));
    }
  }

  /** Events at these places, in the given order, a page at a time. */
  async *eventsAt(tenant: string, seqs: readonly number[]): AsyncGenerator<LedgerEvent[]> {
    for (const chunk of chunksOf(seqs)) {
      const rows = await this.db
        .selectFrom('ledger_leaves')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('seq', 'in', chunk)
        .execute();
      const found = new Map(rows.map((row) => [Number(row.seq), toEvent(row)]));
      yield chunk.flatMap((seq) => found.get(seq) ?? []);
    }
  }

  /** Places of all events of these streams below `size`, in ledger order. */
  async placesOf(tenant: string, streams: readonly string[], size: number): Promise<number[]> {
    const seqs: number[] = [];
    for (const chunk of chunksOf(streams)) {
      const rows = await this.db
        .selectFrom('ledger_leaves')
        .select('seq')
        .where('tenant', '=', tenant)
        .where('stream', 'in', chunk)
        .where('seq', '<', size)
        .execute();
      seqs.push(...rows.map((row) => Number(row.seq)));
    }
    return seqs.sort((a, b) => a - b);
  }

  /** Place of one event of a stream; undefined when the ledger has not seen it. */
  async placeOf(tenant: string, stream: string, revision: number): Promise<number | undefined> {
    const row = await this.db
      .selectFrom('ledger_leaves')
      .select('seq')
      .where('tenant', '=', tenant)
      .where('stream', '=', stream)
      .where('revision', '=', revision)
      .executeTakeFirst();
    return row && Number(row.seq);
  }

  /** Leaf hashes with `from` <= seq < `to`, 32 bytes each, a page at a time. */
  async *leafHashes(tenant: string, from: number, to: number, pageSize = 10_000): AsyncGenerator<Buffer> {
    for (let start = from; start < to; start += pageSize) {
      const rows = await this.db
        .selectFrom('ledger_leaves')
        .select('leaf_hash')
        .where('tenant', '=', tenant)
        .where('seq', '>=', start)
        .where('seq', '<', Math.min(start + pageSize, to))
        .orderBy('seq')
        .execute();
      yield Buffer.concat(rows.map((row) => row.leaf_hash));
    }
  }

  private select(tenant: string, from: number, to: number) {
    return this.db
      .selectFrom('ledger_leaves')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('seq', '>=', from)
      .where('seq', '<', to)
      .orderBy('seq');
  }

  /** Reads the nodes of many proofs at once; neighbouring leaves share most of theirs. */
  private async paths(tenant: string, plans: readonly ProofPlan[]): Promise<Hash[][]> {
    const wanted = new Map(plans.flatMap((plan) => plan.nodes).map((node) => [keyOf(node), node]));
    const hashes = new Map<string, Hash>();
    for (const [level, nodes] of Map.groupBy(wanted.values(), (node) => node.level)) {
      for (const chunk of chunksOf(nodes.map((node) => node.index))) {
        for (const row of await this.nodeRows(tenant, level, chunk)) {
          hashes.set(keyOf({ level, index: Number(row.idx) }), asBuffer(row.hash));
        }
      }
    }
    return plans.map((plan) =>
      plan.path((node) => {
        const hash = hashes.get(keyOf(node));
        if (hash === undefined) throw new Error(`the ledger of ${tenant} lacks node ${keyOf(node)}: rebuild it`);
        return hash;
      }),
    );
  }

  private nodeRows(tenant: string, level: number, indices: readonly number[]) {
    if (level === 0) {
      return this.db
        .selectFrom('ledger_leaves')
        .select(['seq as idx', 'leaf_hash as hash'])
        .where('tenant', '=', tenant)
        .where('seq', 'in', indices)
        .execute();
    }
    return this.db
      .selectFrom('ledger_nodes')
      .select(['idx', 'hash'])
      .where('tenant', '=', tenant)
      .where('level', '=', level)
      .where('idx', 'in', indices)
      .execute();
  }
}

function toEvent(row: AuditDb['ledger_leaves']): LedgerEvent {
  return {
    seq: Number(row.seq),
    position: BigInt(row.position),
    stream: row.stream,
    revision: Number(row.revision),
    eventId: row.event_id,
    type: row.type,
    leafHash: asBuffer(row.leaf_hash),
    bytes: asBuffer(row.bytes),
  };
}

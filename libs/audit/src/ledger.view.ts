// The ledger's projection: every event becomes a leaf of its tenant's Merkle tree, in log order, gapless.
import type { RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import type { Kysely } from 'kysely';
import { asBuffer, insertChunks, type AuditDb, type LeafRow, type Trx } from './audit-db.js';
import { Frontier, leafHash } from './merkle.js';

/**
 * The events' bytes are kept beside their hashes: a bundle is then made from one ordered read, and whoever alters the
 * log must alter a second copy too.
 */
export class LedgerView implements Projection<AuditDb> {
  readonly name = 'ledger';

  async migrate(db: Kysely<AuditDb>): Promise<void> {
    await db.schema
      .createTable('ledger_trees')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.primaryKey())
      .addColumn('size', 'bigint', (c) => c.notNull())
      .addColumn('frontier', 'bytea', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('ledger_leaves')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addColumn('position', 'text', (c) => c.notNull())
      .addColumn('stream', 'text', (c) => c.notNull())
      .addColumn('revision', 'bigint', (c) => c.notNull())
      .addColumn('event_id', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('leaf_hash', 'bytea', (c) => c.notNull())
      .addColumn('bytes', 'bytea', (c) => c.notNull())
      .addPrimaryKeyConstraint('ledger_leaves_pk', ['tenant', 'seq'])
      .execute();
    await db.schema
      .createIndex('ledger_leaves_stream')
      .ifNotExists()
      .on('ledger_leaves')
      .columns(['tenant', 'stream', 'seq'])
      .execute();
    await db.schema
      .createTable('ledger_nodes')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('level', 'integer', (c) => c.notNull())
      .addColumn('idx', 'bigint', (c) => c.notNull())
      .addColumn('hash', 'bytea', (c) => c.notNull())
      .addPrimaryKeyConstraint('ledger_nodes_pk', ['tenant', 'level', 'idx'])
      .execute();
    await db.schema
      .createTable('ledger_checkpoints')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('size', 'bigint', (c) => c.notNull())
      .addColumn('signed_at', 'text', (c) => c.notNull())
      .addColumn('note', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('ledger_checkpoints_pk', ['tenant', 'size'])
      .execute();
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events, (e) => e.metadata.tenant)) {
      await this.appendLeaves(trx, tenant, ofTenant);
    }
  }

  private async appendLeaves(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
    const tree = await trx.selectFrom('ledger_trees').selectAll().where('tenant', '=', tenant).executeTakeFirst();
    const frontier = tree === undefined ? Frontier.empty() : Frontier.restore(Number(tree.size), tree.frontier);
    const leaves: LeafRow[] = [];
    const nodes: AuditDb['ledger_nodes'][] = [];
    for (const event of events) {
      const hash = leafHash(event.bytes);
      leaves.push({
        tenant,
        seq: frontier.size,
        position: event.position.toString(),
        stream: event.stream,
        revision: Number(event.revision),
        event_id: event.id,
        type: event.type,
        leaf_hash: hash,
        bytes: asBuffer(event.bytes),
      });
      for (const node of frontier.append(hash)) {
        nodes.push({ tenant, level: node.level, idx: node.index, hash: node.hash });
      }
    }
    for (const chunk of insertChunks(leaves)) await trx.insertInto('ledger_leaves').values(chunk).execute();
    for (const chunk of insertChunks(nodes)) await trx.insertInto('ledger_nodes').values(chunk).execute();
    const grown = { size: frontier.size, frontier: frontier.bytes };
    await trx
      .insertInto('ledger_trees')
      .values({ tenant, ...grown })
      .onConflict((c) => c.column('tenant').doUpdateSet(grown))
      .execute();
  }
}

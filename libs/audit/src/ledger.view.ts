// The ledger's projection: every event becomes a leaf of its tenant's Merkle tree, in log order, gapless.
import type { RecordedEvent } from '@app/events';
import type { Projection } from '@app/event-log';
import { createTables, insertRows, putRows, run, type Index, type Table } from '@app/runtime';
import type { Kysely } from 'kysely';
import { asBuffer, type AuditDb, type LeafRow, type Trx } from './audit-db.js';
import { Frontier, leafHash } from './merkle.js';

const tables: Readonly<Record<string, Table>> = {
  ledger_trees: { columns: { tenant: 'text', size: 'bigint', frontier: 'bytea' }, key: ['tenant'] },
  ledger_leaves: {
    columns: {
      tenant: 'text',
      seq: 'bigint',
      position: 'text',
      stream: 'text',
      revision: 'bigint',
      event_id: 'text',
      type: 'text',
      leaf_hash: 'bytea',
      bytes: 'bytea',
    },
    key: ['tenant', 'seq'],
  },
  ledger_nodes: {
    columns: { tenant: 'text', level: 'integer', idx: 'bigint', hash: 'bytea' },
    key: ['tenant', 'level', 'idx'],
    inKey: true,
  },
  ledger_checkpoints: {
    columns: { tenant: 'text', size: 'bigint', signed_at: 'text', note: 'text' },
    key: ['tenant', 'size'],
  },
};

const indexes: readonly Index[] = [['ledger_leaves_stream', 'ledger_leaves', ['tenant', 'stream', 'seq']]];

/**
 * The events' bytes are kept beside their hashes: a bundle is then made from one ordered read, and whoever alters the
 * log must alter a second copy too.
 */
export class LedgerView implements Projection<AuditDb> {
  readonly name = 'ledger';

  migrate(db: Kysely<AuditDb>): Promise<void> {
    return createTables(db, tables, indexes);
  }

  async apply(trx: Trx, events: readonly RecordedEvent[]): Promise<void> {
    for (const [tenant, ofTenant] of Map.groupBy(events, (e) => e.metadata.tenant)) {
      await this.appendLeaves(trx, tenant, ofTenant);
    }
  }

  private async appendLeaves(trx: Trx, tenant: string, events: readonly RecordedEvent[]): Promise<void> {
    const [tree] = await run<AuditDb['ledger_trees']>(trx, 'select * from ledger_trees where tenant = ?', [tenant]);
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
    await insertRows(trx, 'ledger_leaves', leaves);
    await insertRows(trx, 'ledger_nodes', nodes);
    await putRows(trx, 'ledger_trees', ['tenant'], [{ tenant, size: frontier.size, frontier: frontier.bytes }]);
  }
}

// A small log in memory for the specs of this room: events as an adapter would return them, and a database of views.
import { catalog, type AnyEvent, type EventData, type EventType, type RecordedEvent } from '@app/events';
import { decode, encode, type Projection } from '@app/event-log';
import { openSqlite } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';

export interface Circumstances {
  readonly stream: string;
  readonly tenant?: string;
  readonly at?: string;
  readonly receivedAt?: string;
  readonly actor?: string;
  readonly correlationId?: string;
}

export class RecordedLog {
  readonly events: RecordedEvent[] = [];
  private readonly revisions = new Map<string, bigint>();

  record<T extends EventType>(type: T, data: EventData[T], circumstances: Circumstances): RecordedEvent {
    const { stream, tenant = 'acme', at = '2026-01-01T00:00:00.000Z', receivedAt } = circumstances;
    const number = this.events.length + 1;
    const revision = (this.revisions.get(stream) ?? -1n) + 1n;
    this.revisions.set(stream, revision);
    const event = {
      id: `event-${number}`,
      type,
      data,
      metadata: {
        tenant,
        actor: circumstances.actor ?? 'system:worker',
        correlationId: circumstances.correlationId ?? 'request-1',
        causationId: 'request-1',
        schemaVersion: catalog[type].version,
        at,
        ...(receivedAt === undefined ? {} : { receivedAt }),
      },
    } as unknown as AnyEvent;
    // Positions may have gaps.
    const recorded = decode(encode(stream, revision, [event])[0] as Buffer, BigInt(number * 10));
    this.events.push(recorded);
    return recorded;
  }
}

/** A database in memory with the tables of these projections. */
export async function openViews(...projections: readonly Projection<AuditDb>[]): Promise<Kysely<AuditDb>> {
  const db = openSqlite<AuditDb>(':memory:');
  for (const projection of projections) await projection.migrate(db);
  return db;
}

/** Applies events in transactions of `batch`, as a follower does. */
export async function follow(
  db: Kysely<AuditDb>,
  projections: readonly Projection<AuditDb>[],
  events: readonly RecordedEvent[],
  batch = 500,
): Promise<void> {
  for (let start = 0; start < events.length; start += batch) {
    for (const projection of projections) {
      await db.transaction().execute((trx) => projection.apply(trx, events.slice(start, start + batch)));
    }
  }
}

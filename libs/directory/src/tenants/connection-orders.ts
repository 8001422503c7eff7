// Follows the log and carries out what was ordered about all that a closed connection provisioned.
import { streams, type RecordedEvent } from '@app/events';
import { EventLogUnavailable, newEvent, type Decisions, type EventLog, type Projection } from '@app/event-log';
import { dropTables, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { contextAfter } from '../after-event.js';
import type { DirectoryDb } from '../directory-db.js';
import { connectionAggregate, orderOf } from './connection.js';
import { provisioned, type ProvisionedKind, type Settlement } from './provisioned.js';

/** What is remembered besides the checkpoint: the last order about each connection. */
export interface ConnectionOrdersDb {
  connection_orders: { tenant: string; connection_id: string; handed_to: string | null };
}

export interface ConnectionOrdersParts {
  readonly log: EventLog;
  readonly decisions: Decisions;
  readonly clock: Clock;
  readonly directory: Kysely<DirectoryDb>;
}

type OrderEvent = Extract<RecordedEvent, { type: 'ConnectionOffboardingOrdered' | 'ConnectionHandOverOrdered' }>;

/** How long (ms) the view may be behind before the batch is tried again. */
const VIEW_MS = 5_000;

const isOrder = (event: RecordedEvent): event is OrderEvent =>
  event.type === 'ConnectionOffboardingOrdered' || event.type === 'ConnectionHandOverOrdered';

/** What a request brought in that was under way when its connection was closed. */
function broughtIn(event: RecordedEvent): readonly [ProvisionedKind, string] | undefined {
  switch (event.type) {
    case 'UserProvisioned':
    case 'UserReactivated':
      return [provisioned.users, event.data.userId];
    case 'GroupCreated':
      return [provisioned.groups, event.data.groupId];
    case 'AgentProvisioned':
    case 'AgentReactivated':
      return [provisioned.agents, event.data.agentId];
    case 'ResourceCreated':
      return [provisioned.resources, event.data.resourceId];
    case 'ApplicationProvisioned':
    case 'ApplicationReactivated':
      return [provisioned.applications, event.data.applicationId];
    default:
      return undefined;
  }
}

/**
 * A projection that also writes. Each thing is decided about on its own stream, and not again once it is as it shall be:
 * an order that was interrupted is gone through again, and one that was carried out is skipped, also when the whole log
 * is replayed. It appends while it holds a transaction: give it a database of its own.
 */
export class ConnectionOrders implements Projection<ConnectionOrdersDb> {
  readonly name = 'connection-orders';
  /** The last order about each connection, by tenant and connection. */
  private readonly standing = new Map<string, Settlement>();
  private around: { readonly view: ReachedView; readonly db: Kysely<ConnectionOrdersDb> } | undefined;

  constructor(private readonly parts: ConnectionOrdersParts) {}

  /** To be called before it follows: the directory's view, and the database that it follows with. */
  uses(around: { readonly view: ReachedView; readonly db: Kysely<ConnectionOrdersDb> }): void {
    this.around = around;
  }

  async migrate(db: Kysely<ConnectionOrdersDb>): Promise<void> {
    await db.schema
      .createTable('connection_orders')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.notNull())
      .addColumn('connection_id', 'text', (c) => c.notNull())
      .addColumn('handed_to', 'text')
      .addPrimaryKeyConstraint('connection_orders_pk', ['tenant', 'connection_id'])
      .execute();
    await this.recall(db);
  }

  discard(db: Kysely<ConnectionOrdersDb>): Promise<void> {
    return dropTables(db, ['connection_orders']);
  }

  ignores(event: RecordedEvent): boolean {
    return !isOrder(event) && this.settlementFor(event) === undefined;
  }

  async apply(trx: Kysely<ConnectionOrdersDb>, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (isOrder(event)) {
        await this.carryOut(event);
        await this.remember(trx, event);
      } else {
        await this.catchUp(event);
      }
    }
  }

  /** Another process may have carried out the batch. */
  async committed(events: readonly RecordedEvent[]): Promise<void> {
    if (this.around !== undefined && events.some(isOrder)) await this.recall(this.around.db);
  }

  private async carryOut(order: OrderEvent): Promise<void> {
    const { decisions, directory } = this.parts;
    const { tenant } = order.metadata;
    const { connectionId } = order.data;
    const stream = streams.connection(tenant, connectionId);
    const { state } = await decisions.load(stream, connectionAggregate);
    if (state.orders.some(({ id, isCarriedOut }) => id === order.id && isCarriedOut)) return;
    await this.viewIsCurrent();
    for (const kind of Object.values(provisioned)) {
      for await (const ids of kind.ids(directory, tenant, connectionId)) {
        await Promise.all(ids.map((id) => this.settle(kind, id, order, { connectionId, to: orderOf(order).to })));
      }
    }
    await decisions.execute(stream, connectionAggregate, ({ orders }) => {
      if (orders.some(({ id, isCarriedOut }) => id === order.id && isCarriedOut))
        return { events: [], result: undefined };
      const data = { connectionId, orderId: order.id };
      return { events: [newEvent('ConnectionOrderCarriedOut', data, this.contextAfter(order))], result: undefined };
    });
  }

  private async catchUp(event: RecordedEvent): Promise<void> {
    const settlement = this.settlementFor(event);
    const [kind, id] = broughtIn(event) ?? [];
    if (settlement !== undefined && kind !== undefined) await this.settle(kind, id as string, event, settlement);
  }

  private settle(kind: ProvisionedKind, id: string, cause: RecordedEvent, settlement: Settlement): Promise<boolean> {
    return kind.settle(this.parts.decisions, id, settlement, this.contextAfter(cause));
  }

  private contextAfter(cause: RecordedEvent) {
    return contextAfter(cause, 'system:connection-orders', this.parts.clock.iso());
  }

  /** Things may have been handed over to the connection after it was closed and before this order came up. */
  private async viewIsCurrent(): Promise<void> {
    const head = (await this.parts.log.head()) ?? -1n;
    if (this.around === undefined || !(await this.around.view.reached(head, VIEW_MS))) {
      throw new EventLogUnavailable(`the directory's view has not reached position ${head}`);
    }
  }

  private settlementFor(event: RecordedEvent): Settlement | undefined {
    const { tenant, connection } = event.metadata;
    if (this.standing.size === 0 || connection === undefined || broughtIn(event) === undefined) return undefined;
    return this.standing.get(`${tenant} ${connection}`);
  }

  private async remember(trx: Kysely<ConnectionOrdersDb>, order: OrderEvent): Promise<void> {
    const { tenant } = order.metadata;
    const { connectionId } = order.data;
    const { to } = orderOf(order);
    this.standing.set(`${tenant} ${connectionId}`, { connectionId, to });
    const row = { tenant, connection_id: connectionId, handed_to: to ?? null };
    await trx
      .insertInto('connection_orders')
      .values(row)
      .onConflict((c) => c.columns(['tenant', 'connection_id']).doUpdateSet(row))
      .execute();
  }

  private async recall(db: Kysely<ConnectionOrdersDb>): Promise<void> {
    for (const { tenant, connection_id, handed_to } of await db.selectFrom('connection_orders').selectAll().execute()) {
      this.standing.set(`${tenant} ${connection_id}`, { connectionId: connection_id, to: handed_to ?? undefined });
    }
  }
}

interface ReachedView {
  reached(position: bigint, timeoutMs: number): Promise<boolean>;
}

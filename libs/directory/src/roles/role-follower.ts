// Follows the log and records who gains and who loses roles because of what changed: people, groups, conditions, rules.
import { streams, type NewEvent, type RecordedEvent } from '@app/events';
import { EventLogUnavailable, type Decisions, type EventLog, type Projection } from '@app/event-log';
import { dropTables, type Clock } from '@app/runtime';
import type { Kysely } from 'kysely';
import { contextAfter } from '../after-event.js';
import { affectedBy, isRoleWork } from './affected.js';
import type { Conditions } from './conditions.js';
import { membershipChanges, type Person } from './membership.js';
import { inSteps, type People } from './people.js';
import { roleEvents } from './role-changes.js';
import { rolesAggregate } from './roles.js';

/** What the follower remembers besides its checkpoint. */
export interface RoleFollowerDb {
  /** Tenants that have roles; `appended` is the position of the last change of membership recorded here. */
  role_tenants: { tenant: string; appended: string };
}

export interface RoleFollowerParts {
  readonly log: Pick<EventLog, 'readStream'>;
  readonly decisions: Decisions;
  readonly clock: Clock;
  readonly people: People;
  readonly conditions: Conditions;
}

/** What the follower stands on besides the log. */
interface Surroundings {
  /** The directory's view, where people are found. */
  readonly view: { reached(position: bigint, timeoutMs: number): Promise<boolean> };
  /** The database that it follows with. */
  readonly db: Kysely<RoleFollowerDb>;
}

/** How long (ms) the view may be behind before the batch is tried again. */
const VIEW_MS = 5_000;

/**
 * A projection that also writes. It keeps no copy of anybody: what it records is the difference between who has the
 * roles by the stream of the roles, and who should by the directory's view, which is at least as new as the batch and as
 * that stream. So a replay, whole or after a crash between append and checkpoint, records nothing twice. It appends while
 * it holds a transaction: give it a database of its own.
 */
export class RoleFollower implements Projection<RoleFollowerDb> {
  readonly name = 'roles';
  private readonly tenants = new Set<string>();
  private appended = -1n;
  private around: Surroundings | undefined;

  constructor(private readonly parts: RoleFollowerParts) {}

  /** To be called before it follows. */
  uses(around: Surroundings): void {
    this.around = around;
  }

  /** Whether anybody has defined a role: until then nobody has to wait for this. */
  get inForce(): boolean {
    return this.tenants.size > 0;
  }

  /** Position of the last change of membership that was recorded for what was applied. */
  get appendedTo(): bigint {
    return this.appended;
  }

  /** The directory's view has seen these: from here on a write waits for this too. */
  notice(events: readonly RecordedEvent[]): void {
    for (const event of events) if (event.type === 'RoleDefined') this.tenants.add(event.metadata.tenant);
  }

  async migrate(db: Kysely<RoleFollowerDb>): Promise<void> {
    await db.schema
      .createTable('role_tenants')
      .ifNotExists()
      .addColumn('tenant', 'text', (c) => c.primaryKey())
      .addColumn('appended', 'text', (c) => c.notNull())
      .execute();
    await this.recall(db);
  }

  discard(db: Kysely<RoleFollowerDb>): Promise<void> {
    return dropTables(db, ['role_tenants']);
  }

  /** What comes before the first role of a tenant gives nobody a role. */
  ignores(event: RecordedEvent): boolean {
    if (!isRoleWork(event)) return true;
    return event.type !== 'RoleDefined' && !this.tenants.has(event.metadata.tenant);
  }

  async apply(trx: Kysely<RoleFollowerDb>, events: readonly RecordedEvent[]): Promise<void> {
    this.notice(events);
    const work = events.filter((event) => this.tenants.has(event.metadata.tenant) && isRoleWork(event));
    const last = work.at(-1);
    if (last === undefined) return;
    for (const [tenant, ofTenant] of Map.groupBy(work, (event) => event.metadata.tenant)) {
      await this.viewReaches(await this.decidedUpTo(tenant, last.position));
      const appended = await this.record(tenant, ofTenant);
      if (appended === undefined && !ofTenant.some(({ type }) => type === 'RoleDefined')) continue;
      await this.remember(trx, tenant, appended);
    }
  }

  /**
   * A view that is made anew beside the roles passes by what people once were. By that, whoever came to a role later would
   * lose it, and with it what requires it.
   */
  private async decidedUpTo(tenant: string, position: bigint): Promise<bigint> {
    const [newest] = await this.parts.log.readStream(streams.roles(tenant), { direction: 'backwards', max: 1 });
    return newest === undefined || newest.position < position ? position : newest.position;
  }

  private async viewReaches(position: bigint): Promise<void> {
    if (this.around === undefined || !(await this.around.view.reached(position, VIEW_MS))) {
      throw new EventLogUnavailable(`the directory's view has not reached position ${position}`);
    }
  }

  /** Another process may have applied the batch: its roles are known from here on, and what it appended is to be waited for too. */
  async committed(events: readonly RecordedEvent[]): Promise<void> {
    this.notice(events);
    if (this.around !== undefined && this.inForce) await this.recall(this.around.db);
  }

  private async recall(db: Kysely<RoleFollowerDb>): Promise<void> {
    for (const { tenant, appended } of await db.selectFrom('role_tenants').selectAll().execute()) {
      this.tenants.add(tenant);
      if (BigInt(appended) > this.appended) this.appended = BigInt(appended);
    }
  }

  private async remember(trx: Kysely<RoleFollowerDb>, tenant: string, appended = -1n): Promise<void> {
    const row = { tenant, appended: appended.toString() };
    await trx
      .insertInto('role_tenants')
      .values(row)
      .onConflict((c) => (appended < 0n ? c.doNothing() : c.column('tenant').doUpdateSet(row)))
      .execute();
  }

  /** @returns the position of what was appended last */
  private async record(tenant: string, events: readonly RecordedEvent[]): Promise<bigint | undefined> {
    const { people, decisions, conditions } = this.parts;
    const { state } = await decisions.load(streams.roles(tenant), rolesAggregate);
    const inForce = { ...state, conditionOf: conditions.recordedIn(tenant) };
    const { everybody, some } = await affectedBy(events, inForce, people);
    let appended: bigint | undefined;
    for (const ids of inSteps([...some.keys()])) {
      const found = await people.of(tenant, ids);
      appended = (await this.recordFor(tenant, found, (userId) => some.get(userId) as RecordedEvent)) ?? appended;
    }
    if (everybody === undefined) return appended;
    for await (const found of people.all(tenant)) {
      appended = (await this.recordFor(tenant, found, () => everybody)) ?? appended;
    }
    return appended;
  }

  private async recordFor(
    tenant: string,
    people: readonly Person[],
    causeOf: (userId: string) => RecordedEvent,
  ): Promise<bigint | undefined> {
    const byCause = Map.groupBy(people, ({ userId }) => causeOf(userId));
    const conditionOf = this.parts.conditions.recordedIn(tenant);
    for (let last: bigint | undefined; ;) {
      const { position, result } = await this.parts.decisions.execute(
        streams.roles(tenant),
        rolesAggregate,
        ({ roles, active }) => {
          const events: NewEvent[] = [];
          let [spent, rest] = [0, false];
          for (const [cause, of] of byCause) {
            const context = contextAfter(cause, 'system:roles', this.parts.clock.iso());
            const made = roleEvents(membershipChanges({ roles, active, conditionOf }, of), context, spent);
            events.push(...made.events);
            ({ spent } = made);
            rest ||= made.rest;
          }
          return { events, result: rest };
        },
      );
      last = position ?? last;
      if (!result) return last;
    }
  }
}

// All that a connection provisioned: found in the views, and deactivated or handed over, each on its own stream.
import { streams, type NewEvent } from '@app/events';
import { newEvent, type Aggregate, type Decisions, type EventContext } from '@app/event-log';
import type { Kysely } from 'kysely';
import { agentAggregate, handOverAgent } from '../agents/agent.js';
import { applicationAggregate } from '../applications/application.js';
import type { DirectoryDb } from '../directory-db.js';
import { groupAggregate } from '../groups/group.js';
import { resourceAggregate } from '../resources/resource.js';
import { userAggregate } from '../users/user.js';

/** Recorded with the deactivation of an agent. */
const REASON = 'the connection that provisioned it was closed';

/** What is to become of it. */
export interface Settlement {
  readonly connectionId: string;
  /** The connection that gets it; undefined: it is deactivated. */
  readonly to: string | undefined;
}

interface Owned {
  readonly status: string;
  readonly connection: string | undefined;
}

interface Kind<S extends Owned> {
  readonly table: 'users' | 'groups' | 'agents' | 'applications' | 'resources';
  readonly id: string;
  readonly stream: (tenant: string, id: string) => string;
  readonly aggregate: Aggregate<S>;
  /** Nothing where it is not active, or cannot be. */
  readonly deactivated: (state: S, id: string, context: EventContext) => NewEvent[];
  readonly handedOver: (state: S, id: string, to: string, context: EventContext) => NewEvent[];
}

/** Its things by pages of ids, and what is done to one of them. */
export interface ProvisionedKind {
  ids(db: Kysely<DirectoryDb>, tenant: string, connectionId: string): AsyncGenerator<string[]>;
  /**
   * Does nothing to what belongs to somebody else by now, or is as it shall be.
   * @returns false when there is and was nothing of this kind with the id
   */
  settle(decisions: Decisions, id: string, settlement: Settlement, context: EventContext): Promise<boolean>;
}

/** Settled at once. */
const PAGE = 64;

async function* idsOf(
  { table, id }: Pick<Kind<Owned>, 'table' | 'id'>,
  db: Kysely<DirectoryDb>,
  tenant: string,
  connectionId: string,
): AsyncGenerator<string[]> {
  for (let after = -1; ;) {
    const rows = await db
      .selectFrom(table)
      .select([`${id as 'user_id'} as id`, 'seq'])
      .where('tenant', '=', tenant)
      .where('connection_id', '=', connectionId)
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => row.id);
    after = last.seq;
  }
}

const kindOf = <S extends Owned>(kind: Kind<S>): ProvisionedKind => ({
  ids: (db, tenant, connectionId) => idsOf(kind, db, tenant, connectionId),
  settle: async (decisions, id, { connectionId, to }, context) => {
    const { revision } = await decisions.execute(kind.stream(context.tenant, id), kind.aggregate, (state) => {
      if (state.status !== 'present' || state.connection !== connectionId) return { events: [], result: undefined };
      const events = to === undefined ? kind.deactivated(state, id, context) : kind.handedOver(state, id, to, context);
      return { events, result: undefined };
    });
    return revision !== undefined;
  },
});

const people = kindOf({
  table: 'users',
  id: 'user_id',
  stream: streams.user,
  aggregate: userAggregate,
  deactivated: ({ active }, userId, context) => (active ? [newEvent('UserDeactivated', { userId }, context)] : []),
  handedOver: (_, userId, to, context) => [newEvent('UserHandedOver', { userId, to }, context)],
});

const agents = kindOf({
  table: 'agents',
  id: 'agent_id',
  stream: streams.agent,
  aggregate: agentAggregate,
  deactivated: ({ active }, agentId, context) =>
    active ? [newEvent('AgentDeactivated', { agentId, reason: REASON }, context)] : [],
  handedOver: handOverAgent,
});

/** People first: they are whom agents act for. A group cannot be deactivated: its members are. */
export const provisioned = {
  users: {
    ids: people.ids,
    // What is pushed as a user may be an agent.
    settle: async (...what) => (await people.settle(...what)) || agents.settle(...what),
  },
  applications: kindOf({
    table: 'applications',
    id: 'application_id',
    stream: streams.application,
    aggregate: applicationAggregate,
    deactivated: ({ active }, applicationId, context) =>
      active ? [newEvent('ApplicationDeactivated', { applicationId }, context)] : [],
    handedOver: (_, applicationId, to, context) => [newEvent('ApplicationHandedOver', { applicationId, to }, context)],
  }),
  agents,
  groups: kindOf({
    table: 'groups',
    id: 'group_id',
    stream: streams.group,
    aggregate: groupAggregate,
    deactivated: () => [],
    handedOver: (_, groupId, to, context) => [newEvent('GroupHandedOver', { groupId, to }, context)],
  }),
  resources: kindOf({
    table: 'resources',
    id: 'resource_id',
    stream: streams.resource,
    aggregate: resourceAggregate,
    deactivated: () => [],
    handedOver: ({ type: resourceType }, resourceId, to, context) => [
      newEvent('ResourceHandedOver', { resourceId, resourceType, to }, context),
    ],
  }),
} satisfies Record<string, ProvisionedKind>;

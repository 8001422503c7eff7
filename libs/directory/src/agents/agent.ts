// An agent as the fold of its stream: whether it may act, who owns it, and what it is called.
import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, NewEvent, OwnerRef } from '@app/events';
import { newEvent, type Aggregate, type EventContext } from '@app/event-log';
import type { AgentWrite, StoredAgent } from '../agent.commands.js';
import { isWithin, withoutExternalId, type Scope } from '../scope.js';
import type { Attributes } from '../user.commands.js';
import type { SealedResource } from '../users/user.js';

/** The user as which an agent is pushed. */
export interface AgentUser {
  readonly dataKeyId: string;
  readonly userNameHash: string;
  readonly sealed: string;
  /** The event that `sealed` came with: sealing is bound to it. */
  readonly sealedBy: 'AgentProvisioned' | 'AgentChanged';
  /** `sealed` holds the externalId of a connection that it no longer belongs to. */
  readonly isHandedOver: boolean;
}

/** What an agent shall be; `user` where it is pushed as one and more than its state differs. */
type AgentChange = AgentWrite & { readonly user?: SealedResource | undefined };

export interface Agent {
  readonly status: 'none' | 'present' | 'deleted';
  /** The connection that provisioned it; undefined: the platform. */
  readonly connection: string | undefined;
  readonly name: string;
  readonly active: boolean;
  readonly generation: number;
  readonly owners: ReadonlyMap<string, OwnerRef['type']>;
  readonly parentId: string | undefined;
  readonly applicationIds: readonly string[];
  readonly resource: Attributes;
  readonly user: AgentUser | undefined;
  readonly created: string;
  readonly lastModified: string;
}

const none: Agent = {
  status: 'none',
  connection: undefined,
  name: '',
  active: false,
  generation: 0,
  owners: new Map(),
  parentId: undefined,
  applicationIds: [],
  resource: {},
  user: undefined,
  created: '',
  lastModified: '',
};

function evolve(agent: Agent, event: AnyEvent): Agent {
  const lastModified = event.metadata.at;
  switch (event.type) {
    case 'AgentProvisioned': {
      const { name, active, parentId, applicationIds = [], resource } = event.data;
      const owners = new Map(event.data.owners.map((o) => [o.id, o.type]));
      const user = event.data.user && { ...event.data.user, sealedBy: event.type, isHandedOver: false };
      const fresh = {
        name,
        active,
        owners,
        parentId,
        applicationIds,
        resource,
        user,
        created: lastModified,
        lastModified,
      };
      return { ...none, status: 'present', connection: event.metadata.connection, generation: 1, ...fresh };
    }
    case 'AgentChanged': {
      const { name, resource, user: sealed } = event.data;
      const user = sealed && agent.user && { ...agent.user, ...sealed, sealedBy: event.type, isHandedOver: false };
      return { ...agent, name, resource, user: user ?? agent.user, lastModified };
    }
    case 'AgentOwnersChanged': {
      const owners = new Map(agent.owners);
      for (const { id } of event.data.removed) owners.delete(id);
      for (const { id, type } of event.data.added) owners.set(id, type);
      return { ...agent, owners, lastModified };
    }
    case 'AgentApplicationsChanged': {
      const { added, removed } = event.data;
      const kept = agent.applicationIds.filter((id) => !removed.includes(id));
      return { ...agent, applicationIds: [...kept, ...added], lastModified };
    }
    case 'AgentDeactivated':
    case 'AgentOrphaned':
      return { ...agent, active: false, lastModified };
    case 'AgentReactivated':
      return { ...agent, active: true, generation: event.data.generation, lastModified };
    case 'AgentHandedOver': {
      const user = agent.user && { ...agent.user, isHandedOver: true };
      return { ...agent, connection: event.data.to, resource: withoutExternalId(agent.resource), user, lastModified };
    }
    case 'AgentDeleted':
      return { ...none, status: 'deleted' };
    default:
      return agent;
  }
}

export const agentAggregate: Aggregate<Agent> = { initial: () => none, evolve };

/** Whether the scope has it as an agent: to its own connection, what is pushed as a user is a user. */
export const isSeenBy = (scope: Scope, { status, user, connection }: Agent): boolean =>
  status === 'present' && (user === undefined || scope.connection === undefined) && isWithin(scope, connection);

export const ownersOf = ({ owners }: Agent): OwnerRef[] => [...owners].map(([id, type]) => ({ type, id }));

export const storedAgent = (id: string, agent: Agent, revision: bigint): StoredAgent => ({
  id,
  name: agent.name,
  active: agent.active,
  owners: ownersOf(agent),
  ...(agent.parentId === undefined ? {} : { parentId: agent.parentId }),
  ...(agent.applicationIds.length === 0 ? {} : { applicationIds: agent.applicationIds }),
  attributes: agent.resource,
  created: agent.created,
  lastModified: agent.lastModified,
  revision,
});

export const provisionAgent = (agentId: string, write: AgentWrite, context: EventContext): NewEvent => {
  const { name, active, owners, parentId, applicationIds = [], attributes } = write;
  const data = {
    agentId,
    name,
    active,
    owners: [...owners],
    resource: { ...attributes },
    ...(parentId === undefined ? {} : { parentId }),
    ...(applicationIds.length === 0 ? {} : { applicationIds: [...applicationIds] }),
  };
  return newEvent('AgentProvisioned', data, context);
};

/** What an agentic identity says of the application it acts in (draft-wahl-scim-agent-schema-01): an id, if it is one here. */
export const namedApplication = ({ agenticApplicationId: id }: Attributes): string | undefined =>
  typeof id === 'string' ? id : undefined;

/** Names of the attributes that differ, as the events record them. */
export const changedNames = (agent: Agent, { name, attributes }: AgentWrite): string[] => [
  ...(name === agent.name ? [] : ['name']),
  ...[...new Set([...Object.keys(agent.resource), ...Object.keys(attributes)])].filter(
    (key) => !isDeepStrictEqual(agent.resource[key], attributes[key]),
  ),
];

/** Owners that the write brings in. */
export const newOwners = (agent: Agent, { owners }: AgentWrite): OwnerRef[] =>
  owners.filter((o) => agent.owners.get(o.id) !== o.type);

/** Applications that the write brings in. */
export const newApplications = (agent: Agent, { applicationIds = [] }: AgentWrite): string[] =>
  applicationIds.filter((id) => !agent.applicationIds.includes(id));

/** A deactivation comes first; a reactivation last, when the owners it needs are there. */
export function changeAgent(
  agent: Agent,
  agentId: string,
  write: AgentChange,
  reason: string,
  context: EventContext,
): NewEvent[] {
  const events: NewEvent[] = [];
  if (agent.active && !write.active) events.push(newEvent('AgentDeactivated', { agentId, reason }, context));
  const changed = write.user === undefined ? changedNames(agent, write) : [...write.user.changed];
  if (changed.length > 0) {
    const { userNameHash, sealed } = write.user ?? {};
    const user = userNameHash === undefined || sealed === undefined ? {} : { user: { userNameHash, sealed } };
    const data = { agentId, name: write.name, resource: { ...write.attributes }, changed, ...user };
    events.push(newEvent('AgentChanged', data, context));
  }
  const added = newOwners(agent, write);
  const wanted = new Set(write.owners.map((o) => o.id));
  const removed = ownersOf(agent).filter((o) => !wanted.has(o.id));
  if (added.length + removed.length > 0) {
    events.push(newEvent('AgentOwnersChanged', { agentId, added, removed }, context));
  }
  const { applicationIds = agent.applicationIds } = write;
  const joined = newApplications(agent, write);
  const left = agent.applicationIds.filter((id) => !applicationIds.includes(id));
  if (joined.length + left.length > 0) {
    events.push(newEvent('AgentApplicationsChanged', { agentId, added: joined, removed: left }, context));
  }
  if (!agent.active && write.active) {
    events.push(newEvent('AgentReactivated', { agentId, generation: agent.generation + 1 }, context));
  }
  return events;
}

/** Nothing where it belongs to the application already. */
export const joinApplication = (agent: Agent, agentId: string, id: string, context: EventContext): NewEvent[] =>
  agent.applicationIds.includes(id)
    ? []
    : [newEvent('AgentApplicationsChanged', { agentId, added: [id], removed: [] }, context)];

/** Nothing where it does not belong to the application, or names it itself: it belongs to it as long as it does. */
export const leaveApplication = (agent: Agent, agentId: string, id: string, context: EventContext): NewEvent[] =>
  !agent.applicationIds.includes(id) || namedApplication(agent.resource) === id
    ? []
    : [newEvent('AgentApplicationsChanged', { agentId, added: [], removed: [id] }, context)];

/** It belongs to the connection `to`, and is owned by it where the former one owned it. */
export function handOverAgent({ owners }: Agent, agentId: string, to: string, context: EventContext): NewEvent[] {
  const handedOver = newEvent('AgentHandedOver', { agentId, to }, context);
  const removed = [...owners].flatMap(([id, type]) => (type === 'Connection' ? [{ type, id }] : []));
  if (removed.length === 0) return [handedOver];
  const added: OwnerRef[] = [{ type: 'Connection', id: to }];
  return [handedOver, newEvent('AgentOwnersChanged', { agentId, added, removed }, context)];
}

/**
 * Nothing when it may not act anyway, or when it was reactivated since: that was decided later and stands.
 * @param generation the agent's when its last owner went
 */
export const orphanAgent = (
  agent: Agent,
  orphan: { readonly agentId: string; readonly generation: number; readonly eventId: string },
  context: EventContext,
): NewEvent[] =>
  agent.status === 'present' && agent.active && agent.generation === orphan.generation
    ? [newEvent('AgentOrphaned', { agentId: orphan.agentId }, context, orphan.eventId)]
    : [];

// A SCIM connection as the fold of its stream: its state and the tokens that open it.
import type { AgentNameKey, AnyEvent, EventData, NewEvent } from '@app/events';
import { newEvent, type Aggregate, type EventContext } from '@app/event-log';
import { ConnectionIsOpen, NotFound } from '../directory.errors.js';
import type { ConnectionChanges } from '../tenant.commands.js';

export interface ConnectionToken {
  readonly expiresAt: string | undefined;
  readonly revoked: boolean;
}

/** What was ordered about all that a closed connection provisioned. */
export interface ConnectionOrder {
  /** Of the event that ordered it. */
  readonly id: string;
  /** The connection to hand it over to; undefined: everybody is to be deactivated. */
  readonly to: string | undefined;
  readonly isCarriedOut: boolean;
}

/** What an operator says of an identity provider. */
interface ConnectionProfile {
  readonly name: string;
  readonly dialect: 'lenient' | 'strict';
  readonly agentWhen: string | undefined;
  readonly agentNameKey: AgentNameKey;
}

export interface Connection {
  readonly state: 'none' | 'open' | 'paused' | 'closed';
  /** Undefined before it is opened. */
  readonly profile: ConnectionProfile | undefined;
  readonly tokens: ReadonlyMap<string, ConnectionToken>;
  /** Ids of the keys that were registered and not revoked. */
  readonly clientKeys: ReadonlySet<string>;
  /** The oldest first. */
  readonly orders: readonly ConnectionOrder[];
}

/** Two, so that a token or a key can be replaced without a gap. */
export const VALID_TOKENS = 2;

function evolve(connection: Connection, event: AnyEvent): Connection {
  switch (event.type) {
    case 'ConnectionOpened':
      return { ...connection, state: 'open', profile: profileOf(event.data) };
    case 'ConnectionChanged':
      return { ...connection, profile: profileOf(event.data) };
    case 'ConnectionResumed':
      return { ...connection, state: 'open' };
    case 'ConnectionPaused':
      return { ...connection, state: 'paused' };
    case 'ConnectionClosed':
      return { ...connection, state: 'closed' };
    case 'ConnectionTokenIssued': {
      const { tokenId, expiresAt } = event.data;
      return { ...connection, tokens: new Map(connection.tokens).set(tokenId, { expiresAt, revoked: false }) };
    }
    case 'ConnectionTokenRevoked': {
      const token = { expiresAt: undefined, revoked: true };
      return { ...connection, tokens: new Map(connection.tokens).set(event.data.tokenId, token) };
    }
    case 'ConnectionKeyRegistered':
      return { ...connection, clientKeys: new Set(connection.clientKeys).add(event.data.keyId) };
    case 'ConnectionKeyRevoked': {
      const clientKeys = new Set(connection.clientKeys);
      clientKeys.delete(event.data.keyId);
      return { ...connection, clientKeys };
    }
    case 'ConnectionOffboardingOrdered':
    case 'ConnectionHandOverOrdered':
      return { ...connection, orders: [...connection.orders, { ...orderOf(event), isCarriedOut: false }] };
    case 'ConnectionOrderCarriedOut': {
      const { orderId } = event.data;
      const orders = connection.orders.map((order) =>
        order.id === orderId ? { ...order, isCarriedOut: true } : order,
      );
      return { ...connection, orders };
    }
    default:
      return connection;
  }
}

const profileOf = ({
  name,
  dialect,
  agentWhen,
  agentNameKey = 'agentUserName',
}: EventData['ConnectionOpened']): ConnectionProfile => ({ name, dialect, agentWhen, agentNameKey });

type OrderEvent = Extract<AnyEvent, { type: 'ConnectionOffboardingOrdered' | 'ConnectionHandOverOrdered' }>;

export const orderOf = (event: OrderEvent): Pick<ConnectionOrder, 'id' | 'to'> => ({
  id: event.id,
  to: event.type === 'ConnectionHandOverOrdered' ? event.data.to : undefined,
});

export const connectionAggregate: Aggregate<Connection> = {
  initial: () => ({ state: 'none', profile: undefined, tokens: new Map(), clientKeys: new Set(), orders: [] }),
  evolve,
};

/** @param now ms */
export const isValid = ({ revoked, expiresAt }: ConnectionToken, now: number): boolean =>
  !revoked && (expiresAt === undefined || Date.parse(expiresAt) > now);

export const validTokens = ({ tokens }: Connection, now: number): number =>
  [...tokens.values()].filter((token) => isValid(token, now)).length;

/** The event that brings a connection into each of the states that an operator may ask for. */
const becoming = { open: 'ConnectionResumed', paused: 'ConnectionPaused', closed: 'ConnectionClosed' } as const;

export type WantedState = keyof typeof becoming;

/**
 * Nothing when the connection is in that state already.
 * @throws NotFound when there is no such connection, or it is closed and shall be anything else
 */
export function bringInto(
  { state }: Connection,
  wanted: WantedState,
  connectionId: string,
  context: EventContext,
): NewEvent[] {
  if (state === wanted) return [];
  if (state === 'none' || state === 'closed') throw new NotFound('no such open connection');
  return [newEvent(becoming[wanted], { connectionId }, context)];
}

/**
 * What is not mentioned stays. Nothing when all of it is so already.
 * @throws NotFound when there is no such connection, or it is closed
 */
export function changeProfile(
  { state, profile }: Connection,
  changes: ConnectionChanges,
  connectionId: string,
  context: EventContext,
): NewEvent[] {
  if (profile === undefined || state === 'closed') throw new NotFound('no such open connection');
  const { name = profile.name, dialect = profile.dialect, agentNameKey = profile.agentNameKey } = changes;
  const agentWhen = changes.agentWhen === undefined ? profile.agentWhen : (changes.agentWhen ?? undefined);
  const next: ConnectionProfile = { name, dialect, agentWhen, agentNameKey };
  const changed = (Object.keys(next) as (keyof ConnectionProfile)[]).filter((key) => next[key] !== profile[key]);
  if (changed.length === 0) return [];
  const rule = agentWhen === undefined ? {} : { agentWhen };
  return [newEvent('ConnectionChanged', { connectionId, name, dialect, ...rule, agentNameKey, changed }, context)];
}

/** Everybody whom it provisioned is to be deactivated. Nothing when that was the last order. */
export function offboard({ orders }: Connection, connectionId: string, context: EventContext): NewEvent[] {
  const last = orders.at(-1);
  if (last !== undefined && last.to === undefined) return [];
  return [newEvent('ConnectionOffboardingOrdered', { connectionId }, context)];
}

/**
 * All that it provisioned is to belong to the connection `to`. Nothing when that was the last order.
 * @throws NotFound when there is no such connection; ConnectionIsOpen
 */
export function handOver(
  { state, orders }: Connection,
  { connectionId, to }: { readonly connectionId: string; readonly to: string },
  context: EventContext,
): NewEvent[] {
  if (state === 'none') throw new NotFound('no such connection');
  if (state !== 'closed') throw new ConnectionIsOpen('a connection keeps what it provisioned until it is closed');
  if (orders.at(-1)?.to === to) return [];
  return [newEvent('ConnectionHandOverOrdered', { connectionId, to }, context)];
}

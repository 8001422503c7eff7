// A SCIM connection as the fold of its stream: its state and the tokens that open it.
import type { AnyEvent, NewEvent } from '@app/events';
import { newEvent, type Aggregate, type EventContext } from '@app/event-log';
import { NotFound } from '../directory.errors.js';

export interface ConnectionToken {
  readonly expiresAt: string | undefined;
  readonly revoked: boolean;
}

export interface Connection {
  readonly state: 'none' | 'open' | 'paused' | 'closed';
  readonly tokens: ReadonlyMap<string, ConnectionToken>;
  /** Ids of the keys that were registered and not revoked. */
  readonly clientKeys: ReadonlySet<string>;
}

/** Two, so that a token or a key can be replaced without a gap. */
export const VALID_TOKENS = 2;

function evolve(connection: Connection, event: AnyEvent): Connection {
  switch (event.type) {
    case 'ConnectionOpened':
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
    default:
      return connection;
  }
}

export const connectionAggregate: Aggregate<Connection> = {
  initial: () => ({ state: 'none', tokens: new Map(), clientKeys: new Set() }),
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

// Events and stream names for the specs of this room.
import type { AnyEvent } from '@app/events';
import { newId } from '@app/runtime';
import { newEvent, type EventContext } from './new-event.js';

const context: EventContext = {
  tenant: 'contract',
  actor: 'system:contract',
  correlationId: 'request-1',
  causationId: 'request-1',
  at: '2026-01-01T00:00:00.000Z',
};

export const newStream = (noun = 'run'): string => `${noun}-contract-${newId()}`;

/** An event that is told apart by `runId`. */
export const runEnded = (runId: string, id: string = newId()): AnyEvent =>
  newEvent('RunEnded', { runId }, context, id) as AnyEvent;

export const runsEnded = (count: number, name = 'run'): AnyEvent[] =>
  Array.from({ length: count }, (_, i) => runEnded(`${name}-${i}`));

export const runIds = (events: readonly AnyEvent[]): string[] =>
  events.map((event) => (event.data as { runId: string }).runId);

// Given facts, when decided, then events: folds an aggregate from the data of events.
import type { AnyEvent, EventData, EventType, NewEvent } from '@app/events';
import { contextOf, newEvent, type Aggregate } from '@app/event-log';

/** When every given fact was decided. */
export const GIVEN_AT = '2026-01-01T00:00:00.000Z';

/** The context of a decision made one hour later. */
export const context = contextOf(
  { tenant: 'acme', actor: 'scim:okta', correlationId: 'request-1', receivedAt: '2026-01-01T01:00:00.000Z' },
  '2026-01-01T01:00:00.000Z',
);

export type Fact = { [T in EventType]: readonly [type: T, data: EventData[T]] }[EventType];

/** The state after these facts. */
export function given<S>(aggregate: Aggregate<S>, ...facts: readonly Fact[]): S {
  const events = facts.map(([type, data]) => newEvent(type, data, { ...context, at: GIVEN_AT }));
  return after(aggregate, aggregate.initial(), events);
}

/** The state after a decision. */
export const after = <S>(aggregate: Aggregate<S>, state: S, events: readonly NewEvent[]): S =>
  (events as readonly AnyEvent[]).reduce((folded, event) => aggregate.evolve(folded, event), state);

/** What was decided, without ids and metadata. */
export const facts = (events: readonly NewEvent[]): (readonly [EventType, unknown])[] =>
  events.map(({ type, data }) => [type, data]);

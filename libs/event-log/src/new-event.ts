// Makes an event from its data and the context of the request that led to it.
import {
  catalog,
  type EventData,
  type EventMetadata,
  type EventType,
  type NewEvent,
  type RequestContext,
} from '@app/events';
import { newId } from '@app/runtime';

/** Everything of the metadata that a caller knows; the schema version comes from the catalog. */
export type EventContext = Omit<EventMetadata, 'schemaVersion'>;

/** @param id derived where a replay must make the same event again; random otherwise */
export const newEvent = <T extends EventType>(
  type: T,
  data: EventData[T],
  context: EventContext,
  id: string = newId(),
): NewEvent<T> => ({ id, type, data, metadata: { ...context, schemaVersion: catalog[type].version } });

/** The context of an event that is decided at `at` because of a request. */
export const contextOf = (request: RequestContext, at: string): EventContext => ({
  ...request,
  causationId: request.correlationId,
  at,
});

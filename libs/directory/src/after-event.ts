// The context of what the service itself decides because of an event: it belongs to the same request.
import type { EventMetadata } from '@app/events';
import type { EventContext } from '@app/event-log';

/** @param actor `system:<what decides>` */
export function contextAfter(
  cause: { readonly id: string; readonly metadata: EventMetadata },
  actor: `system:${string}`,
  at: string,
): EventContext {
  const { tenant, correlationId, receivedAt } = cause.metadata;
  const context = { tenant, actor, correlationId, causationId: cause.id, at };
  return receivedAt === undefined ? context : { ...context, receivedAt };
}

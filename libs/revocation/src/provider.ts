// A configured provider, folded from its stream. Pure.
import type { AnyEvent, EventData } from '@app/events';

/** undefined while it is not configured, or no longer. */
export type ProviderState = EventData['ProviderConfigured'] | undefined;

export const providerAggregate = {
  initial: (): ProviderState => undefined,

  evolve(provider: ProviderState, event: AnyEvent): ProviderState {
    if (event.type === 'ProviderConfigured') return event.data;
    return event.type === 'ProviderRemoved' ? undefined : provider;
  },
};

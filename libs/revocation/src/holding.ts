// The life of a credential, schedule or run as the platform tells it. Pure: folds its stream and says what is the same.
import type { AnyEvent, EventData } from '@app/events';

export type Registration =
  EventData['CredentialRegistered'] | EventData['ScheduleRegistered'] | EventData['RunStarted'];

export interface Holding {
  /** As first registered; undefined before that. */
  readonly registration: Registration | undefined;
  /** Of the current secret. */
  readonly fingerprint: string | undefined;
  readonly expiresAt: string | undefined;
  readonly ended: boolean;
}

export const holdingAggregate = {
  initial: (): Holding => ({ registration: undefined, fingerprint: undefined, expiresAt: undefined, ended: false }),

  evolve(holding: Holding, event: AnyEvent): Holding {
    switch (event.type) {
      case 'CredentialRegistered': {
        const { fingerprint, expiresAt } = event.data;
        return { registration: event.data, fingerprint, expiresAt, ended: false };
      }
      case 'ScheduleRegistered':
      case 'RunStarted':
        return { ...holding, registration: event.data };
      case 'CredentialRotated':
        return { ...holding, fingerprint: event.data.fingerprint, expiresAt: event.data.expiresAt };
      case 'CredentialReleased':
      case 'ScheduleReleased':
      case 'RunEnded':
        return { ...holding, ended: true };
      default:
        return holding;
    }
  },
};

export type Standing = 'new' | 'same' | 'other' | 'ended';

/** How what is to be registered stands to what was. The place of the secret in the vault does not count. */
export function standingOf(holding: Holding, registration: Registration): Standing {
  if (holding.registration === undefined) return 'new';
  if (canonical({ ...holding.registration, secretId: undefined }) !== canonical(registration)) return 'other';
  return holding.ended ? 'ended' : 'same';
}

/** JSON with sorted names: equal for equal values, whatever order they were written in. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

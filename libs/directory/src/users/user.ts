// A user as the fold of its stream: whether it may act, under which name, and its sealed resource.
import type { AnyEvent, NewEvent } from '@app/events';
import { newEvent, type Aggregate, type EventContext } from '@app/event-log';
import type { Attributes, StoredUser } from '../user.commands.js';
import { sizeOfSealed } from './sealed-attributes.js';

export interface User {
  readonly status: 'none' | 'present' | 'deleted';
  /** The connection that provisioned it; undefined: the platform. */
  readonly connection: string | undefined;
  readonly active: boolean;
  /** Grows with every reactivation: nothing that an earlier generation lost is restored. */
  readonly generation: number;
  readonly dataKeyId: string;
  readonly userNameHash: string;
  readonly sealed: string;
  /** The event that `sealed` came with: sealing is bound to it. */
  readonly sealedBy: 'UserProvisioned' | 'UserChanged';
  /** `sealed` holds the externalId of a connection that it no longer belongs to. */
  readonly isHandedOver: boolean;
  readonly created: string;
  readonly lastModified: string;
}

/** A resource as it is recorded. */
export interface SealedResource {
  readonly userNameHash: string;
  readonly sealed: string;
  readonly changed: readonly string[];
}

const none: User = {
  status: 'none',
  connection: undefined,
  active: false,
  generation: 0,
  dataKeyId: '',
  userNameHash: '',
  sealed: '',
  sealedBy: 'UserProvisioned',
  isHandedOver: false,
  created: '',
  lastModified: '',
};

function evolve(user: User, event: AnyEvent): User {
  const { at, connection } = event.metadata;
  switch (event.type) {
    case 'UserProvisioned': {
      const { active, dataKeyId, userNameHash, sealed } = event.data;
      const fresh = { active, dataKeyId, userNameHash, sealed, sealedBy: event.type, created: at, lastModified: at };
      return { status: 'present', connection, generation: 1, isHandedOver: false, ...fresh };
    }
    case 'UserChanged': {
      const { userNameHash, sealed } = event.data;
      return { ...user, userNameHash, sealed, sealedBy: event.type, isHandedOver: false, lastModified: at };
    }
    case 'UserHandedOver':
      return { ...user, connection: event.data.to, isHandedOver: true, lastModified: at };
    case 'UserDeactivated':
      return { ...user, active: false, lastModified: at };
    case 'UserReactivated':
      return { ...user, active: true, generation: event.data.generation, lastModified: at };
    case 'UserDeleted':
      return { ...none, status: 'deleted', generation: user.generation, userNameHash: event.data.userNameHash };
    default:
      return user;
  }
}

export const userAggregate: Aggregate<User> = { initial: () => none, evolve, sizeOf: sizeOfSealed };

/** What is seen of a user, or of an agent that is pushed as one. */
export const storedUser = (
  id: string,
  { active, created, lastModified }: Pick<User, 'active' | 'created' | 'lastModified'>,
  attributes: Attributes,
  revision: bigint,
): StoredUser => ({ id, attributes, active, created, lastModified, revision });

/** A change of `active` comes first: what denies is never behind what merely describes. */
export function changeUser(
  user: User,
  userId: string,
  change: { readonly active: boolean; readonly resource?: SealedResource | undefined },
  context: EventContext,
): NewEvent[] {
  const events: NewEvent[] = [];
  if (user.active && !change.active) events.push(newEvent('UserDeactivated', { userId }, context));
  if (!user.active && change.active) {
    events.push(newEvent('UserReactivated', { userId, generation: user.generation + 1 }, context));
  }
  if (change.resource !== undefined) {
    const { userNameHash, sealed, changed } = change.resource;
    events.push(newEvent('UserChanged', { userId, userNameHash, sealed, changed: [...changed] }, context));
  }
  return events;
}

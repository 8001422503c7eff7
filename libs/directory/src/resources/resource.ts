// A resource of an operator's own type as the fold of its stream: whose it is, and its sealed attributes.
import type { AnyEvent } from '@app/events';
import type { Aggregate } from '@app/event-log';
import type { StoredResource } from '../resource.commands.js';
import type { Attributes } from '../user.commands.js';
import { sizeOfSealed } from '../users/sealed-attributes.js';

export interface Resource {
  readonly status: 'none' | 'present' | 'deleted';
  readonly type: string;
  /** The connection that created it; undefined: the platform. */
  readonly connection: string | undefined;
  readonly dataKeyId: string;
  /** Hashes of what it alone has. */
  readonly unique: readonly string[];
  readonly sealed: string;
  /** The event that `sealed` came with: sealing is bound to it. */
  readonly sealedBy: 'ResourceCreated' | 'ResourceChanged';
  /** `sealed` holds the externalId of a connection that it no longer belongs to. */
  readonly isHandedOver: boolean;
  readonly created: string;
  readonly lastModified: string;
}

const none: Resource = {
  status: 'none',
  type: '',
  connection: undefined,
  dataKeyId: '',
  unique: [],
  sealed: '',
  sealedBy: 'ResourceCreated',
  isHandedOver: false,
  created: '',
  lastModified: '',
};

function evolve(resource: Resource, event: AnyEvent): Resource {
  const { at, connection } = event.metadata;
  switch (event.type) {
    case 'ResourceCreated': {
      const { resourceType, dataKeyId, sealed, unique } = event.data;
      const fresh = { dataKeyId, sealed, unique, sealedBy: event.type, created: at, lastModified: at };
      return { ...none, status: 'present', type: resourceType, connection, ...fresh };
    }
    case 'ResourceChanged': {
      const { sealed, unique } = event.data;
      return { ...resource, sealed, unique, sealedBy: event.type, isHandedOver: false, lastModified: at };
    }
    case 'ResourceHandedOver':
      return { ...resource, connection: event.data.to, isHandedOver: true, lastModified: at };
    case 'ResourceDeleted':
      return { ...none, status: 'deleted' };
    default:
      return resource;
  }
}

export const resourceAggregate: Aggregate<Resource> = { initial: () => none, evolve, sizeOf: sizeOfSealed };

export const storedResource = (
  id: string,
  { created, lastModified }: Resource,
  attributes: Attributes,
  revision: bigint,
): StoredResource => ({ id, attributes, created, lastModified, revision });

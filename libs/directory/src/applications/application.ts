// An application as the fold of its stream: whether its agents may act, and what it is called.
import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, NewEvent } from '@app/events';
import { newEvent, type Aggregate, type EventContext } from '@app/event-log';
import type { ApplicationWrite, StoredApplication } from '../application.commands.js';
import { withoutExternalId } from '../scope.js';
import type { Attributes } from '../user.commands.js';

export interface Application {
  readonly status: 'none' | 'present' | 'deleted';
  /** That provisioned it; undefined: the platform. */
  readonly connection: string | undefined;
  readonly name: string;
  readonly active: boolean;
  readonly resource: Attributes;
  readonly created: string;
  readonly lastModified: string;
}

const none: Application = {
  status: 'none',
  connection: undefined,
  name: '',
  active: false,
  resource: {},
  created: '',
  lastModified: '',
};

function evolve(application: Application, event: AnyEvent): Application {
  const lastModified = event.metadata.at;
  switch (event.type) {
    case 'ApplicationProvisioned': {
      const { name, active, resource } = event.data;
      const { connection } = event.metadata;
      return { status: 'present', connection, name, active, resource, created: lastModified, lastModified };
    }
    case 'ApplicationChanged':
      return { ...application, name: event.data.name, resource: event.data.resource, lastModified };
    case 'ApplicationDeactivated':
      return { ...application, active: false, lastModified };
    case 'ApplicationReactivated':
      return { ...application, active: true, lastModified };
    case 'ApplicationHandedOver':
      return {
        ...application,
        connection: event.data.to,
        resource: withoutExternalId(application.resource),
        lastModified,
      };
    case 'ApplicationDeleted':
      return { ...none, status: 'deleted' };
    default:
      return application;
  }
}

export const applicationAggregate: Aggregate<Application> = { initial: () => none, evolve };

export const storedApplication = (id: string, application: Application, revision: bigint): StoredApplication => {
  const { name, active, resource, created, lastModified } = application;
  return { id, name, active, attributes: resource, created, lastModified, revision };
};

const changedNames = (application: Application, { name, attributes }: ApplicationWrite): string[] => [
  ...(name === application.name ? [] : ['name']),
  ...[...new Set([...Object.keys(application.resource), ...Object.keys(attributes)])].filter(
    (key) => !isDeepStrictEqual(application.resource[key], attributes[key]),
  ),
];

/** A deactivation comes first, a reactivation last. */
export function changeApplication(
  application: Application,
  applicationId: string,
  write: ApplicationWrite,
  context: EventContext,
): NewEvent[] {
  const events: NewEvent[] = [];
  if (application.active && !write.active) events.push(newEvent('ApplicationDeactivated', { applicationId }, context));
  const changed = changedNames(application, write);
  if (changed.length > 0) {
    const data = { applicationId, name: write.name, resource: { ...write.attributes }, changed };
    events.push(newEvent('ApplicationChanged', data, context));
  }
  if (!application.active && write.active) events.push(newEvent('ApplicationReactivated', { applicationId }, context));
  return events;
}

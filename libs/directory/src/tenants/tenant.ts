// A tenant as the fold of its stream: that it exists, and which API keys open it.
import type { AnyEvent } from '@app/events';
import type { Aggregate } from '@app/event-log';

export interface Tenant {
  readonly exists: boolean;
  readonly keys: ReadonlyMap<string, 'valid' | 'revoked'>;
}

function evolve(tenant: Tenant, event: AnyEvent): Tenant {
  switch (event.type) {
    case 'TenantCreated':
      return { ...tenant, exists: true };
    case 'ApiKeyIssued':
      return { ...tenant, keys: new Map(tenant.keys).set(event.data.keyId, 'valid') };
    case 'ApiKeyRevoked':
      return { ...tenant, keys: new Map(tenant.keys).set(event.data.keyId, 'revoked') };
    default:
      return tenant;
  }
}

export const tenantAggregate: Aggregate<Tenant> = { initial: () => ({ exists: false, keys: new Map() }), evolve };

// Makes the first tenant with a connection and keys, so that a fresh service can be used at once.
import {
  CreateTenant,
  IssueApiKey,
  IssueConnectionToken,
  ListConnections,
  OpenConnection,
  TooManyTokens,
} from '@app/directory';
import type { EventLog, ReadModels } from '@app/event-log';
import { streams, TENANT_ID, type RequestContext } from '@app/events';
import { newId, type Clock } from '@app/runtime';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';

const FIRST_TENANT = 'default';

export interface FirstTenantParts {
  readonly log: EventLog;
  readonly commands: CommandBus;
  readonly queries: QueryBus;
  readonly readModels: ReadModels;
  readonly clock: Clock;
}

/** Shown once. */
export interface FirstKeys {
  /** Absent when the connection has two valid tokens already: one must be revoked first, with the API key. */
  readonly scimToken?: string;
  readonly apiKey: string;
}

export interface FirstTenantOptions {
  /** The tenant to make when it is missing; when absent, `default`, and only in an empty log. */
  readonly tenant?: string | undefined;
  /** Issue a further token and key if the tenant exists: the first ones were lost. */
  readonly issueKeys: boolean;
}

/** @returns undefined when nothing was issued */
export async function firstTenant(
  parts: FirstTenantParts,
  options: FirstTenantOptions,
): Promise<FirstKeys | undefined> {
  const { log, commands, queries, readModels, clock } = parts;
  const tenant = options.tenant ?? FIRST_TENANT;
  if (!TENANT_ID.test(tenant)) throw new Error(`The tenant id must match ${TENANT_ID}.`);
  const context: RequestContext = {
    tenant,
    actor: 'system:setup',
    correlationId: newId(),
    receivedAt: clock.iso(),
  };
  const isThere = (await log.readStream(streams.tenant(tenant), { max: 1 })).length > 0;
  const isWanted = options.tenant !== undefined || (await log.head()) === undefined;
  if (isThere ? !options.issueKeys : !isWanted) return undefined;
  if (!isThere) await commands.execute(new CreateTenant(context, tenant));
  const existing = (await queries.execute(new ListConnections(tenant))).find(({ state }) => state !== 'closed');
  const { connectionId } =
    existing ?? (await commands.execute(new OpenConnection(context, 'Identity provider', 'lenient')));
  const scim = await commands.execute(new IssueConnectionToken(context, connectionId)).catch((error: unknown) => {
    if (error instanceof TooManyTokens) return undefined;
    throw error;
  });
  const api = await commands.execute(new IssueApiKey(context, ['platform', 'operator']));
  await readModels.reached(api.position);
  return { ...(scim === undefined ? {} : { scimToken: scim.token }), apiKey: api.token };
}

// Applications of agents: what a SCIM write comes to in commands of the directory.
import {
  ChangeApplication,
  DeleteApplication,
  FindApplication,
  ListApplications,
  ProvisionApplication,
  type ApplicationWrite,
  type FoundApplication,
  type Listed,
  type Listing,
  type Members,
  type NamedRef,
  type Scope,
  type StoredApplication,
  type Written,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { limits, ScimError, type ChangeSet, type ParsedResource, type ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Compute, ScimResource } from './scim-resource.js';

@Injectable()
export class ApplicationResource implements ScimResource<StoredApplication, FoundApplication> {
  readonly name = 'AgenticApplication';
  readonly related = 'members';
  readonly indexed = { id: 'id', name: 'userName', externalId: 'externalId', displayName: 'displayName' } as const;
  readonly terse = false;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  find({ tenant, connection }: Scope, id: string, withAgents: boolean): Promise<FoundApplication | undefined> {
    return this.queries.execute(new FindApplication(tenant, id, withAgents, connection));
  }

  list(
    { tenant, connection }: Scope,
    listing: Listing<FoundApplication>,
    withAgents: boolean,
  ): Promise<Listed<FoundApplication>> {
    return this.queries.execute(new ListApplications(tenant, listing, withAgents, connection));
  }

  async create(
    context: RequestContext,
    { attributes, members = [] }: ParsedResource,
  ): Promise<Written<StoredApplication>> {
    const write = writeOf(attributes, { added: members, removed: [] });
    return this.commands.execute(new ProvisionApplication(context, write));
  }

  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredApplication>> {
    const change = (current: StoredApplication, agents: Members): ApplicationWrite | undefined => {
      const { noop, next, members } = compute(this.attributesOf(current), agents);
      return noop ? undefined : writeOf(next, members);
    };
    return this.commands.execute(new ChangeApplication(context, id, change, expected));
  }

  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }> {
    return this.commands.execute(new DeleteApplication(context, id, expected));
  }

  attributesOf({ attributes, name, active }: StoredApplication): ScimAttributes {
    return { ...(attributes as ScimAttributes), name, active };
  }

  relatedOf({ agents }: FoundApplication): readonly NamedRef[] {
    return agents;
  }
}

/** @throws ScimError tooMany */
function writeOf(
  { name, active, ...attributes }: ScimAttributes,
  { added, removed }: ChangeSet['members'],
): ApplicationWrite {
  if (added.length + removed.length > limits.agentsPerWrite) {
    throw ScimError.tooMany(`At most ${limits.agentsPerWrite} agents join and leave by one request: send several.`);
  }
  const agents = { added: added.map(({ value }) => value), removed };
  return { name: name as string, active: active === true, attributes, agents };
}

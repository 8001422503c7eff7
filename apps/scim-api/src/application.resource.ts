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
  type NamedRef,
  type Scope,
  type StoredApplication,
  type Written,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import type { ParsedResource, ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Compute, ScimResource } from './scim-resource.js';

@Injectable()
export class ApplicationResource implements ScimResource<StoredApplication, FoundApplication> {
  readonly name = 'AgenticApplication';
  readonly related = 'agents';
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

  create(context: RequestContext, { attributes }: ParsedResource): Promise<Written<StoredApplication>> {
    return this.commands.execute(new ProvisionApplication(context, writeOf(attributes)));
  }

  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredApplication>> {
    const change = (current: StoredApplication): ApplicationWrite | undefined => {
      const { noop, next } = compute(this.attributesOf(current), undefined);
      return noop ? undefined : writeOf(next);
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

const writeOf = ({ name, active, ...attributes }: ScimAttributes): ApplicationWrite => ({
  name: name as string,
  active: active === true,
  attributes,
});

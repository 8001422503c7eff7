// Resources whose type an operator added: what a SCIM write comes to in commands of the directory, whatever the type.
import {
  ChangeResource,
  CreateResource,
  DeleteResource,
  FindResource,
  ListResources,
  type FoundResource,
  type Listed,
  type Listing,
  type NamedRef,
  type ResourceWrite,
  type Scope,
  type StoredResource,
  type UniqueValue,
  type Written,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { foldCase, type ParsedResource, type ScimAttributes } from '@app/scim';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Registries } from './registries.js';
import type { Compute, ScimResource } from './scim-resource.js';

export class CustomResource implements ScimResource<StoredResource, FoundResource> {
  readonly related = 'groups';
  readonly indexed = { id: 'id', externalId: 'externalId' } as const;
  readonly terse = false;

  constructor(
    readonly name: string,
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly registries: Registries,
  ) {}

  find({ tenant, connection }: Scope, id: string): Promise<FoundResource | undefined> {
    return this.queries.execute(new FindResource(tenant, this.name, id, connection));
  }

  list({ tenant, connection }: Scope, listing: Listing<FoundResource>): Promise<Listed<FoundResource>> {
    return this.queries.execute(new ListResources(tenant, this.name, listing, connection));
  }

  create(context: RequestContext, { attributes }: ParsedResource): Promise<Written<StoredResource>> {
    const write = { attributes, unique: this.uniqueIn(context.tenant, attributes), changed: [] };
    return this.commands.execute(new CreateResource(context, this.name, write));
  }

  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredResource>> {
    const change = (current: StoredResource): ResourceWrite | undefined => {
      const { noop, next, changes } = compute(this.attributesOf(current), undefined);
      if (noop) return undefined;
      const unique = this.uniqueIn(context.tenant, next);
      return { attributes: next, unique, changed: changes.map(({ path }) => path) };
    };
    return this.commands.execute(new ChangeResource(context, this.name, id, change, expected));
  }

  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }> {
    return this.commands.execute(new DeleteResource(context, this.name, id, expected));
  }

  attributesOf({ attributes }: StoredResource): ScimAttributes {
    return attributes as ScimAttributes;
  }

  /** Groups have users and groups as members. */
  relatedOf(): readonly NamedRef[] {
    return [];
  }

  private uniqueIn(tenant: string, attributes: ScimAttributes): UniqueValue[] {
    const { list } = this.registries.of(tenant).type(this.name).attributes;
    return list.flatMap(({ name, uniqueness, caseExact, definition }) => {
      const value = attributes[name];
      // The id is the server's own, and listed as unique.
      if (uniqueness !== 'server' || definition.mutability === 'readOnly' || typeof value !== 'string') return [];
      return [{ attribute: name, value: caseExact ? value : foldCase(value) }];
    });
  }
}

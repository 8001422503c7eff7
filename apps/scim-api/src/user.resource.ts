// Users: what a SCIM write comes to in commands of the directory, which keeps `active` apart from the attributes.
import {
  ChangeUser,
  DeleteUser,
  FindUser,
  FindUserIds,
  ListUsers,
  ProvisionUser,
  type IndexedEquality,
  type Listed,
  type Listing,
  type NamedRef,
  type Scope,
  type StoredUser,
  type UserWithGroups,
  type UserWrite,
  type Written,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import type { AttributeChange, ParsedResource, ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Compute, ScimResource } from './scim-resource.js';

@Injectable()
export class UserResource implements ScimResource<StoredUser, UserWithGroups> {
  readonly name = 'User';
  readonly related = 'groups';
  readonly indexed = { id: 'id', userName: 'userName', externalId: 'externalId', displayName: 'displayName' } as const;
  readonly terse = false;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  find({ tenant, connection }: Scope, id: string, withGroups: boolean): Promise<UserWithGroups | undefined> {
    return this.queries.execute(new FindUser(tenant, id, withGroups, connection));
  }

  idsOf({ tenant, connection }: Scope, equals: IndexedEquality): Promise<readonly string[]> {
    return this.queries.execute(new FindUserIds(tenant, equals, connection));
  }

  list(
    { tenant, connection }: Scope,
    listing: Listing<UserWithGroups>,
    withGroups: boolean,
  ): Promise<Listed<UserWithGroups>> {
    return this.queries.execute(new ListUsers(tenant, listing, withGroups, connection));
  }

  create(
    context: RequestContext,
    { attributes }: ParsedResource,
    agentWhen: string | undefined,
  ): Promise<Written<StoredUser>> {
    return this.commands.execute(new ProvisionUser(context, writeOf(attributes, []), agentWhen));
  }

  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredUser>> {
    const change = (current: StoredUser): UserWrite | undefined => {
      const { noop, next, changes } = compute(this.attributesOf(current), undefined);
      return noop ? undefined : writeOf(next, changes);
    };
    return this.commands.execute(new ChangeUser(context, id, change, expected));
  }

  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }> {
    return this.commands.execute(new DeleteUser(context, id, expected));
  }

  attributesOf({ attributes, active }: StoredUser): ScimAttributes {
    return { ...(attributes as ScimAttributes), active };
  }

  relatedOf({ groups }: UserWithGroups): readonly NamedRef[] {
    return groups;
  }
}

function writeOf({ active, ...attributes }: ScimAttributes, changes: readonly AttributeChange[]): UserWrite {
  const changed = changes.map(({ path }) => path).filter((path) => path !== 'active');
  return { attributes, active: active === true, changed };
}

// Groups: what a SCIM write comes to in commands of the directory, which takes members as additions and removals.
import {
  ChangeGroup,
  CreateGroup,
  DeleteGroup,
  FindGroup,
  FindMembers,
  ListGroups,
  type GroupWithMembers,
  type GroupWrite,
  type Listed,
  type Listing,
  type Members,
  type NamedRef,
  type Scope,
  type StoredGroup,
  type Written,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import type { ParsedResource, ScimAttributes } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Compute, ScimResource } from './scim-resource.js';

@Injectable()
export class GroupResource implements ScimResource<StoredGroup, GroupWithMembers> {
  readonly name = 'Group';
  readonly related = 'members';
  // Before `id`: Entra ID asks `id eq "g" and members eq "u"`, and a person is in fewer groups than a group has members.
  readonly indexed = { members: 'members', id: 'id', displayName: 'displayName', externalId: 'externalId' } as const;
  readonly terse = true;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  find({ tenant, connection }: Scope, id: string, withMembers: boolean): Promise<GroupWithMembers | undefined> {
    return this.queries.execute(new FindGroup(tenant, id, withMembers, connection));
  }

  membersAmong({ tenant, connection }: Scope, ids: readonly string[]): Promise<readonly NamedRef[]> {
    return this.queries.execute(new FindMembers(tenant, ids, connection));
  }

  list(
    { tenant, connection }: Scope,
    listing: Listing<GroupWithMembers>,
    withMembers: boolean,
  ): Promise<Listed<GroupWithMembers>> {
    return this.queries.execute(new ListGroups(tenant, listing, withMembers, connection));
  }

  create(context: RequestContext, parsed: ParsedResource): Promise<Written<StoredGroup>> {
    const { attributes, members = [], checkTypes: confirm } = parsed;
    const added = members.map(({ value }) => value);
    return this.commands.execute(new CreateGroup(context, { attributes, added, confirm }));
  }

  change(
    context: RequestContext,
    id: string,
    compute: Compute,
    expected: bigint | undefined,
  ): Promise<Written<StoredGroup>> {
    const change = (current: StoredGroup, stored: Members): GroupWrite | undefined => {
      const { noop, next, changes, members, checkTypes } = compute(this.attributesOf(current), stored);
      if (noop) return undefined;
      return {
        attributes: next,
        changed: changes.map(({ path }) => path),
        added: members.added.map(({ value }) => value),
        removed: members.removed,
        confirm: checkTypes,
      };
    };
    return this.commands.execute(new ChangeGroup(context, id, change, expected));
  }

  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }> {
    return this.commands.execute(new DeleteGroup(context, id, expected));
  }

  attributesOf({ attributes }: StoredGroup): ScimAttributes {
    return attributes as ScimAttributes;
  }

  relatedOf({ members }: GroupWithMembers): readonly NamedRef[] {
    return members;
  }
}

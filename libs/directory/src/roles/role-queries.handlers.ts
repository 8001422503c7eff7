// Answers what is asked about roles: from the stream of the roles itself, which every decision about them is made on.
import { streams, type RoleMember } from '@app/events';
import { Decisions } from '@app/event-log';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ListRoles, RoleMembers, type RoleSummary } from '../role.queries.js';
import { sourcesOf } from './membership.js';
import { rolesAggregate } from './roles.js';

@QueryHandler(ListRoles)
export class ListRolesHandler implements IQueryHandler<ListRoles> {
  constructor(private readonly decisions: Decisions) {}

  async execute({ tenant }: ListRoles): Promise<readonly RoleSummary[]> {
    const { state } = await this.decisions.load(streams.roles(tenant), rolesAggregate);
    return [...state.roles]
      .map(([roleId, { name, kind, condition, members }]) => ({
        roleId,
        name,
        kind,
        ...(condition === undefined ? {} : { condition }),
        memberCount: members.size,
      }))
      .sort((a, b) => (a.roleId < b.roleId ? -1 : 1));
  }
}

@QueryHandler(RoleMembers)
export class RoleMembersHandler implements IQueryHandler<RoleMembers> {
  constructor(private readonly decisions: Decisions) {}

  async execute({ tenant, roleId, offset, limit }: RoleMembers) {
    const { state } = await this.decisions.load(streams.roles(tenant), rolesAggregate);
    const members = state.roles.get(roleId)?.members;
    if (members === undefined) return undefined;
    const ids = [...members.keys()].sort().slice(offset, offset + limit);
    const items = ids.map((userId): RoleMember => ({ userId, sources: sourcesOf(members.get(userId) as string) }));
    return { total: members.size, items };
  }
}

// Roles and teams of the platform: what they are, who has them and why, and those given by hand.
import {
  DefineRole,
  DeleteRole,
  GrantRole,
  ListRoles,
  RoleMembers,
  WithdrawRole,
  type RoleSummary,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { Caller, Context, type Principal } from '@app/http';
import { CountDependents } from '@app/revocation';
import { Body, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { found } from './platform-problems.js';
import { OperatorController, TakesIdempotencyKey } from './platform-route.js';
import {
  RoleAnswer,
  RoleDeletion,
  RoleList,
  RoleMemberPage,
  RoleMemberQuery,
  RoleMemberRequest,
  RoleRequest,
} from './roles.dto.js';
import { EVERYBODY_MS, Writes } from './writes.js';

const answerOf = ({ roleId, ...shown }: RoleSummary): RoleAnswer => ({ id: roleId, ...shown });

@OperatorController('roles')
export class RolesController {
  constructor(
    private readonly writes: Writes,
    private readonly queries: QueryBus,
  ) {}

  @Put(':id')
  @ApiOperation({ summary: 'Define a role or team as a whole; a condition is judged at once for everybody' })
  @ApiOkResponse({ type: RoleAnswer })
  async define(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { name, kind = 'role', condition }: RoleRequest,
  ): Promise<RoleAnswer> {
    const definition = { name, kind, ...(condition === undefined ? {} : { condition }) };
    await this.writes.execute(new DefineRole(context, id, definition), EVERYBODY_MS);
    return answerOf(found(await this.role(context.tenant, id)));
  }

  private async role(tenant: string, id: string): Promise<RoleSummary | undefined> {
    return (await this.queries.execute(new ListRoles(tenant))).find(({ roleId }) => roleId === id);
  }

  @Get()
  @ApiOperation({ summary: 'All roles, teams and conditions' })
  @ApiOkResponse({ type: RoleList })
  async list(@Caller() { tenant }: Principal): Promise<RoleList> {
    return { roles: (await this.queries.execute(new ListRoles(tenant))).map(answerOf) };
  }

  @Get(':id/deletion')
  @ApiOperation({ summary: 'What would be lost if the role were deleted now' })
  @ApiOkResponse({ type: RoleDeletion })
  async deletion(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<RoleDeletion> {
    const { memberCount } = found(await this.role(tenant, id));
    const { total } = await this.queries.execute(new CountDependents(tenant, [{ roleId: id, lostBy: 'everybody' }]));
    return { lossCount: memberCount, revokedCount: total };
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a role: every credential that requires it is revoked' })
  @ApiNoContentResponse()
  async delete(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new DeleteRole(context, id));
  }

  @Get(':id/members')
  @ApiOperation({ summary: 'Who has a role, and in which ways' })
  @ApiOkResponse({ type: RoleMemberPage })
  async members(
    @Caller() { tenant }: Principal,
    @Param('id') id: string,
    @Query() { offset = 0, limit = 100 }: RoleMemberQuery,
  ): Promise<RoleMemberPage> {
    const { total, items } = found(await this.queries.execute(new RoleMembers(tenant, id, offset, limit)));
    return { total, members: items };
  }

  @Post(':id/members')
  @HttpCode(204)
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Give a role by hand; it stays until it is taken by hand' })
  @ApiNoContentResponse()
  async grant(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() { userId }: RoleMemberRequest,
  ): Promise<void> {
    await this.writes.execute(new GrantRole(context, id, userId));
  }

  @Delete(':id/members/:userId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a role that was given by hand; other ways to it stay' })
  @ApiNoContentResponse()
  async withdraw(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Param('userId') userId: string,
  ): Promise<void> {
    await this.writes.execute(new WithdrawRole(context, id, userId));
  }
}

// Mappings: which groups and claims give which roles, drafted, looked at, and put in force.
import {
  ActivateMapping,
  DIFF_SAMPLE,
  DiffMapping,
  DraftMapping,
  ListMappings,
  TestMapping,
  type MappingDetail,
} from '@app/directory';
import type { RequestContext } from '@app/events';
import { CountDependents } from '@app/revocation';
import { Caller, Context, type Principal } from '@app/http';
import { Body, Get, HttpCode, Param, Post } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { IdAnswer } from './fields.dto.js';
import { idFrom, Seed } from './idempotency.js';
import {
  ActivationRequest,
  MappingDiff,
  MappingList,
  MappingRequest,
  MappingTestAnswer,
  MappingTestRequest,
  type MappingAnswer,
} from './mappings.dto.js';
import { found } from './platform-problems.js';
import { OperatorController, TakesIdempotencyKey } from './platform-route.js';
import { EVERYBODY_MS, Writes } from './writes.js';

const answerOf = ({ mappingId, rules, ...shown }: MappingDetail): MappingAnswer => ({
  id: mappingId,
  ...shown,
  rules: [...rules],
});

@OperatorController('mappings')
export class MappingsController {
  constructor(
    private readonly writes: Writes,
    private readonly queries: QueryBus,
  ) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Draft a whole set of rules; nothing changes until it is activated' })
  @ApiCreatedResponse({ type: IdAnswer })
  async draft(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() { id, name, rules }: MappingRequest,
  ): Promise<IdAnswer> {
    const command = new DraftMapping(context, name, rules, id ?? idFrom(seed, 'mapping'));
    return { id: (await this.writes.execute(command)).mappingId };
  }

  @Get()
  @ApiOperation({ summary: 'All mappings, oldest first' })
  @ApiOkResponse({ type: MappingList })
  async list(@Caller() { tenant }: Principal): Promise<MappingList> {
    return { mappings: (await this.queries.execute(new ListMappings(tenant))).map(answerOf) };
  }

  @Get(':id/diff')
  @ApiOperation({
    summary: 'Who would gain and who would lose which role if it were activated now, and how many credentials with it',
  })
  @ApiOkResponse({ type: MappingDiff })
  async diff(@Caller() { tenant }: Principal, @Param('id') id: string): Promise<MappingDiff> {
    const { insteadOf, roles: diff } = found(await this.queries.execute(new DiffMapping(tenant, id)));
    const lost = diff.map(({ roleId, losses }) => ({ roleId, lostBy: new Set(losses) }));
    const { total, byRole } = await this.queries.execute(new CountDependents(tenant, lost));
    const roles = diff.map(({ roleId, losses, ...shown }) => ({
      role: roleId,
      ...shown,
      lossCount: losses.length,
      losses: losses.slice(0, DIFF_SAMPLE),
      revokedCount: byRole.get(roleId) ?? 0,
    }));
    return { insteadOf, roles, revokedCount: total };
  }

  @Post(':id/activate')
  @HttpCode(204)
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Put its rules in force instead of those that are; what requires a lost role is revoked' })
  @ApiBody({ type: ActivationRequest, required: false })
  @ApiNoContentResponse()
  async activate(
    @Context() context: RequestContext,
    @Param('id') id: string,
    @Body() activation?: ActivationRequest,
  ): Promise<void> {
    await this.writes.execute(new ActivateMapping(context, id, activation?.insteadOf), EVERYBODY_MS);
  }

  @Post('test')
  @HttpCode(200)
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Try rules on somebody made up; nothing is recorded' })
  @ApiOkResponse({ type: MappingTestAnswer })
  async test(
    @Caller() { tenant }: Principal,
    @Body() { rules, attributes, groups = [] }: MappingTestRequest,
  ): Promise<MappingTestAnswer> {
    const { roles, claims } = await this.queries.execute(new TestMapping(tenant, rules, { attributes, groups }));
    return { roles: roles.map(({ roleId, sources }) => ({ role: roleId, sources })), claims };
  }
}

// The operator's lists of revocations, and the two things an operator may do to one: retry and waive.
import { Cascades, Trail } from '@app/audit';
import type { RequestContext } from '@app/events';
import { Caller, Context, type Principal } from '@app/http';
import { RetryRevocation, WaiveRevocation } from '@app/revocation';
import { Body, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { RevocationPage, RevocationWithHistory } from './cascade-answers.dto.js';
import { ListRevocations, RetryRequest, WaiveRequest } from './cascades.dto.js';
import { found } from './known-errors.js';
import { OperatorController } from './operator-route.js';
import { OperatorViews } from './operator-views.js';
import { Presented } from './presented.js';

/** The newest events of a revocation shown with it; the trail has the rest. */
const HISTORY = 100;

const LISTED =
  'Of a revocation: its state, grade, attempts, the class and reason of the last failure, when it is due next, and who it ' +
  'is about.';

@OperatorController('revocations')
export class RevocationsController {
  constructor(
    private readonly cascades: Cascades,
    private readonly trail: Trail,
    private readonly presented: Presented,
    private readonly commands: CommandBus,
    private readonly views: OperatorViews,
  ) {}

  /** Oldest first: what has waited longest is what should be looked at. */
  @Get()
  @ApiOperation({ summary: 'Revocations, what has waited longest first', description: LISTED })
  @ApiOkResponse({ type: RevocationPage })
  async list(@Caller() { tenant }: Principal, @Query() query: ListRevocations): Promise<RevocationPage> {
    const { state, provider, subject, class: lastClass, order = 'oldest', cursor, limit } = query;
    const filter = { state, providerId: provider, holderId: subject, lastClass };
    return this.presented.targets(tenant, await this.cascades.targets(tenant, { ...filter, order, cursor, limit }));
  }

  /** With its history, newest first. */
  @Get(':targetId')
  @ApiOperation({ summary: 'One revocation with its history, newest first' })
  @ApiOkResponse({ type: RevocationWithHistory })
  one(@Caller() { tenant }: Principal, @Param('targetId') targetId: string): Promise<RevocationWithHistory> {
    return this.show(tenant, targetId);
  }

  /** Due at once, and its retry curve begins anew. */
  @Post(':targetId/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a revocation due at once; its retry curve begins anew' })
  @ApiOkResponse({ type: RevocationWithHistory, description: 'As it is from now on.' })
  async retry(
    @Context() context: RequestContext,
    @Param('targetId') targetId: string,
    @Body() { reason, by }: RetryRequest,
  ): Promise<RevocationWithHistory> {
    const { tenant, actor, correlationId } = context;
    const cascadeId = await this.cascadeOf(tenant, targetId);
    const command = { tenant, targetId, cascadeId, reason, actor, by: by ?? actor, correlationId };
    return this.record(new RetryRevocation(command));
  }

  /** Ended with grade W: the named person answers for it. */
  @Post(':targetId/waive')
  @HttpCode(200)
  @ApiOperation({ summary: 'End a revocation with grade W: the named person answers for it' })
  @ApiOkResponse({ type: RevocationWithHistory, description: 'As it is from now on.' })
  async waive(
    @Context() { tenant, actor, correlationId }: RequestContext,
    @Param('targetId') targetId: string,
    @Body() { reason, by }: WaiveRequest,
  ): Promise<RevocationWithHistory> {
    const cascadeId = await this.cascadeOf(tenant, targetId);
    return this.record(new WaiveRevocation({ tenant, targetId, cascadeId, reason, actor, by, correlationId }));
  }

  private async cascadeOf(tenant: string, targetId: string): Promise<string> {
    return found(await this.cascades.target(tenant, targetId), 'revocation').cascadeId;
  }

  /** Answered with what the lists show from now on. */
  private async record(command: RetryRevocation | WaiveRevocation): Promise<RevocationWithHistory> {
    const position = await this.commands.execute<typeof command, bigint | undefined>(command);
    if (position !== undefined) await this.views.reached(position);
    return this.show(command.data.tenant, command.data.targetId);
  }

  private async show(tenant: string, targetId: string): Promise<RevocationWithHistory> {
    const target = found(await this.cascades.target(tenant, targetId), 'revocation');
    const { items } = await this.presented.targets(tenant, { items: [target], next: undefined });
    const { lines } = await this.trail.trail(tenant, { targetId, direction: 'backwards', limit: HISTORY });
    return { ...found(items[0], 'revocation'), history: lines };
  }
}

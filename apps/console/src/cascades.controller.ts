// Cascades: which there are, and one of them with its targets.
import { Cascades } from '@app/audit';
import { Caller, type Principal } from '@app/http';
import { Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { CascadePage, CascadeWithRevocations } from './cascade-answers.dto.js';
import { ListCascades } from './cascades.dto.js';
import { found } from './known-errors.js';
import { OperatorController } from './operator-route.js';
import { Paging } from './paging.dto.js';
import { Presented } from './presented.js';

@OperatorController('cascades')
export class CascadesController {
  constructor(
    private readonly cascades: Cascades,
    private readonly presented: Presented,
  ) {}

  /** Newest first. */
  @Get()
  @ApiOperation({ summary: 'Cascades, the newest first' })
  @ApiOkResponse({ type: CascadePage })
  async list(@Caller() { tenant }: Principal, @Query() query: ListCascades): Promise<CascadePage> {
    const { status, subject, person, provider, cursor, limit } = query;
    const filter = { status, subjectId: subject, personId: person, providerId: provider };
    return this.presented.cascades(tenant, await this.cascades.cascades(tenant, { ...filter, cursor, limit }));
  }

  /** With a page of its targets, in the order they were planned. */
  @Get(':id')
  @ApiOperation({ summary: 'One cascade with a page of its revocations, in the order they were planned' })
  @ApiOkResponse({ type: CascadeWithRevocations })
  async one(
    @Caller() { tenant }: Principal,
    @Param('id') id: string,
    @Query() paging: Paging,
  ): Promise<CascadeWithRevocations> {
    const cascade = found(await this.cascades.cascade(tenant, id), 'cascade');
    const { cursor, limit } = paging;
    const targets = await this.cascades.targets(tenant, { cascadeId: id, order: 'oldest', cursor, limit });
    const { items } = await this.presented.cascades(tenant, { items: [cascade], next: undefined });
    return { ...found(items[0], 'cascade'), targets: await this.presented.targets(tenant, targets) };
  }
}

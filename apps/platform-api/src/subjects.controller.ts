// The deny gate over HTTP: may this user or agent still act?
import { Caller, type Principal } from '@app/http';
import { SubjectStatus } from '@app/revocation';
import { Get, Param, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { PlatformController } from './platform-route.js';
import { StatusAnswer, StatusQuery } from './subjects.dto.js';

@PlatformController('subjects')
export class SubjectsController {
  constructor(private readonly queries: QueryBus) {}

  @Get(':id/status')
  @ApiOperation({ summary: 'May this user or agent act, for this person, with this credential?' })
  @ApiOkResponse({ type: StatusAnswer })
  status(
    @Caller() { tenant }: Principal,
    @Param('id') subjectId: string,
    @Query() question: StatusQuery,
  ): Promise<StatusAnswer> {
    return this.queries.execute(new SubjectStatus(tenant, { subjectId, ...question }));
  }
}

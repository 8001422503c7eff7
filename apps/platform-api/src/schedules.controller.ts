// Schedules: what the agent platform runs again and again on somebody's behalf.
import type { RequestContext } from '@app/events';
import { Context } from '@app/http';
import { RegisterSchedule, ReleaseSchedule } from '@app/revocation';
import { Body, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation } from '@nestjs/swagger';
import { IdAnswer } from './fields.dto.js';
import { idFrom, Seed } from './idempotency.js';
import { mayHold } from './platform-problems.js';
import { PlatformController, TakesIdempotencyKey } from './platform-route.js';
import { ScheduleRequest } from './runs.dto.js';
import { Writes } from './writes.js';

@PlatformController('schedules')
export class SchedulesController {
  constructor(private readonly writes: Writes) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Register a schedule' })
  @ApiCreatedResponse({ type: IdAnswer })
  async register(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() request: ScheduleRequest,
  ): Promise<IdAnswer> {
    const schedule = { ...request, id: request.id ?? idFrom(seed, 'schedule') };
    return mayHold(await this.writes.execute(new RegisterSchedule(context, schedule)));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Release a schedule that does not run any more' })
  @ApiNoContentResponse()
  async release(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new ReleaseSchedule(context, id));
  }
}

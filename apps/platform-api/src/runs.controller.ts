// Runs: what an agent does at this moment. Asking to start one is also asking the gate.
import type { RequestContext } from '@app/events';
import { Context } from '@app/http';
import { EndRun, StartRun } from '@app/revocation';
import { Body, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation } from '@nestjs/swagger';
import { IdAnswer } from './fields.dto.js';
import { idFrom, Seed } from './idempotency.js';
import { mayHold } from './platform-problems.js';
import { PlatformController, TakesIdempotencyKey } from './platform-route.js';
import { RunRequest } from './runs.dto.js';
import { Writes } from './writes.js';

@PlatformController('runs')
export class RunsController {
  constructor(private readonly writes: Writes) {}

  @Post()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Start a run; 409 subject_denied means: end it at once' })
  @ApiCreatedResponse({ type: IdAnswer })
  async start(
    @Context() context: RequestContext,
    @Seed() seed: string | undefined,
    @Body() request: RunRequest,
  ): Promise<IdAnswer> {
    const run = { ...request, id: request.id ?? idFrom(seed, 'run') };
    return mayHold(await this.writes.execute(new StartRun(context, run)));
  }

  @Post(':id/end')
  @HttpCode(204)
  @ApiOperation({ summary: 'Say that a run has ended' })
  @ApiNoContentResponse()
  async end(@Context() context: RequestContext, @Param('id') id: string): Promise<void> {
    await this.writes.execute(new EndRun(context, id));
  }
}

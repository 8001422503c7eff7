// How things stand: what has not ended, how old it is, and how the lanes to the providers are doing.
import { Cascades } from '@app/audit';
import { Caller, ProblemError, type Principal } from '@app/http';
import { Clock } from '@app/runtime';
import { Get, Optional } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Lanes } from './lanes.js';
import { OperatorController } from './operator-route.js';
import { LaneList, SummaryAnswer } from './summary.dto.js';

@OperatorController('')
export class SummaryController {
  constructor(
    private readonly cascades: Cascades,
    private readonly clock: Clock,
    @Optional() private readonly lanes?: Lanes,
  ) {}

  @Get('summary')
  @ApiOperation({ summary: 'What has not ended: how many revocations, in which states, and how old the oldest is' })
  @ApiOkResponse({ type: SummaryAnswer })
  async summary(@Caller() { tenant }: Principal): Promise<SummaryAnswer> {
    const backlog = await this.cascades.backlog(tenant);
    return {
      ...backlog,
      oldestAgeSeconds: this.secondsSince(backlog.oldestPlannedAt),
      oldestUnplannedAgeSeconds: this.secondsSince(backlog.oldestUnplannedAt),
    };
  }

  /** 0 for nothing, and for what another clock calls the future. */
  private secondsSince(time: string | undefined): number {
    if (time === undefined) return 0;
    return Math.floor(Math.max(0, this.clock.now() - Date.parse(time)) / 1000);
  }

  /** Lanes with work since the worker started. */
  @Get('lanes')
  @ApiOperation({ summary: 'The lanes to the providers that had work since the worker of this process started' })
  @ApiOkResponse({ type: LaneList })
  async status(@Caller() { tenant }: Principal): Promise<LaneList> {
    if (this.lanes === undefined) {
      const detail =
        'No worker runs in this process, and lanes are known to their worker alone: ask a process that has one.';
      throw new ProblemError({ status: 404, code: 'no_worker_here', detail });
    }
    return { items: await this.lanes.status(tenant) };
  }
}

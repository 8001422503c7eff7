// Whether the process lives, and whether it may be sent requests.
import { EventLog } from '@app/event-log';
import { ProblemError, Public } from '@app/http';
import { Controller, Get } from '@nestjs/common';
import { Views } from './views.js';

@Controller()
@Public()
export class HealthController {
  constructor(
    private readonly log: EventLog,
    private readonly views: Views,
  ) {}

  @Get('healthz')
  lives(): object {
    return { status: 'ok' };
  }

  /** 503 `not_ready` while the log cannot be read or a view cannot follow it. */
  @Get('readyz')
  async ready(): Promise<object> {
    const failing = this.views.failing();
    await this.log.head().catch(() => failing.push('event log'));
    if (failing.length > 0) throw notReady(failing);
    return { status: 'ok' };
  }
}

const notReady = (failing: readonly string[]): ProblemError =>
  new ProblemError({
    status: 503,
    code: 'not_ready',
    detail: `Not ready: ${failing.join(', ')}. The log of the service says why; it tries again by itself.`,
    headers: { 'retry-after': '5' },
  });

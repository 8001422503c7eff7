// Whether the process lives, and whether it may be sent requests.
import { EventLog } from '@app/event-log';
import { Public } from '@app/http';
import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';

import { INFRASTRUCTURE, type Infrastructure } from './infrastructure.js';

@Controller()
@Public()
export class HealthController {
  constructor(
    private readonly log: EventLog,
    @Inject(INFRASTRUCTURE) private readonly infrastructure: Infrastructure,
  ) {}

  @Get('healthz')
  lives(): object {
    return { status: 'ok' };
  }

  /** 503 while the log cannot be read or a view cannot follow it. */
  @Get('readyz')
  async ready(): Promise<object> {
    const failing = this.infrastructure.failing();
    await this.log.head().catch(() => failing.push('event log'));
    if (failing.length > 0) throw new ServiceUnavailableException();
    return { status: 'ok' };
  }
}

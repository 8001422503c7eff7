// Handles what an agent platform runs: its schedules and its runs.
import { newId } from '@app/runtime';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { EndRun, RegisterSchedule, ReleaseSchedule, StartRun, type Registered } from './access.commands.js';
import { holderOf, Registrations } from './registrations.js';

@CommandHandler(RegisterSchedule)
export class RegisterScheduleHandler implements ICommandHandler<RegisterSchedule> {
  constructor(private readonly registrations: Registrations) {}

  async execute({ context, schedule }: RegisterSchedule): Promise<Registered> {
    const { id = newId(), providerId, reference = {} } = schedule;
    const data = { scheduleId: id, ...holderOf(schedule), providerId, reference: { ...reference } };
    await this.registrations.check(context.tenant, schedule);
    return this.registrations.register(context, { type: 'schedule', id, event: 'ScheduleRegistered', data });
  }
}

@CommandHandler(ReleaseSchedule)
export class ReleaseScheduleHandler implements ICommandHandler<ReleaseSchedule> {
  constructor(private readonly registrations: Registrations) {}

  execute({ context, scheduleId }: ReleaseSchedule) {
    return this.registrations.end(context, 'schedule', scheduleId);
  }
}

@CommandHandler(StartRun)
export class StartRunHandler implements ICommandHandler<StartRun> {
  constructor(private readonly registrations: Registrations) {}

  async execute({ context, run }: StartRun): Promise<Registered> {
    const { id = newId(), providerId, scheduleId, reference = {} } = run;
    const data = {
      runId: id,
      ...holderOf(run),
      providerId,
      reference: { ...reference },
      ...(scheduleId === undefined ? {} : { scheduleId }),
    };
    await this.registrations.check(context.tenant, run);
    if (scheduleId !== undefined) await this.registrations.scheduleMustExist(context.tenant, scheduleId);
    return this.registrations.register(context, { type: 'run', id, event: 'RunStarted', data });
  }
}

@CommandHandler(EndRun)
export class EndRunHandler implements ICommandHandler<EndRun> {
  constructor(private readonly registrations: Registrations) {}

  execute({ context, runId }: EndRun) {
    return this.registrations.end(context, 'run', runId);
  }
}

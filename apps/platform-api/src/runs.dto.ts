// How schedules and runs are registered.
import { ApiPropertyOptional } from '@nestjs/swagger';
import { HeldFields, IsChosenId, Optional } from './fields.dto.js';

export class ScheduleRequest extends HeldFields {}

export class RunRequest extends HeldFields {
  @ApiPropertyOptional({ description: 'The schedule that started it.' })
  @Optional()
  @IsChosenId()
  scheduleId?: string;
}

// The parameters that every list takes.
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';

const ID = /^[\x21-\x7e]{1,200}$/;

/** An id or other short name as this service gives them out: visible ASCII, at most 200 characters. */
export const IsName = () => Matches(ID, { message: '$property is not an id of this service' });

/** ISO 8601 in UTC, as in answers. */
export const IsTime = () =>
  Matches(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/, {
    message: '$property must be a time such as 2026-01-31T09:00:00.000Z',
  });

export class Paging {
  @ApiPropertyOptional({ description: 'What the page before gave as `next`.' })
  @IsOptional()
  @Matches(/^[\w-]{1,400}$/, { message: 'cursor was not given out by this list: start without one' })
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', description: 'Default 50.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 50;
}

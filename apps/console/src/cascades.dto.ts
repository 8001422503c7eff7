// What may be asked about cascades and revocations, and what an operator must say to change one.
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsName, Paging } from './paging.dto.js';

export const STATUSES = ['open', 'complete', 'complete-with-waivers'] as const;

export class ListCascades extends Paging {
  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  @ApiPropertyOptional({ description: 'Id of the user, agent, group or other thing that lost access.' })
  @IsOptional()
  @IsName()
  subject?: string;

  @ApiPropertyOptional({
    description: 'Id of a user: cascades of theirs, and others that end something held on their behalf.',
  })
  @IsOptional()
  @IsName()
  person?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsName()
  provider?: string;
}

/**
 * - `pending`: has not ended, in whatever state; `failed` and `parked` are among them
 * - `failed`: the last attempt or probe failed, and the next comes by itself
 * - `parked`: the regular attempts are over, or the provider cannot do it; tried rarely, somebody should look
 * - `settled`: ended, with a grade
 */
const LISTS = ['pending', 'failed', 'parked', 'settled'] as const;

export class ListRevocations extends Paging {
  @ApiPropertyOptional({
    enum: LISTS,
    description:
      'pending: has not ended. failed: the last attempt or probe failed, the next comes by itself. parked: the regular ' +
      'attempts are over, somebody should look. settled: ended, with a grade.',
  })
  @IsOptional()
  @IsIn(LISTS)
  state?: (typeof LISTS)[number];

  @ApiPropertyOptional()
  @IsOptional()
  @IsName()
  provider?: string;

  @ApiPropertyOptional({ description: 'Id of the user on whose behalf, or of the agent by which it is held.' })
  @IsOptional()
  @IsName()
  subject?: string;

  @ApiPropertyOptional({ description: 'Why the last attempt did not succeed: `rate-limited`, `connector-broken`, ...' })
  @IsOptional()
  @IsName()
  class?: string;

  @ApiPropertyOptional({ enum: ['newest', 'oldest'] })
  @IsOptional()
  @IsIn(['newest', 'oldest'])
  order?: 'newest' | 'oldest';
}

/** Text for people: one line, not blank. */
const IsLine = () => Matches(/^(?=.*\S)[^\p{Cc}]*$/u, { message: '$property must be one line that is not blank' });

export class Reason {
  @ApiProperty({ maxLength: 500, description: 'Recorded, and shown to auditors.' })
  @IsString()
  @MaxLength(500)
  @IsLine()
  reason!: string;
}

export class RetryRequest extends Reason {
  @ApiPropertyOptional({ maxLength: 200, description: 'Who asks; the key that was used when absent.' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  @IsLine()
  by?: string;
}

export class WaiveRequest extends Reason {
  @ApiProperty({ maxLength: 200, description: 'The person who answers for it, by name.' })
  @IsString()
  @MaxLength(200)
  @IsLine()
  by!: string;
}

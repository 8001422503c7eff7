// What may be asked of the trail, the ledger and the bundles.
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min, ValidateIf } from 'class-validator';
import { IsName, IsTime } from './paging.dto.js';

export class ReadTrail {
  @ApiPropertyOptional({ description: 'Events that concern this person, agent, group, connection or provider.' })
  @IsOptional()
  @IsName()
  subject?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsName()
  cascade?: string;

  @ApiPropertyOptional({ description: 'Id of a revocation.' })
  @IsOptional()
  @IsName()
  target?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'From this time on.' })
  @IsOptional()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Before this time.' })
  @IsOptional()
  @IsTime()
  to?: string;

  @ApiPropertyOptional({ enum: ['newest', 'oldest'], description: 'Default: newest first.' })
  @IsOptional()
  @IsIn(['newest', 'oldest'])
  order?: 'newest' | 'oldest';

  @ApiPropertyOptional({ description: 'What the page before gave as `next`.' })
  @IsOptional()
  @Matches(/^(0|[1-9]\d{0,14})$/, { message: 'cursor was not given out by this list: start without one' })
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', description: 'Default 50.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 50;
}

export class EventPlace {
  @ApiProperty({ type: 'integer', description: 'Number of the event in the ledger, as the trail shows it.' })
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  seq!: number;
}

const isPopulation = ({ type }: EvidenceRequest): boolean => type === 'population';

export class EvidenceRequest {
  @ApiProperty({ enum: ['cascade', 'user', 'population'] })
  @IsIn(['cascade', 'user', 'population'])
  type!: 'cascade' | 'user' | 'population';

  @ApiPropertyOptional({ description: 'Of the cascade or the user.' })
  @ValidateIf((request: EvidenceRequest) => !isPopulation(request))
  @IsName()
  id!: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Of a population: everybody who was denied from this time on.',
  })
  @ValidateIf(isPopulation)
  @IsTime()
  from!: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Of a population: everybody who was denied before this time.',
  })
  @ValidateIf(isPopulation)
  @IsTime()
  to!: string;

  @ApiPropertyOptional({
    enum: ['true', 'false'],
    description: 'Names in the report leave the reach of a later erasure: they are left out unless asked for.',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  names?: 'true' | 'false';

  @ApiPropertyOptional({
    description:
      'Sizes of checkpoints that the auditor kept, separated by commas: the bundle proves that it continues them.',
  })
  @IsOptional()
  @Transform(({ value }) => (typeof value === 'string' ? value.split(',') : value))
  @Matches(/^(0|[1-9]\d{0,14})$/, { each: true, message: 'pinned must be sizes of checkpoints, separated by commas' })
  pinned?: string[];
}

// How errors look (RFC 9457).
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { platformProblemCodes } from './platform-problems.js';

export class FieldProblem {
  @ApiPropertyOptional({ description: 'Absent for a field that is not known here.' })
  field?: string;

  @ApiProperty()
  message: string;
}

export class ProblemDocument {
  @ApiProperty({ example: 'about:blank' })
  type: string;

  @ApiProperty({ example: 'Conflict' })
  title: string;

  @ApiProperty({ example: 409 })
  status: number;

  @ApiProperty({
    description: `Stable. Besides those of every route (unauthorized, forbidden, invalid_request, unavailable): ${Object.keys(platformProblemCodes).sort().join(', ')}.`,
    example: 'subject_denied',
  })
  code: string;

  @ApiProperty({ description: 'One sentence that says what is wrong and what to do.' })
  detail: string;

  @ApiPropertyOptional({ description: 'The id of the request, as in the log and in the events it led to.' })
  requestId?: string;

  @ApiPropertyOptional({ type: [FieldProblem], description: 'With invalid_request and invalid_settings.' })
  errors?: FieldProblem[];

  @ApiPropertyOptional({ description: 'With subject_denied: the id that was recorded.' })
  id?: string;

  @ApiPropertyOptional({
    type: [String],
    description: 'With unknown_members: those of the ids sent that do not exist.',
  })
  ids?: string[];

  @ApiPropertyOptional({ type: [String], description: 'With subject_denied: why the holder may not act.' })
  reasons?: string[];
}

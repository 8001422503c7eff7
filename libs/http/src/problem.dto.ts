// How errors look (RFC 9457).
import { applyDecorators } from '@nestjs/common';
import { ApiDefaultResponse, ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';

class FieldProblem {
  @ApiPropertyOptional({ description: 'Absent for a field that is not known here.' })
  field?: string;

  @ApiProperty()
  message: string;
}

class ProblemDocument {
  @ApiProperty({ example: 'about:blank' })
  type: string;

  @ApiProperty({ example: 'Conflict' })
  title: string;

  @ApiProperty({ example: 409 })
  status: number;

  @ApiProperty({ description: 'Stable: the description of this API names them all.', example: 'subject_denied' })
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

/** For the documentation of a controller. */
export const AnswersProblems = () =>
  applyDecorators(
    ApiExtraModels(ProblemDocument),
    ApiDefaultResponse({
      description: 'What is wrong, and what to do.',
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDocument) } } },
    }),
  );

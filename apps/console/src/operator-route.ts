// What every route of the operator API has in common.
import { AnswersProblems, Requires, validated } from '@app/http';
import { applyDecorators, Controller, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { KnownErrors } from './known-errors.js';

/** A controller under `/v1` for operators only, whose DTOs are checked and whose known errors become problems. */
export const OperatorController = (path: string) =>
  applyDecorators(
    Controller(`v1/${path}`),
    Requires('operator'),
    UsePipes(validated()),
    UseInterceptors(KnownErrors),
    ApiTags('operators'),
    ApiBearerAuth(),
    AnswersProblems(),
  );

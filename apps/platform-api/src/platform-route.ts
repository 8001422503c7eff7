// What every route of this app has in common: who may call it, how bodies are checked, and what is answered when it fails.
import { AnswersProblems, Requires, validated, type Role } from '@app/http';
import { applyDecorators, Controller, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiTags } from '@nestjs/swagger';
import { Idempotency } from './idempotency.js';
import { PlatformProblems } from './platform-problems.js';

const route = (role: Role, path: string) =>
  applyDecorators(
    Controller(`v1/${path}`),
    Requires(role),
    UsePipes(validated()),
    UseInterceptors(PlatformProblems, Idempotency),
    ApiTags(path),
    ApiBearerAuth(),
    AnswersProblems(),
  );

/** A controller under `/v1` for the agent platform. */
export const PlatformController = (path: string) => route('platform', path);

/** A controller under `/v1` for operators: what opens the doors is not in the hands of the platform. */
export const OperatorController = (path: string) => route('operator', path);

/** For the documentation of a POST. */
export const TakesIdempotencyKey = () =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key with the same request gets the same answer for 24 hours.',
  });

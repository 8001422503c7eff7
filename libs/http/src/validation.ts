// Checks the queries and bodies of the platform and operator APIs against their DTO classes.
import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { ProblemError } from './problem.js';

/** What is wrong with one field. `field` is absent for one that the route does not know: names are input too. */
interface FieldError {
  readonly field?: string;
  readonly message: string;
}

const UNKNOWN: FieldError = { message: 'a field was sent that is not known here' };

function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const field = `${parent}${property}`;
    const { whitelistValidation, ...others } = constraints;
    const messages = Object.values(others).map((message) => ({ field, message }));
    return [
      ...(whitelistValidation === undefined ? [] : [UNKNOWN]),
      ...messages,
      ...fieldErrors(children, `${field}.`),
    ];
  });
}

/** For `@UsePipes`: answers 400 `invalid_request` with every error at once, and never with a value that was sent. */
export const validated = (): ValidationPipe =>
  new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    exceptionFactory: (errors) =>
      new ProblemError({
        status: 400,
        code: 'invalid_request',
        detail: 'Some fields are not acceptable: "errors" says which and why.',
        extra: { errors: fieldErrors(errors) },
      }),
  });

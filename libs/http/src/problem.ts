// Errors of the platform and operator APIs as problem+json (RFC 9457).
import { HttpException } from '@nestjs/common';

export interface Problem {
  readonly status: number;
  /** A stable, documented code in snake_case: `subject_denied`. */
  readonly code: string;
  /** One sentence that says what is wrong and what to do. Never echoes input. */
  readonly detail: string;
  /** Further members of the problem document, such as `errors` or `id`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Throw it from a controller; the error filter answers it. */
export class ProblemError extends HttpException {
  constructor(readonly problem: Problem) {
    super(problem.detail, problem.status);
  }
}

// The errors of the rooms behind the console, and the problem that each is answered with.
import { InconsistentLedger, InvalidCursor, LedgerBehind, NothingInScope } from '@app/audit';
import { ProblemError, type Problem } from '@app/http';
import { TargetSettled } from '@app/revocation';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';

type ErrorClass = abstract new (...args: never[]) => Error;

const problems: ReadonlyArray<readonly [ErrorClass, Problem]> = [
  [
    InvalidCursor,
    { status: 400, code: 'invalid_cursor', detail: 'This list gave out no such cursor: start without one.' },
  ],
  [NothingInScope, { status: 404, code: 'nothing_in_scope', detail: 'No event of this tenant is in this scope.' }],
  [
    TargetSettled,
    { status: 409, code: 'already_ended', detail: 'This revocation has ended: there is nothing to retry or to waive.' },
  ],
  [
    LedgerBehind,
    {
      status: 503,
      code: 'ledger_behind',
      detail: 'The ledger is being rebuilt and is shorter than what was signed before: try again later.',
      headers: { 'retry-after': '30' },
    },
  ],
  [
    InconsistentLedger,
    {
      status: 500,
      code: 'ledger_inconsistent',
      detail:
        'The log contradicts a checkpoint signed earlier: it was altered, and nothing is signed until that is cleared up.',
    },
  ],
];

/** Every code of this API, for the documentation. */
export const operatorProblemCodes: readonly string[] = [
  ...problems.map(([, { code }]) => code),
  'invalid_period',
  'not_found',
  'no_worker_here',
];

/** `undefined` for an error that is not expected here: the error filter answers it. */
const problemOf = (error: unknown): Problem | undefined => problems.find(([known]) => error instanceof known)?.[1];

/** For `@UseInterceptors`. */
@Injectable()
export class KnownErrors implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const problem = problemOf(error);
        return throwError(() => (problem === undefined ? error : new ProblemError(problem)));
      }),
    );
  }
}

/** @throws ProblemError 404 when there is nothing */
export function found<T>(thing: T | undefined, what: string): T {
  if (thing !== undefined) return thing;
  throw new ProblemError({ status: 404, code: 'not_found', detail: `There is no such ${what} in this tenant.` });
}

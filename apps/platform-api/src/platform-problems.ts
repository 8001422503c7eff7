// Every problem the platform API answers, by its stable code, and which errors of the rooms behind it become which.
import {
  AlreadyExists,
  ConnectionIsOpen,
  DescribedAsUser,
  InvalidClientKey,
  InvalidPolicy,
  MappingReplaced,
  NotFound,
  ParentIsFixed,
  RevisionMismatch,
  RoleIsComputed,
  RoleIsGiven,
  TooManyTokens,
  UnknownMembers,
  UnusableSuccessor,
} from '@app/directory';
import { ProblemError, type Problem } from '@app/http';
import { AccessRefused, type RefusalCode, type Registered } from '@app/revocation';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';

/** What access registration refuses; the sentences are those of the room. */
const refusals: Readonly<Record<RefusalCode, number>> = {
  not_found: 404,
  invalid_id: 422,
  unknown_connector: 422,
  invalid_settings: 422,
  secret_needed: 422,
  unknown_provider: 422,
  unknown_schedule: 422,
  unknown_holder: 422,
  holder_missing: 422,
  groups_need_user: 422,
  invalid_expiry: 422,
  id_conflict: 409,
  already_ended: 409,
};

const problems = {
  already_exists: [409, 'There is or was something else with this id: choose another.'],
  changed_meanwhile: [412, 'It has been changed since it was read: read it again.'],
  unknown_members: [422, 'Some of the users, groups or agents named do not exist in this directory.'],
  parent_is_fixed: [422, 'The parent of an agent is given when it is provisioned and does not change.'],
  described_as_user: [409, 'The agent is pushed as a user: its identity provider names and describes it.'],
  expired_already: [422, 'expiresAt lies in the past: a token that opens nothing is not issued.'],
  too_many_tokens: [409, 'A connection has at most two valid tokens, and two keys: revoke one first.'],
  connection_is_open: [409, 'A connection keeps what it provisioned until it is closed: close it first.'],
  unusable_successor: [422, 'What is handed over needs another connection of this tenant that is not closed.'],
  invalid_key: [422, 'This is not a public key that signatures can be verified with.'],
  invalid_policy: [422, 'The condition, rule or template cannot be used.'],
  role_is_given: [409, 'The mapping in force gives this role: activate one that does not, then delete it.'],
  role_is_computed: [409, 'Who has this role is decided by its condition: change the condition or the person.'],
  mapping_replaced: [409, 'Another mapping is in force than this names: look at the diff again.'],
  subject_denied: [409, 'The holder may not act. It was recorded, and its revocation has been started.'],
  invalid_idempotency_key: [400, 'Idempotency-Key must be 1 to 255 visible ASCII characters.'],
  idempotency_key_reused: [422, 'This Idempotency-Key was sent with another request: use a new one for each.'],
  idempotency_in_progress: [409, 'A request with this Idempotency-Key is still being carried out: ask again later.'],
  answer_shown_once: [
    409,
    'This request was carried out. Its answer held a token, which is shown once: issue another.',
  ],
} as const;

export type PlatformProblemCode = keyof typeof problems;

/** Every code of this API with its status, for the documentation. */
export const platformProblemCodes: Readonly<Record<string, number>> = {
  ...refusals,
  ...Object.fromEntries(Object.entries(problems).map(([code, [status]]) => [code, status])),
};

export function platformProblem(code: PlatformProblemCode, extra?: Problem['extra']): ProblemError {
  const [status, detail] = problems[code];
  return new ProblemError({ status, code, detail, ...(extra === undefined ? {} : { extra }) });
}

/** Its sentences are those of the room. */
const invalidKey = { status: problems.invalid_key[0], code: 'invalid_key' };

type ErrorClass = abstract new (...args: never[]) => Error;

const ofDirectory: ReadonlyArray<readonly [ErrorClass, PlatformProblemCode]> = [
  [AlreadyExists, 'already_exists'],
  [RevisionMismatch, 'changed_meanwhile'],
  [ParentIsFixed, 'parent_is_fixed'],
  [DescribedAsUser, 'described_as_user'],
  [TooManyTokens, 'too_many_tokens'],
  [ConnectionIsOpen, 'connection_is_open'],
  [UnusableSuccessor, 'unusable_successor'],
  [RoleIsComputed, 'role_is_computed'],
  [RoleIsGiven, 'role_is_given'],
  [MappingReplaced, 'mapping_replaced'],
];

/** The error to answer; one that is not expected here stays as it is and is answered by the error filter. */
export function answerable(error: unknown): unknown {
  if (error instanceof AccessRefused) return refusalProblem(error);
  if (error instanceof NotFound) return refusalProblem(new AccessRefused('not_found'));
  if (error instanceof InvalidPolicy) return policyProblem(error);
  if (error instanceof UnknownMembers) return platformProblem('unknown_members', { ids: error.ids });
  if (error instanceof InvalidClientKey) return new ProblemError({ ...invalidKey, detail: error.message });
  const code = ofDirectory.find(([known]) => error instanceof known)?.[1];
  return code === undefined ? error : platformProblem(code);
}

/** What is wrong with a policy is said in its own sentence. */
const policyProblem = ({ message }: InvalidPolicy): ProblemError =>
  new ProblemError({ status: problems.invalid_policy[0], code: 'invalid_policy', detail: message });

function refusalProblem({ code, message, problems: sentences }: AccessRefused): ProblemError {
  const errors = sentences.map((sentence) => ({ field: 'settings', message: sentence }));
  const problem = { status: refusals[code], code, detail: message };
  return new ProblemError(errors.length === 0 ? problem : { ...problem, extra: { errors } });
}

/** For `@UseInterceptors`. */
@Injectable()
export class PlatformProblems implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => answerable(error))));
  }
}

/** @throws ProblemError 404 when there is nothing */
export function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw refusalProblem(new AccessRefused('not_found'));
  return thing;
}

/** @throws ProblemError 409 `subject_denied`; what was asked is recorded all the same */
export function mayHold({ id, denials }: Registered): { id: string } {
  if (denials.length > 0) throw platformProblem('subject_denied', { id, reasons: denials });
  return { id };
}

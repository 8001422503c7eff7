// Turns everything that is thrown into an answer: a SCIM error under /scim, problem+json elsewhere, and never a secret.
import { STATUS_CODES } from 'node:http';
import { EventLogUnavailable, NotYetVisible } from '@app/event-log';
import { isDatabaseAway } from '@app/runtime';
import { acceptedType, ScimError, type ScimType } from '@app/scim';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Noted } from './decorators.js';
import { ProblemError } from './problem.js';
import { BodyTooLarge, MalformedJson, Refusal, Unauthorized, WrongMediaType } from './refusals.js';

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly scimType?: ScimType;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Seconds, an integer. */
const RETRY_AFTER = '5';

const detailOf: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The URL is not well formed.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'A body is required.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body does not have the length that Content-Length states.',
};

/** What has no unique name (a group, an AgenticIdentity) is created once more by a creation that is sent again. */
const MAY_BE_RECORDED =
  'The change may be recorded all the same. Send the same request again; look first whether it was created, if it creates something without a unique name, such as a group.';

/** The answer to something thrown; undefined when it is a defect of ours. */
function answerTo(error: unknown): Answer | undefined {
  if (error instanceof ScimError) {
    const { status, detail, scimType } = error;
    return { status, code: scimType ?? codeOf(status), detail, ...(scimType === undefined ? {} : { scimType }) };
  }
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof MalformedJson) return { ...refusal(error), scimType: 'invalidSyntax' };
  if (error instanceof BodyTooLarge) return { ...refusal(error), scimType: 'tooMany' };
  if (error instanceof Refusal) return refusal(error);
  if (error instanceof EventLogUnavailable) {
    const detail = `The event log or a view of it did not answer in time. ${MAY_BE_RECORDED}`;
    return { status: 503, code: 'unavailable', detail, headers: { 'retry-after': RETRY_AFTER } };
  }
  if (error instanceof NotYetVisible) {
    const detail =
      'It is recorded, and not yet visible here. Send it again later, unless it creates something: that is then answered 409 or, without a unique name, created a second time.';
    return { status: 503, code: 'not_yet_visible', detail, headers: { 'retry-after': RETRY_AFTER } };
  }
  if (isDatabaseAway(error)) {
    const detail = `The database cannot be reached. ${MAY_BE_RECORDED}`;
    return { status: 503, code: 'unavailable', detail, headers: { 'retry-after': RETRY_AFTER } };
  }
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === undefined || status >= 500) return undefined;
  // Fastify stops reading at the largest body there is, before anybody knows what it was meant for.
  if (status === 413) return answerTo(new BodyTooLarge());
  if (status === 415) return answerTo(new WrongMediaType());
  const code = (error as { code?: unknown }).code;
  const detail = typeof code === 'string' ? detailOf[code] : undefined;
  return { status, code: codeOf(status), detail: detail ?? `${STATUS_CODES[status] ?? 'Error'}.` };
}

const refusal = ({ status, code, message, retryAfter }: Refusal): Answer => ({
  status,
  code,
  detail: message,
  ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
});

const codeOf = (status: number): string => (STATUS_CODES[status] ?? 'error').toLowerCase().replaceAll(/[^a-z]+/g, '_');

/** Errors of Fastify's own, raised before a handler is chosen. */
function statusOf(error: unknown): number | undefined {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  return typeof statusCode === 'number' && typeof code === 'string' && code.startsWith('FST_') ? statusCode : undefined;
}

const defect: Answer = {
  status: 500,
  code: 'internal_error',
  detail: 'The service failed. The failure was logged with the id of this request.',
};

@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const answer = answerTo(error) ?? defect;
    if (answer.scimType !== undefined) (request as Noted).scimType = answer.scimType;
    if (answer === defect) this.logger.error({ err: error, requestId: request.id }, 'a request failed');
    if (error instanceof Unauthorized) reply.header('www-authenticate', challengeTo(request));
    send(answer, request, reply);
  }
}

/** At least one parameter must follow the scheme, and a token that was refused should be told apart from none (RFC 6750 section 3). */
const challengeTo = ({ headers }: FastifyRequest): string =>
  /^bearer /i.test(headers.authorization ?? '')
    ? 'Bearer realm="scim-cascade", error="invalid_token"'
    : 'Bearer realm="scim-cascade"';

/** Answers what is wrong with a URL before there is a route: Fastify would repeat the URL. */
export function answerBadUrl(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  send(answerTo(error) ?? defect, request, reply);
}

function send(answer: Answer, request: FastifyRequest, reply: FastifyReply): void {
  // A stream that broke half way can only be cut off: the client must not take it for whole.
  if (reply.sent) return;
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  const isScim = request.url.startsWith('/scim/');
  void reply
    .code(answer.status)
    .type(isScim ? (acceptedType(request.headers.accept) ?? 'application/scim+json') : 'application/problem+json')
    .send(JSON.stringify(isScim ? scimBody(answer) : problemBody(answer, request.id)));
}

const scimBody = ({ status, detail, scimType }: Answer): object => new ScimError(status, detail, scimType).toBody();

const problemBody = ({ status, code, detail, extra }: Answer, requestId: string): object => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  code,
  detail,
  requestId,
  ...extra,
});

// Reads a provider's answer by a table: the contract of a connector is data, one row per status and word.
import type { DeferredClass, Evidence } from '@app/events';
import type { Outcome, ProbeOutcome } from './connector.port.js';
import { REQUEST_ID_HEADERS } from './outbound-http.js';
import type { OutboundAnswer, OutboundFailure, OutboundResult } from './outbound-http.js';

export type Meaning =
  | { readonly kind: 'revoked' | 'already-gone' | 'unsupported' }
  | { readonly kind: 'retry'; readonly class: DeferredClass; readonly unknownEffect: boolean }
  | { readonly kind: 'connector-broken'; readonly code: string }
  | { readonly kind: 'permanent'; readonly reason: string };

export type StatusPattern = number | '2xx' | '3xx' | '4xx' | '5xx' | 'any';

export interface AnswerRow {
  readonly status: StatusPattern;
  /** The one word of the body that decides (RFC 6749 `error`, a webhook's `status`); absent matches every body. */
  readonly word?: string;
  readonly means: Meaning;
  /** Goes into the evidence. */
  readonly conclusion: string;
}

/** What the evidence of one call says about who made it and where it went. */
export interface CallIdentity {
  readonly connector: { readonly name: string; readonly version: number };
  readonly method: string;
  readonly url: string;
}

/** What every HTTP provider means by these; each connector's table ends with them, so that no answer falls through. */
export const HTTP_ROWS: readonly AnswerRow[] = [
  row('3xx', { kind: 'connector-broken', code: 'redirected' }, 'the endpoint redirects, and a secret is never sent on'),
  row(408, retry('timeout', true), 'the provider gave up waiting for the request'),
  row(425, retry('provider-error'), 'the provider asks to repeat the request'),
  row(429, retry('rate-limited'), 'the provider limits the rate'),
  row(503, retry('provider-error'), 'the provider is unavailable, so the access still exists'),
  row('5xx', retry('provider-error', true), 'the provider failed'),
  row('4xx', { kind: 'permanent', reason: 'the provider refuses the request' }, 'the provider refuses the request'),
  row('any', retry('provider-error', true), 'the answer is no HTTP status this connector knows'),
];

/** A row that depends on the status alone. */
export function row(status: StatusPattern, means: Meaning, conclusion: string): AnswerRow {
  return { status, means, conclusion };
}

/** `unknownEffect`: the provider may have acted before it failed. */
export function retry(deferredClass: DeferredClass, unknownEffect = false): Meaning {
  return { kind: 'retry', class: deferredClass, unknownEffect };
}

/** The first row that matches; tables end with `HTTP_ROWS`, whose last row matches everything. */
export function rowFor(rows: readonly AnswerRow[], status: number, word: string | undefined): AnswerRow {
  const found = rows.find(
    (candidate) => matches(candidate.status, status) && (candidate.word === undefined || candidate.word === word),
  );
  return found ?? (HTTP_ROWS.at(-1) as AnswerRow);
}

function matches(pattern: StatusPattern, status: number): boolean {
  if (typeof pattern === 'number') return pattern === status;
  return pattern === 'any' || Number(pattern.charAt(0)) === Math.floor(status / 100);
}

/** The outcome of a call that should revoke. `wordOf` picks the deciding word out of the body. */
export function outcomeOf(
  call: CallIdentity,
  result: OutboundResult,
  rows: readonly AnswerRow[],
  wordOf: (body: string) => string | undefined,
  now: number,
): Outcome {
  if (result.kind !== 'answer') return outcomeOfFailure(call, result);
  const { means, conclusion } = rowFor(rows, result.status, wordOf(result.bodyText));
  const evidence = evidenceOf(call, conclusion, result);
  if (means.kind !== 'retry') return { ...means, evidence };
  const asked = retryAfterMs(result.headers['retry-after'], now);
  return { ...means, ...(asked === undefined ? {} : { afterMs: asked }), evidence };
}

/** The outcome of a call that got no answer: unknown once the request was handed to a connection. */
export function outcomeOfFailure(call: CallIdentity, failure: OutboundFailure): Outcome {
  if (failure.kind === 'refused') {
    const evidence = evidenceOf(
      call,
      `nothing was sent: our own outbound policy refuses the endpoint (${failure.code})`,
    );
    return { kind: 'connector-broken', code: failure.code, evidence };
  }
  const known = failure.sent ? 'the request was sent, its effect is unknown' : 'nothing was sent';
  const evidence = evidenceOf(call, `no answer (${failure.code}): ${known}`);
  return { kind: 'retry', class: failure.kind, unknownEffect: failure.sent, evidence };
}

/** A probe that learned nothing. */
export function noAnswer(call: CallIdentity, result: OutboundResult, now: number): ProbeOutcome {
  if (result.kind !== 'answer') {
    return { kind: 'no-answer', evidence: evidenceOf(call, `the probe got no answer (${result.code})`) };
  }
  const asked = retryAfterMs(result.headers['retry-after'], now);
  const evidence = evidenceOf(call, 'the probe got an answer that says nothing about the access', result);
  return { kind: 'no-answer', ...(asked === undefined ? {} : { afterMs: asked }), evidence };
}

/** Evidence of a call that was never made, because there is nothing to call with. */
export function evidenceWithoutCall(connector: CallIdentity['connector'], conclusion: string): Evidence {
  return { adapter: `${connector.name}@${connector.version}`, request: 'none', conclusion };
}

/** Reduces an answer to what may be kept. The query is dropped: some providers take secrets there. */
export function evidenceOf(call: CallIdentity, conclusion: string, answer?: OutboundAnswer): Evidence {
  const where = URL.canParse(call.url) ? new URL(call.url) : undefined;
  const requestId = answer === undefined ? undefined : requestIdOf(answer);
  return {
    adapter: `${call.connector.name}@${call.connector.version}`,
    request: `${call.method} ${where === undefined ? 'invalid-url' : where.origin + where.pathname}`,
    ...(answer === undefined ? {} : { status: answer.status, bodySha256: answer.bodySha256 }),
    ...(requestId === undefined ? {} : { providerRequestId: requestId }),
    conclusion,
  };
}

function requestIdOf(answer: OutboundAnswer): string | undefined {
  const id = REQUEST_ID_HEADERS.map((name) => answer.headers[name]).find((value) => value !== undefined);
  return id !== undefined && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;
}

/**
 * Retry-After (RFC 9110 section 10.2.3), seconds or an HTTP date, in ms from `now`, however long; the retry policy grants
 * what it grants. Undefined when absent or unreadable.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const asked = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(asked) ? undefined : Math.max(asked, 0);
}

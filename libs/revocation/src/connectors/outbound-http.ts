// The only way out to providers: one guarded HTTP call, whose every end is a value and never an exception.
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { guardedConnector, refusalOf, systemResolve } from './outbound-policy.js';
import type { OutboundPolicy, Refusal, Resolve } from './outbound-policy.js';

export interface OutboundRequest {
  /** Whose allow-list applies. */
  readonly tenant: string;
  readonly method: Dispatcher.HttpMethod;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** From the call to the last byte of the answer, the wait for a connection included. At most 15,000. */
  readonly timeoutMs?: number;
}

export interface OutboundAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Lower-case names; only those of `KEPT_HEADERS`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first 64 KiB. Interpret it and forget it: it may hold personal data. */
  readonly bodyText: string;
  /** Hex SHA-256 of the body, of its first 64 KiB when it is longer. */
  readonly bodySha256: string;
}

export interface OutboundFailure {
  /** `refused`: our own policy said no and nothing was sent. */
  readonly kind: 'timeout' | 'network' | 'refused';
  /** A code of Node.js or undici (`ECONNREFUSED`), or a `Refusal`. Never a message: messages quote addresses. */
  readonly code: string;
  /** The request was handed to a connection: the provider may have acted on it. */
  readonly sent: boolean;
}

export type OutboundResult = OutboundAnswer | OutboundFailure;

export interface OutboundOptions {
  /** Connections kept per origin, one request at a time on each. Default 200. */
  readonly connections?: number;
  readonly resolve?: Resolve;
  /** Opens the socket to an address that passed the guard. */
  readonly connect?: buildConnector.connector;
}

const CONNECT_TIMEOUT_MS = 10_000;
const TOTAL_TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024;

/** Where providers name a request of ours, the usual name first. */
export const REQUEST_ID_HEADERS = [
  'x-request-id',
  'request-id',
  'x-github-request-id',
  'x-okta-request-id',
  'x-slack-req-id',
] as const;

const KEPT_HEADERS = ['retry-after', ...REQUEST_ID_HEADERS];

/** A keep-alive pool per origin. Follows no redirect, reads no proxy from the environment, speaks HTTP/1.1. */
export class OutboundHttp {
  private readonly agent: Agent;

  constructor(
    private readonly policy: OutboundPolicy,
    options: OutboundOptions = {},
  ) {
    const connect = options.connect ?? buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
    this.agent = new Agent({
      connections: options.connections ?? 200,
      pipelining: 1,
      allowH2: false,
      // One timer per call covers all of it; undici's own would only add work.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: guardedConnector(policy, options.resolve ?? systemResolve, connect),
    });
  }

  /** Never rejects. A redirect is an answer like any other. */
  request(request: OutboundRequest): Promise<OutboundResult> {
    if (!URL.canParse(request.url)) return refused('invalid-url');
    const url = new URL(request.url);
    const refusal = refusalOf(url, request.tenant, this.policy);
    if (refusal !== undefined) return refused(refusal);
    if (request.signal?.aborted === true) return Promise.resolve({ kind: 'timeout', code: 'aborted', sent: false });
    return new Promise((resolve) => {
      const exchange = new Exchange(request, resolve);
      try {
        this.agent.dispatch(
          {
            origin: url.origin,
            path: url.pathname + url.search,
            method: request.method,
            headers: { 'user-agent': 'scim-cascade', ...request.headers },
            body: request.body ?? null,
          },
          exchange,
        );
      } catch (error) {
        exchange.fail('network', codeOf(error));
      }
    });
  }

  /** Ends every connection; calls still running end as `network` failures. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

const refused = (code: Refusal): Promise<OutboundFailure> => Promise.resolve({ kind: 'refused', code, sent: false });

/** Codes are constants of libraries; anything else could carry data. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[\w-]{1,60}$/.test(code) ? code : 'UNKNOWN';
}

/** One call: gathers the answer, ends once, and leaves no timer or listener behind. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private ended = false;
  private sent = false;
  private status = 0;
  private headers: IncomingHttpHeaders = {};
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly signal: AbortSignal | undefined;
  private readonly onAbort = () => this.fail('timeout', 'aborted');

  constructor(
    request: OutboundRequest,
    private readonly resolve: (result: OutboundResult) => void,
  ) {
    const timeoutMs = Math.min(request.timeoutMs ?? TOTAL_TIMEOUT_MS, TOTAL_TIMEOUT_MS);
    this.timer = setTimeout(() => this.fail('timeout', 'timed-out'), timeoutMs);
    this.signal = request.signal;
    this.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A call that timed out in the queue is taken back before its first byte.
    if (this.ended) return controller.abort(new Error('ended before it was sent'));
    this.controller = controller;
    this.sent = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const rest = MAX_BODY_BYTES - this.size;
    this.chunks.push(chunk.length > rest ? chunk.subarray(0, rest) : chunk);
    this.size += chunk.length;
    if (this.size > MAX_BODY_BYTES) this.answer(true);
  }

  onResponseEnd(): void {
    this.answer(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = codeOf(error);
    if (code === 'address-not-allowed') this.fail('refused', code);
    else this.fail(code === 'UND_ERR_CONNECT_TIMEOUT' ? 'timeout' : 'network', code);
  }

  fail(kind: OutboundFailure['kind'], code: string): void {
    if (this.end({ kind, code, sent: this.sent })) this.controller?.abort(new Error(kind));
  }

  private answer(isCut: boolean): void {
    const body = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    const headers: Record<string, string> = {};
    for (const name of KEPT_HEADERS) {
      const value = this.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    this.end({
      kind: 'answer',
      status: this.status,
      headers,
      bodyText: body.toString('utf8'),
      bodySha256: hash('sha256', body, 'hex'),
    });
    if (isCut) this.controller?.abort(new Error('answer too large'));
  }

  private end(result: OutboundResult): boolean {
    if (this.ended) return false;
    this.ended = true;
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
    this.resolve(result);
    return true;
  }
}

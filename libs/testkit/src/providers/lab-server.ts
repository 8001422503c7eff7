// The HTTP server behind every fake provider: on loopback, with programmable misbehaviour and a log of calls.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';

/** `ok` answers as the provider would; a number is a bare status. */
export type ScriptedAnswer =
  'ok' | number | { readonly status: number; readonly retryAfter?: number | string; readonly body?: unknown };

export interface Behaviour {
  /** ms before every answer. */
  readonly latencyMs?: number;
  /** Answers to the next revocation calls, one each; `ok` once it is used up. */
  readonly script?: readonly ScriptedAnswer[];
  /** So many revocations are acknowledged without doing anything; `Infinity` for ever. */
  readonly lies?: number;
  /** Accepts connections and never answers. */
  readonly dead?: boolean;
  /** Treats the client's credentials or signature as wrong. */
  readonly refusesClient?: boolean;
}

/** One call as the provider saw it. Times are `performance.now()`; there is no token or body in it. */
export interface LabCall {
  readonly route: string;
  /** What the call was about: a token's id, a target's id. */
  subject?: string;
  readonly receivedAt: number;
  answeredAt?: number;
  status?: number;
}

export interface LabRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface LabAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export class LabServer {
  readonly calls: LabCall[] = [];
  private readonly server: Server;
  private current: Behaviour = {};
  private script: ScriptedAnswer[] = [];
  private liesLeft = 0;

  private constructor(private readonly handle: (request: LabRequest, call: LabCall) => LabAnswer) {
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => this.receive(request, response));
  }

  /** Listens on a free port of 127.0.0.1. `handle` answers a request and may name the call's subject. */
  static async start(
    behaviour: Behaviour,
    handle: (request: LabRequest, call: LabCall) => LabAnswer,
  ): Promise<LabServer> {
    const lab = new LabServer(handle);
    lab.behave(behaviour);
    await new Promise<void>((resolve) => lab.server.listen(0, '127.0.0.1', 1024, resolve));
    return lab;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get behaviour(): Behaviour {
    return this.current;
  }

  /** Replaces the behaviour from the next call on. */
  behave(behaviour: Behaviour): void {
    this.current = behaviour;
    this.script = [...(behaviour.script ?? [])];
    this.liesLeft = behaviour.lies ?? 0;
  }

  /** The next scripted answer to a revocation call; undefined when it is to be answered properly. */
  scripted(): LabAnswer | undefined {
    const next = this.script.shift();
    if (next === undefined || next === 'ok') return undefined;
    if (typeof next === 'number') return { status: next };
    const headers = next.retryAfter === undefined ? {} : { 'retry-after': String(next.retryAfter) };
    return { status: next.status, headers, ...(next.body === undefined ? {} : { body: next.body }) };
  }

  /** True when this revocation is to be acknowledged and not carried out. */
  lies(): boolean {
    if (this.liesLeft <= 0) return false;
    this.liesLeft -= 1;
    return true;
  }

  count(route: string): number {
    return this.calls.filter((call) => call.route === route).length;
  }

  /** Ends all connections, also those of calls that were never answered. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const call: LabCall = { route: `${request.method} ${path}`, receivedAt: performance.now() };
    this.calls.push(call);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (this.current.dead === true) return;
      const body = Buffer.concat(chunks).toString('utf8');
      const answer = this.handle({ method: request.method ?? '', path, headers: request.headers, body }, call);
      const latencyMs = this.current.latencyMs ?? 0;
      if (latencyMs === 0) this.answer(call, answer, response);
      else setTimeout(() => this.answer(call, answer, response), latencyMs).unref();
    });
  }

  private answer(call: LabCall, answer: LabAnswer, response: ServerResponse): void {
    call.status = answer.status;
    call.answeredAt = performance.now();
    const body = textOf(answer.body);
    const type = body === '' ? {} : { 'content-type': 'application/json' };
    const headers = { ...type, 'content-length': Buffer.byteLength(body), 'x-request-id': `lab-${this.calls.length}` };
    response.writeHead(answer.status, { ...headers, ...answer.headers }).end(body);
  }
}

/** A text is sent as it is, everything else as JSON. */
const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);

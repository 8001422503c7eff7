// Sets up Nest on Fastify: who calls is known before a byte of a body is read, and bodies are JSON, or forms where a route takes them.
import { randomUUID } from 'node:crypto';
import { Clock } from '@app/runtime';
import { limits } from '@app/scim';
import type { LoggerService, Type, DynamicModule } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import { AuthGuard } from './auth.guard.js';
import { takesForm, type AuthenticatedRequest, type Noted } from './decorators.js';
import { answerBadUrl, ErrorFilter } from './error.filter.js';
import type { ExchangeLog } from './exchange-log.js';
import { keysKept, shapeOf } from './json-shape.js';
import { TokenRegistry } from './principal.js';
import { RateLimit } from './rate-limit.js';
import {
  BodyTooLarge,
  ConnectionPaused,
  DuplicateKeys,
  MalformedJson,
  NestedTooDeep,
  TooManyRequests,
  Unauthorized,
  WrongMediaType,
} from './refusals.js';

export interface HttpAppOptions {
  readonly logger: LoggerService | false;
  /** The most requests of one SCIM connection per second, and twice as many at once; 0 or absent: no limit. */
  readonly requestsPerSecond?: number;
  /** Told of every request that came in on a SCIM connection, and of its answer. */
  readonly exchanges?: ExchangeLog;
}

const BEARER = /^bearer +([\x21-\x7e]{1,512})$/i;
const FORM_BYTES = 16 * 1024;
/** ms in which a whole request must have come in, and its headers; looked for as often as the last says. */
const REQUEST_MS = 30_000;
const HEADERS_MS = 10_000;
const CHECK_MS = 5_000;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A request after the hook that asks who is calling; before the guard has looked at the answer. */
type Asked = FastifyRequest & Partial<Pick<AuthenticatedRequest, 'principal' | 'receivedAt'>> & Noted;

/**
 * Creates the application of `module`, which must provide {@link TokenRegistry} and Clock. The caller listens.
 * Every route is guarded by {@link AuthGuard}, every error is answered by {@link ErrorFilter}.
 */
export async function createHttpApp(
  module: Type | DynamicModule,
  { logger, requestsPerSecond = 0, exchanges }: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: limits.bulkBytes,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
    genReqId: () => randomUUID(),
    frameworkErrors: answerBadUrl,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
  });
  const options = { bodyParser: false, logger, abortOnError: false } as const;
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, options);
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const clock = app.get(Clock, { strict: false });
  if (exchanges !== undefined) keepExchanges(fastify, exchanges, clock);
  authenticateFirst(fastify, {
    tokens: app.get(TokenRegistry, { strict: false }),
    clock,
    limit: requestsPerSecond === 0 ? undefined : new RateLimit(requestsPerSecond),
  });
  answerReadsTogether(fastify);
  readJson(fastify);
  readForms(fastify);
  app.useGlobalGuards(new AuthGuard(app.get(Reflector)));
  app.useGlobalFilters(new ErrorFilter());
  return app;
}

/** What is asked of every request before anything else. */
interface Door {
  readonly tokens: TokenRegistry;
  readonly clock: Clock;
  readonly limit: RateLimit | undefined;
}

/** A hook of the whole server, not of a path: there is no spelling of a URL that goes around it. */
function authenticateFirst(fastify: FastifyInstance, { tokens, clock, limit }: Door): void {
  fastify.addHook('onRequest', async (request: Asked) => {
    request.receivedAt = clock.now();
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const principal = token === undefined ? undefined : await tokens.find(token);
    if (principal === undefined) {
      // Refused before it is read: what is still to come is then taken from the wire and forgotten.
      if (hasBody(request) && !takesForm(request.routeOptions.config)) throw new Unauthorized();
      return;
    }
    request.principal = principal;
    const { connection } = principal;
    if (connection === undefined) return;
    if (connection.paused === true) throw new ConnectionPaused();
    const wait = limit?.take(connection.id, request.receivedAt) ?? 0;
    if (wait > 0) throw new TooManyRequests(wait);
  });
}

/** RFC 9112 section 6.3. */
const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Also of what was refused before a handler was asked. Nothing is composed here: that is for whoever reads it. */
function keepExchanges(fastify: FastifyInstance, exchanges: ExchangeLog, clock: Clock): void {
  const keep = (request: Asked, reply: FastifyReply, route: string | undefined): void => {
    const connection = request.principal?.connection;
    if (connection === undefined) return;
    const { receivedAt: at = 0, method, params, createdId, scimType, quirks, id: requestId } = request;
    exchanges.add(connection.id, {
      at,
      method,
      route,
      resourceId: createdId ?? (params as { readonly id?: string } | null)?.id,
      status: reply.statusCode,
      scimType,
      durationMs: clock.now() - at,
      quirks,
      requestId,
    });
  };
  // Not once it is on its way: to be told of that costs every request more than all that is kept of it. And a hook of each
  // route, because a request that is asked for its route describes the whole of it.
  fastify.addHook('onRoute', (options) => {
    const { url, onSend = [] } = options;
    const keepHere: onSendHookHandler = (request, reply, payload, done) => {
      keep(request, reply, url);
      done(null, payload);
    };
    options.onSend = [keepHere, ...[onSend].flat()];
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (request.is404) keep(request, reply, undefined);
    done(null, payload);
  });
}

/**
 * What was asked in one turn of the event loop is answered at its end: waking a client for each answer costs more than
 * the answer. Writes come together by sharing a commit.
 */
function answerReadsTogether(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (request.method !== 'GET') return done(null, payload);
    setImmediate(done, null, payload);
    // Nest awaits the reply, which would listen on its stream for the end: it is sent when this comes true.
    // oxlint-disable-next-line unicorn/no-thenable -- it is one already
    reply.then = (sent) => void setImmediate(sent);
  });
}

function readJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/scim+json'],
    { parseAs: 'buffer', bodyLimit: limits.bulkBytes },
    async (request: Asked, body: Buffer) => {
      // No public route takes JSON, so a stranger's is never parsed.
      if (request.principal === undefined) throw new Unauthorized();
      if (body.length > limits.bodyBytes && !isBulk(request)) throw new BodyTooLarge();
      if (body.length === 0) return undefined;
      const { keys, depth } = shapeOf(body);
      if (depth > limits.jsonDepth) throw new NestedTooDeep();
      const parsed = parse(body);
      if (keysKept(parsed) !== keys) throw new DuplicateKeys();
      return parsed;
    },
  );
}

/** Only where a route says so, for whoever it says: those routes are public, and their bodies small, whatever they are. */
function readForms(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (options) => {
    if (takesForm(options.config ?? {})) options.bodyLimit = FORM_BYTES;
  });
  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    (request: FastifyRequest, body, done) => {
      if (takesForm(request.routeOptions.config)) done(null, new URLSearchParams(body.toString()));
      else done(new WrongMediaType());
    },
  );
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch {
    throw new MalformedJson();
  }
}

const isBulk = ({ routeOptions }: FastifyRequest): boolean =>
  routeOptions.url?.toLowerCase().endsWith('/bulk') === true;

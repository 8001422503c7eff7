// What a route says about who may call it, and how a handler learns who does.
import type { RequestContext } from '@app/events';
import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { Principal, Role } from './principal.js';

export const PUBLIC = 'http:public';
export const REQUIRES = 'http:requires';

/** Opens a route to everybody. Without this or {@link Requires} a route is closed to everybody. */
export const Public = () => SetMetadata(PUBLIC, true);

/** Opens a controller or a route to tokens that have one of these roles. */
export const Requires = (...roles: Role[]) => SetMetadata(REQUIRES, roles);

/** Lets a route take a small `application/x-www-form-urlencoded` body, as URLSearchParams, from anybody the route is open to. */
export const TakesForm = () => RouteConfig({ takesForm: true });

export const takesForm = (config: object): boolean => 'takesForm' in config;

/** What is learnt of a request while it is answered, for the log of exchanges. */
export interface Noted {
  scimType?: string;
  quirks?: Readonly<Record<string, number>>;
  /** Of what was created. */
  createdId?: string;
}

/** A request the guard let through. */
export interface AuthenticatedRequest extends FastifyRequest, Noted {
  principal: Principal;
  /** ms since the epoch. */
  receivedAt: number;
}

const requestOf = (context: ExecutionContext): AuthenticatedRequest => context.switchToHttp().getRequest();

/** The {@link Principal} of the request. */
export const Caller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Principal => requestOf(context).principal,
);

let lastInstant = { at: NaN, iso: '' };

/** Many requests arrive in one millisecond. */
function isoOf(at: number): string {
  if (lastInstant.at !== at) lastInstant = { at, iso: new Date(at).toISOString() };
  return lastInstant.iso;
}

/** The {@link RequestContext} that commands of this request carry; `correlationId` is the request's own id (a UUID). */
export const Context = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext => {
  const { principal, receivedAt, id } = requestOf(context);
  return {
    tenant: principal.tenant,
    actor: principal.actor,
    correlationId: id,
    receivedAt: isoOf(receivedAt),
    ...(principal.connection === undefined ? {} : { connection: principal.connection.id }),
  };
});

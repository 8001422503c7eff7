// Refuses who accepts no JSON.
import { acceptedType, ScimError } from '@app/scim';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

export class NegotiationGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (acceptedType(headers.accept) !== undefined) return true;
    throw new ScimError(406, 'Answers are application/scim+json: accept that, application/json or anything.');
  }
}

// Refuses who accepts no JSON: every answer below /scim/v2 is application/scim+json.
import { ScimError } from '@app/scim';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Most specific first: the most specific range in a header decides (RFC 9110 section 12.5.1). */
const ofScim = ['application/scim+json', 'application/*', '*/*'];
const ofJson = ['application/json', 'application/*', '*/*'];

/** Weights by media range; parameters other than `q` say nothing about JSON. */
function rangesOf(header: string): Map<string, number> {
  const ranges = new Map<string, number>();
  for (const item of header.split(',')) {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (range !== '') ranges.set(range, weight === undefined ? 1 : Number(weight));
  }
  return ranges;
}

/** Whether an `Accept` header lets JSON in, under either of its names. */
export function acceptsJson(header: string | undefined): boolean {
  if (header === undefined) return true;
  const ranges = rangesOf(header);
  if (ranges.size === 0) return true;
  const accepts = (names: readonly string[]) => {
    const name = names.find((one) => ranges.has(one));
    return name !== undefined && ranges.get(name) !== 0;
  };
  return accepts(ofScim) || accepts(ofJson);
}

export class NegotiationGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (acceptsJson(headers.accept)) return true;
    throw new ScimError(406, 'Answers are application/scim+json: accept that, application/json or anything.');
  }
}

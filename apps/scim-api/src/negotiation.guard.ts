// Refuses who accepts no JSON: every answer below /scim/v2 is application/scim+json, or application/json for who wants only that.
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

/** The name under which an `Accept` header lets JSON in; undefined if it does not (RFC 7644 section 3.1). */
export function acceptedType(header: string | undefined): 'application/scim+json' | 'application/json' | undefined {
  if (header === undefined || header === '*/*' || header === 'application/scim+json') return 'application/scim+json';
  const ranges = rangesOf(header);
  const accepts = (names: readonly string[]) => {
    const name = names.find((one) => ranges.has(one));
    return name !== undefined && ranges.get(name) !== 0;
  };
  if (ranges.size === 0 || accepts(ofScim)) return 'application/scim+json';
  return accepts(ofJson) ? 'application/json' : undefined;
}

export class NegotiationGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (acceptedType(headers.accept) !== undefined) return true;
    throw new ScimError(406, 'Answers are application/scim+json: accept that, application/json or anything.');
  }
}

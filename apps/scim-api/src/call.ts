// Reads from an HTTP request what a SCIM call consists of.
import type { AuthenticatedRequest } from '@app/http';
import type { RequestContext } from '@app/events';
import { spellingOf, type ListParameters } from '@app/scim';
import type { ScimCall } from './endpoint.js';

export function callOf(context: RequestContext, request: AuthenticatedRequest): ScimCall {
  const { principal, query, headers, url } = request;
  const mark = url.indexOf('?');
  return {
    context,
    dialect: principal.connection?.dialect ?? 'lenient',
    agentWhen: principal.connection?.agentWhen,
    spelling: spellingOf(principal.connection?.agentNameKey),
    asked: mark < 0 ? '' : url.slice(mark + 1),
    query: query as ListParameters,
    ifMatch: headers['if-match'],
    ifNoneMatch: headers['if-none-match'],
    noted: request,
  };
}

/** The id in the path of a request to one resource. */
export const idOf = ({ params }: AuthenticatedRequest): string => (params as { readonly id: string }).id;

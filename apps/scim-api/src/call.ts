// What a SCIM call consists of, and how it is read from an HTTP request.
import type { AuthenticatedRequest, Noted } from '@app/http';
import type { RequestContext } from '@app/events';
import { spellingOf, type Dialect, type ListParameters, type Spelling } from '@app/scim';

/** What every request brings, whether it came by itself or within a bulk request. */
export interface ScimCall {
  readonly context: RequestContext;
  readonly dialect: Dialect;
  /** The rule of the connection that says which users are agents. */
  readonly agentWhen?: string | undefined;
  /** How attributes are called in the answer, where the connection has it otherwise than the schema. */
  readonly spelling?: Spelling | undefined;
  /** Everything after the `?` of the URL as it was sent; empty when there is nothing. */
  readonly asked?: string;
  /** The parameters of the URL. */
  readonly query: ListParameters;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  /** Where the quirks of the call are noted. */
  readonly noted: Noted;
}

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

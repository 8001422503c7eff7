// Revokes a token at any authorization server that speaks RFC 7009, and proves it by RFC 7662 introspection.
import {
  evidenceOf,
  evidenceWithoutCall,
  HTTP_ROWS,
  noAnswer,
  outcomeOf,
  outcomeOfFailure,
  row,
  type AnswerRow,
  type CallIdentity,
} from './answer-table.js';
import type {
  Connector,
  ConnectorContext,
  ConnectorRequest,
  Outcome,
  ProbeOutcome,
  RevocationScope,
} from './connector.port.js';
import { oauthProblems, oauthSettings, tokenForm, tokenTypeHint } from './oauth-client.js';
import { jsonObject, MetadataCache, type Discovery, type OAuthMetadata } from './oauth-metadata.js';

/** The contract: what each answer of a revocation endpoint means (RFC 7009 section 2.2, RFC 6749 section 5.2). */
export const RFC7009_ANSWERS: readonly AnswerRow[] = [
  row('2xx', { kind: 'revoked' }, 'acknowledged; RFC 7009 answers the same for a token it does not know'),
  refusal(400, 'unsupported_token_type', 'the server does not revoke tokens of this type'),
  refusal(400, 'invalid_request', 'the server cannot read the request'),
  // Not in RFC 7009, which wants 200 here; servers that predate it say so.
  {
    status: 400,
    word: 'invalid_token',
    means: { kind: 'already-gone' },
    conclusion: 'the token is not valid any more',
  },
  broken(400, 'invalid_client', 'the server refuses our client credentials'),
  // RFC 7009 section 2.1: a token that was issued to another client is refused. Others may be ours.
  refusal(400, 'unauthorized_client', 'our client may not revoke this token'),
  row(401, { kind: 'connector-broken', code: 'invalid_client' }, 'the server refuses our client credentials'),
  row(403, { kind: 'connector-broken', code: 'forbidden' }, 'our client may not revoke tokens'),
  row(404, { kind: 'connector-broken', code: 'endpoint-not-found' }, 'there is no revocation endpoint at this URL'),
  row(405, { kind: 'connector-broken', code: 'endpoint-not-found' }, 'the URL is no revocation endpoint'),
  ...HTTP_ROWS,
];

/** Discovery has no effect at the provider, whatever becomes of it. */
const DISCOVERY_ANSWERS: readonly AnswerRow[] = [
  row(404, { kind: 'connector-broken', code: 'metadata-not-found' }, 'the issuer publishes no metadata (RFC 8414)'),
  ...HTTP_ROWS,
];

function refusal(status: number, word: string, conclusion: string): AnswerRow {
  return { status, word, means: { kind: 'permanent', reason: conclusion }, conclusion };
}

function broken(status: number, word: string, conclusion: string): AnswerRow {
  return { status, word, means: { kind: 'connector-broken', code: word }, conclusion };
}

/** RFC 7009 lets the revocation take effect at once; settings may grant a slower server more. */
const VERIFY_AFTER_MS = 1_000;

type Endpoint = { readonly kind: 'url'; readonly url: string } | { readonly kind: 'none' } | FailedDiscovery;
type FailedDiscovery = Exclude<Discovery, { kind: 'found' }>;

export class Rfc7009 implements Connector {
  readonly version = 1;
  private readonly metadata = new MetadataCache();

  constructor(
    readonly name: string = 'rfc7009',
    readonly scope: RevocationScope = 'family',
  ) {}

  checkSettings(settings: Readonly<Record<string, unknown>>): string[] {
    return oauthProblems(settings);
  }

  async revoke(request: ConnectorRequest, context: ConnectorContext): Promise<Outcome> {
    if (request.secret === undefined) {
      return { kind: 'unsupported', evidence: evidenceWithoutCall(this, 'registered without the token to revoke') };
    }
    const endpoint = await this.endpoint('revocationEndpoint', request, context);
    if (endpoint.kind === 'none') {
      return { kind: 'unsupported', evidence: evidenceWithoutCall(this, 'the issuer names no revocation endpoint') };
    }
    if (endpoint.kind !== 'url') return this.failedDiscovery(endpoint, context);
    const call: CallIdentity = { connector: this, method: 'POST', url: endpoint.url };
    const result = await this.post(endpoint.url, request.secret, request, context);
    return outcomeOf(call, result, RFC7009_ANSWERS, errorWord, context.now());
  }

  async probe(request: ConnectorRequest, context: ConnectorContext): Promise<ProbeOutcome> {
    const endpoint = await this.endpoint('introspectionEndpoint', request, context);
    if (endpoint.kind !== 'url' || request.secret === undefined) {
      const why =
        endpoint.kind === 'none' ? 'the issuer names no introspection endpoint' : 'nothing to introspect with';
      return { kind: 'no-answer', evidence: evidenceWithoutCall(this, why) };
    }
    const call: CallIdentity = { connector: this, method: 'POST', url: endpoint.url };
    const result = await this.post(endpoint.url, request.secret, request, context);
    const active =
      result.kind === 'answer' && result.status === 200 ? jsonObject(result.bodyText)?.['active'] : undefined;
    if (result.kind !== 'answer' || typeof active !== 'boolean') return noAnswer(call, result, context.now());
    return active
      ? { kind: 'alive', evidence: evidenceOf(call, 'introspection says the token is active', result) }
      : { kind: 'dead', evidence: evidenceOf(call, 'introspection says the token is not active', result) };
  }

  /** An issuer that names no introspection endpoint proves nothing; `revoke` has read its metadata. */
  verifyAfterMs({ tenant, provider }: ConnectorRequest, context: ConnectorContext): number | undefined {
    const { introspectionEndpoint, issuer, verifyAfterMs } = oauthSettings(provider.settings);
    const after = verifyAfterMs ?? VERIFY_AFTER_MS;
    if (introspectionEndpoint !== undefined) return after;
    if (issuer === undefined) return undefined;
    const metadata = this.metadata.peek(tenant, issuer, context.now());
    // Metadata that has aged since is read again by the probe.
    return metadata === undefined || metadata.introspectionEndpoint !== undefined ? after : undefined;
  }

  private post(url: string, token: string, request: ConnectorRequest, context: ConnectorContext) {
    const { tenant, provider, target } = request;
    const form = tokenForm(oauthSettings(provider.settings), provider.secret, token, tokenTypeHint(target.kind));
    return context.http.request({ tenant, method: 'POST', url, ...form, signal: context.signal });
  }

  private async endpoint(
    name: keyof OAuthMetadata,
    request: ConnectorRequest,
    context: ConnectorContext,
  ): Promise<Endpoint> {
    const settings = oauthSettings(request.provider.settings);
    const given = settings[name];
    if (given !== undefined) return { kind: 'url', url: given };
    if (settings.issuer === undefined) return { kind: 'none' };
    const discovery = await this.metadata.discover(request.tenant, settings.issuer, context);
    if (discovery.kind !== 'found') return discovery;
    const url = discovery.metadata[name];
    return url === undefined ? { kind: 'none' } : { kind: 'url', url };
  }

  private failedDiscovery(discovery: FailedDiscovery, context: ConnectorContext): Outcome {
    const call: CallIdentity = { connector: this, method: 'GET', url: discovery.url };
    if (discovery.kind === 'untrusted') {
      const evidence = evidenceOf(call, `the metadata of the issuer cannot be used (${discovery.code})`);
      return { kind: 'connector-broken', code: discovery.code, evidence };
    }
    const { result } = discovery;
    const outcome =
      result.kind === 'answer'
        ? outcomeOf(call, result, DISCOVERY_ANSWERS, errorWord, context.now())
        : outcomeOfFailure(call, { ...result, sent: false });
    return outcome.kind === 'retry' ? { ...outcome, unknownEffect: false } : outcome;
  }
}

/** The `error` of an OAuth error answer. */
function errorWord(body: string): string | undefined {
  const error = jsonObject(body)?.['error'];
  return typeof error === 'string' ? error : undefined;
}

// Finds an authorization server's endpoints by RFC 8414 discovery, and remembers them for a while.
import type { ConnectorContext } from './connector.port.js';
import type { OutboundResult } from './outbound-http.js';

export interface OAuthMetadata {
  readonly revocationEndpoint: string | undefined;
  readonly introspectionEndpoint: string | undefined;
}

export type Discovery =
  | { readonly kind: 'found'; readonly metadata: OAuthMetadata }
  | { readonly kind: 'not-found'; readonly url: string; readonly result: OutboundResult }
  /** An answer that cannot be trusted: RFC 8414 section 3.3 wants the very issuer that was asked. */
  | { readonly kind: 'untrusted'; readonly url: string; readonly code: 'issuer-mismatch' | 'metadata-invalid' };

const KEPT_MS = 600_000;

/** Answers per tenant and issuer; asks once however many revocations start at the same time. */
export class MetadataCache {
  private readonly known = new Map<string, { readonly until: number; readonly metadata: OAuthMetadata }>();
  private readonly asking = new Map<string, Promise<Discovery>>();

  async discover(tenant: string, issuer: string, context: ConnectorContext): Promise<Discovery> {
    const metadata = this.peek(tenant, issuer, context.now());
    if (metadata !== undefined) return { kind: 'found', metadata };
    const key = `${tenant} ${issuer}`;
    const pending = this.asking.get(key);
    if (pending !== undefined) return pending;
    const fresh = this.ask(tenant, issuer, key, context).finally(() => this.asking.delete(key));
    this.asking.set(key, fresh);
    return fresh;
  }

  /** What is already known, without asking. */
  peek(tenant: string, issuer: string, now: number): OAuthMetadata | undefined {
    const entry = this.known.get(`${tenant} ${issuer}`);
    return entry !== undefined && entry.until > now ? entry.metadata : undefined;
  }

  private async ask(tenant: string, issuer: string, key: string, context: ConnectorContext): Promise<Discovery> {
    const url = metadataUrl(issuer);
    // Not the signal of one attempt: others wait for the same answer. The call has its own time limit.
    const result = await context.http.request({ tenant, method: 'GET', url, headers: { accept: 'application/json' } });
    if (result.kind !== 'answer' || result.status !== 200) return { kind: 'not-found', url, result };
    const document = jsonObject(result.bodyText);
    if (document === undefined) return { kind: 'untrusted', url, code: 'metadata-invalid' };
    if (document['issuer'] !== issuer) return { kind: 'untrusted', url, code: 'issuer-mismatch' };
    const metadata = {
      revocationEndpoint: stringOr(document['revocation_endpoint']),
      introspectionEndpoint: stringOr(document['introspection_endpoint']),
    };
    this.known.set(key, { until: context.now() + KEPT_MS, metadata });
    return { kind: 'found', metadata };
  }
}

/** RFC 8414 section 3: the well-known part goes between the host and the path of the issuer. */
export function metadataUrl(issuer: string): string {
  const url = new URL(issuer);
  const path = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  return `${url.origin}/.well-known/oauth-authorization-server${path}`;
}

/** The object a JSON text holds; undefined for everything else. */
export function jsonObject(body: string): Readonly<Record<string, unknown>> | undefined {
  // Most answers to a revocation are empty, and a SyntaxError is dear.
  if (body === '') return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const stringOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

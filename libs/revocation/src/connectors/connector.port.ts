// What a connector is: two calls to a provider, whose answers are values and never exceptions.
import type { DeferredClass, Evidence, PlannedTarget } from '@app/events';
import type { OutboundHttp } from './outbound-http.js';

/** Everything a connector may know about one attempt. Secrets live in this object only and are never logged. */
export interface ConnectorRequest {
  readonly tenant: string;
  readonly target: PlannedTarget;
  /** Counts from 1; with the target id it is the idempotency key towards the provider. */
  readonly attempt: number;
  /** How often the provider said yes and a probe found it alive. */
  readonly refuted: number;
  /** Non-secret identifiers registered with the holding. */
  readonly reference: Readonly<Record<string, string>>;
  /** The token or key to revoke; undefined when the holding was registered without one. */
  readonly secret: string | undefined;
  readonly provider: ProviderInstance;
}

export interface ProviderInstance {
  readonly providerId: string;
  /** Validated by the connector's own `checkSettings`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Our credentials at the provider (client secret, signing key, Redis URL). */
  readonly secret: string | undefined;
}

export interface ConnectorContext {
  readonly http: OutboundHttp;
  /** Aborts when the attempt's time is over or the worker shuts down. */
  readonly signal: AbortSignal;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** How an attempt to revoke ended. */
export type Outcome =
  | { readonly kind: 'revoked'; readonly evidence: Evidence }
  | { readonly kind: 'already-gone'; readonly evidence: Evidence }
  /** Try again; `afterMs` when the provider said when. `unknownEffect`: it may have been revoked all the same. */
  | {
      readonly kind: 'retry';
      readonly class: DeferredClass;
      readonly afterMs?: number;
      readonly unknownEffect: boolean;
      readonly evidence: Evidence;
    }
  /** Our own credentials or settings at this provider are refused: no target of it can be revoked until mended. */
  | { readonly kind: 'connector-broken'; readonly code: string; readonly evidence: Evidence }
  /** The provider offers no way: wait for expiry. */
  | { readonly kind: 'unsupported'; readonly evidence: Evidence }
  /** Revoking would cut somebody else's access too. */
  | { readonly kind: 'collateral-blocked'; readonly evidence: Evidence }
  | { readonly kind: 'permanent'; readonly reason: string; readonly evidence: Evidence };

/** What a probe found. */
export type ProbeOutcome =
  | { readonly kind: 'dead'; readonly evidence: Evidence }
  | { readonly kind: 'alive'; readonly evidence: Evidence }
  | { readonly kind: 'no-answer'; readonly afterMs?: number; readonly evidence: Evidence };

/** token < family < grant < user < installation: what one call takes away at the provider. */
export type RevocationScope = 'token' | 'family' | 'grant' | 'user' | 'installation' | 'schedule';

/**
 * One way to revoke. `revoke` is idempotent: a target that is already gone is `already-gone`. Neither call throws for
 * anything a provider can do; a throw is a defect of the connector.
 */
export interface Connector {
  /** Stable name, as in a provider's configuration: `rfc7009`. */
  readonly name: string;
  /** Recorded in every evidence as `<name>@<version>`; raise it when the interpretation of answers changes. */
  readonly version: number;
  readonly scope: RevocationScope;
  /** Problems with a provider's settings, each a sentence that says how to mend it; empty when valid. */
  checkSettings(settings: Readonly<Record<string, unknown>>): string[];
  /** The same of our credentials there, where their form is known; no sentence repeats them. */
  checkSecret?(secret: string): string[];
  revoke(request: ConnectorRequest, context: ConnectorContext): Promise<Outcome>;
  /** Absent, or answering undefined for these settings: no proof is to be had and an acknowledgement stays grade B. */
  probe?(request: ConnectorRequest, context: ConnectorContext): Promise<ProbeOutcome>;
  /** ms after the acknowledgement of this request at which the probe is due; undefined when it cannot be probed. */
  verifyAfterMs(request: ConnectorRequest, context: ConnectorContext): number | undefined;
}

// Asks a service of the customer to revoke, by a POST signed as Standard Webhooks describes.
import { hash } from 'node:crypto';
import { Webhook as Signer } from 'standardwebhooks';
import {
  evidenceOf,
  evidenceWithoutCall,
  HTTP_ROWS,
  noAnswer,
  outcomeOf,
  retry,
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
  ProviderInstance,
  RevocationScope,
} from './connector.port.js';
import { jsonObject } from './oauth-metadata.js';
import { flag, milliseconds, problemsOf, required, url } from './settings-check.js';

/** What a receiver may say of a revocation; whatever else it says is no acknowledgement. */
const WORDS: ReadonlySet<string> = new Set(['gone', 'revoked', 'ok', 'success', 'active', 'pending', 'failed']);
const UNKNOWN = 'unknown';

const UNKNOWN_HERE = 'there is no receiver at this URL, or it does not know what is to be revoked';

/**
 * The contract. 202 means that the receiver has not done it yet: the same webhook-id is sent again until another
 * answer comes, so that a receiver needs no callback into us.
 */
export const WEBHOOK_ANSWERS: readonly AnswerRow[] = [
  said('gone', { kind: 'already-gone' }, 'the receiver says that the access is gone'),
  said('failed', retry('provider-error', true), 'the receiver says it failed'),
  said('pending', retry('unverified', true), 'the receiver is still at it'),
  said('active', retry('unverified', true), 'the receiver says that the access is active'),
  said(UNKNOWN, retry('unverified', true), 'the receiver says something else than that it did it'),
  row(202, retry('unverified', true), 'accepted for later: asked again until done'),
  row('2xx', { kind: 'revoked' }, 'the receiver acknowledged'),
  row(401, { kind: 'connector-broken', code: 'signature-refused' }, 'the receiver refuses our signature'),
  row(403, { kind: 'connector-broken', code: 'signature-refused' }, 'the receiver refuses our signature'),
  // A receiver may say so of what it does not know: nothing is said about other targets.
  row(404, { kind: 'permanent', reason: UNKNOWN_HERE }, UNKNOWN_HERE),
  row(405, { kind: 'connector-broken', code: 'endpoint-not-found' }, 'the URL takes no POST'),
  // Standard Webhooks: 410 asks the sender to disable the endpoint.
  row(410, { kind: 'connector-broken', code: 'endpoint-disabled' }, 'the receiver asks not to be called any more'),
  ...HTTP_ROWS,
];

function said(word: string, means: AnswerRow['means'], conclusion: string): AnswerRow {
  return { status: '2xx', word, means, conclusion };
}

interface WebhookSettings {
  readonly url: string;
  readonly statusUrl?: string;
  readonly includeFingerprint?: boolean;
  readonly verifyAfterMs?: number;
}

const RULES = { url: required(url), statusUrl: url, includeFingerprint: flag, verifyAfterMs: milliseconds };
const VERIFY_AFTER_MS = 1_000;

export class Webhook implements Connector {
  readonly version = 1;

  constructor(
    readonly name: string = 'webhook',
    readonly scope: RevocationScope = 'token',
  ) {}

  checkSettings(settings: Readonly<Record<string, unknown>>): string[] {
    return problemsOf(settings, RULES);
  }

  async revoke(request: ConnectorRequest, context: ConnectorContext): Promise<Outcome> {
    const settings = settingsOf(request.provider);
    const call: CallIdentity = { connector: this, method: 'POST', url: settings.url };
    const post = this.signed('access.revoke', idOf(request), request, context);
    if (post === undefined) return this.unsigned();
    const result = await context.http.request({ ...post, url: settings.url });
    return outcomeOf(call, result, WEBHOOK_ANSWERS, statusWord, context.now());
  }

  async probe(request: ConnectorRequest, context: ConnectorContext): Promise<ProbeOutcome> {
    const { statusUrl } = settingsOf(request.provider);
    // An id of its own for each probe, or the receiver would take it for a repetition.
    const post = this.signed('access.status', `status_${request.target.targetId}_${request.attempt}`, request, context);
    if (statusUrl === undefined || post === undefined) {
      return { kind: 'no-answer', evidence: evidenceWithoutCall(this, 'no status URL or no signing secret is set') };
    }
    const call: CallIdentity = { connector: this, method: 'POST', url: statusUrl };
    const result = await context.http.request({ ...post, url: statusUrl });
    const status = result.kind === 'answer' && result.status === 200 ? statusWord(result.bodyText) : undefined;
    if (result.kind !== 'answer' || (status !== 'gone' && status !== 'active'))
      return noAnswer(call, result, context.now());
    return status === 'gone'
      ? { kind: 'dead', evidence: evidenceOf(call, 'the status says that the access is gone', result) }
      : { kind: 'alive', evidence: evidenceOf(call, 'the status says that the access is active', result) };
  }

  verifyAfterMs({ provider }: ConnectorRequest): number | undefined {
    const settings = settingsOf(provider);
    return settings.statusUrl === undefined ? undefined : (settings.verifyAfterMs ?? VERIFY_AFTER_MS);
  }

  private unsigned(): Outcome {
    const evidence = evidenceWithoutCall(
      this,
      'nothing was sent: the provider has no usable signing secret (whsec_...)',
    );
    return { kind: 'connector-broken', code: 'no-signing-secret', evidence };
  }

  private signed(type: string, id: string, request: ConnectorRequest, context: ConnectorContext) {
    const signer = signerOf(request.provider.secret);
    if (signer === undefined) return undefined;
    const body = payload(type, request);
    const at = new Date(context.now());
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signer.sign(id, at, body),
    };
    return { tenant: request.tenant, method: 'POST', headers, body, signal: context.signal } as const;
  }
}

/**
 * The receiver's idempotency key: the same for all attempts until it says yes, and another one after a yes that turned out
 * to be wrong, or a receiver that drops what it has seen would never do it.
 */
const idOf = ({ target, refuted }: ConnectorRequest): string =>
  `revoke_${target.targetId}${refuted === 0 ? '' : `_${refuted}`}`;

function signerOf(secret: string | undefined): Signer | undefined {
  if (secret === undefined) return undefined;
  try {
    return new Signer(secret);
  } catch {
    return undefined;
  }
}

/** The same bytes at every attempt. Ids and the registered reference only; never the token itself. */
function payload(type: string, { tenant, target, reference, secret, provider }: ConnectorRequest): string {
  const { targetId, holdingType, holdingId, kind, userId, agentId, providerId } = target;
  const fingerprint =
    settingsOf(provider).includeFingerprint === true && secret !== undefined
      ? { secretSha256: hash('sha256', secret, 'hex') }
      : {};
  const holder = { ...(userId === undefined ? {} : { userId }), ...(agentId === undefined ? {} : { agentId }) };
  const ids = { tenant, targetId, holdingType, holdingId, kind, providerId, ...holder };
  return JSON.stringify({ type, data: { ...ids, reference, ...fingerprint } });
}

function settingsOf(provider: ProviderInstance): WebhookSettings {
  return provider.settings as unknown as WebhookSettings;
}

/**
 * The `status` of the receiver's answer in lower case, `unknown` when it is none of {@link WORDS}; undefined when it says
 * nothing. A page is unknown too: a receiver sends none, but whatever stands in front of it and asks for a login does.
 */
function statusWord(body: string): string | undefined {
  if (body.trimStart().startsWith('<')) return UNKNOWN;
  const status = jsonObject(body)?.['status'];
  if (status === undefined) return undefined;
  const word = typeof status === 'string' ? status.toLowerCase() : UNKNOWN;
  return WORDS.has(word) ? word : UNKNOWN;
}

// Calls an authorization server as its client: RFC 6749 client authentication around a form with one token.
import type { CredentialKind } from '@app/events';
import { milliseconds, oneOf, problemsOf, required, text, url } from './settings-check.js';

export interface OAuthSettings {
  readonly issuer?: string;
  readonly revocationEndpoint?: string;
  readonly introspectionEndpoint?: string;
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'none';
  readonly clientId: string;
  readonly verifyAfterMs?: number;
}

const RULES = {
  issuer: url,
  revocationEndpoint: url,
  introspectionEndpoint: url,
  authMethod: oneOf('client_secret_basic', 'client_secret_post', 'none'),
  clientId: required(text),
  verifyAfterMs: milliseconds,
};

/** Either the issuer is given and its metadata names the endpoints, or the endpoints are given outright. */
export function oauthProblems(settings: Readonly<Record<string, unknown>>): string[] {
  const problems = problemsOf(settings, RULES);
  if (settings['issuer'] === undefined && settings['revocationEndpoint'] === undefined) {
    problems.push('issuer or revocationEndpoint is missing: give the issuer to use its metadata (RFC 8414).');
  }
  return problems;
}

/** Settings that `oauthProblems` has passed. */
export function oauthSettings(settings: Readonly<Record<string, unknown>>): OAuthSettings {
  return settings as unknown as OAuthSettings;
}

export interface FormCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The form that names a token (RFC 7009 section 2.1, RFC 7662 section 2.1), authenticated by `client_secret_basic`
 * unless the settings say otherwise. The answer holds secrets: send it, never keep it.
 */
export function tokenForm(
  settings: OAuthSettings,
  clientSecret: string | undefined,
  token: string,
  hint: string | undefined,
): FormCall {
  const form = new URLSearchParams({ token });
  if (hint !== undefined) form.set('token_type_hint', hint);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  const method = settings.authMethod ?? 'client_secret_basic';
  if (method === 'client_secret_basic') {
    headers['authorization'] = basic(settings.clientId, clientSecret ?? '');
  } else {
    form.set('client_id', settings.clientId);
    if (method === 'client_secret_post') form.set('client_secret', clientSecret ?? '');
  }
  return { headers, body: form.toString() };
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded first, so that a colon in either stays readable. */
function basic(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')}`;
}

const formEncode = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2);

/** RFC 7009 section 2.1; other kinds of credential have no hint in the registry. */
export function tokenTypeHint(kind: CredentialKind | 'schedule' | 'run'): string | undefined {
  if (kind === 'oauth_refresh_token') return 'refresh_token';
  return kind === 'oauth_access_token' ? 'access_token' : undefined;
}

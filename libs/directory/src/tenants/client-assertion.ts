// Reads the signed statement a client authenticates with (RFC 7523 section 3) and checks what it says. Pure.
import type { SigningAlgorithm } from './client-key.js';

/** ms that a statement may be valid from now on. */
const LONGEST_LIFE_MS = 300_000;
/** ms by which a client's clock may be ahead of ours. */
const CLOCK_SKEW_MS = 30_000;
const LONGEST = 8_192;
const JTI = /^[\x21-\x7e]{1,256}$/;

export interface Assertion {
  /** What is signed, and with what. */
  readonly signed: string;
  readonly signature: Buffer;
  readonly algorithm: SigningAlgorithm;
  readonly claims: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

/** undefined when it is no JWT, is signed in a way that is not taken, or asks for what is not understood. */
export function readAssertion(text: string): Assertion | undefined {
  const [header, payload, signature, ...rest] = text.length > LONGEST ? [] : text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const { alg, crit } = objectIn(header) ?? {};
  const claims = objectIn(payload);
  if ((alg !== 'ES256' && alg !== 'RS256' && alg !== 'EdDSA') || crit !== undefined || claims === undefined) {
    return undefined;
  }
  const signed = `${header}.${payload}`;
  return { signed, signature: Buffer.from(signature, 'base64url'), algorithm: alg, claims };
}

function objectIn(part: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** Whom the statement is about; undefined unless the client speaks of itself. */
export function clientOf({ claims: { iss, sub } }: Assertion): string | undefined {
  return typeof sub === 'string' && sub === iss ? sub : undefined;
}

export interface Accepted {
  readonly jti: string;
  /** ms */
  readonly expiresAt: number;
}

/**
 * Whether what is signed is meant for `audience`, now and once.
 * @returns undefined when it is not
 */
export function accept({ claims }: Assertion, audience: string, now: number): Accepted | undefined {
  const { aud, exp, nbf, jti } = claims;
  const isForUs = Array.isArray(aud) ? aud.includes(audience) : aud === audience;
  if (!isForUs || typeof exp !== 'number' || typeof jti !== 'string' || !JTI.test(jti)) return undefined;
  const expiresAt = exp * 1_000;
  if (!(expiresAt > now && expiresAt <= now + LONGEST_LIFE_MS)) return undefined;
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf * 1_000 <= now + CLOCK_SKEW_MS)) return undefined;
  return { jti, expiresAt };
}

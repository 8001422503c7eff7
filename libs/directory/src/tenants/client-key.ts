// The public keys that clients sign with instead of showing a token: which are taken, and what a signature proves.
import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { InvalidClientKey } from '../directory.errors.js';

export type SigningAlgorithm = 'ES256' | 'RS256' | 'EdDSA';

/** As it is recorded: without anything that is not needed to verify. */
export interface ClientKey {
  readonly algorithm: SigningAlgorithm;
  readonly jwk: Readonly<Record<string, string>>;
}

/** The members of a public JWK of each kind (RFC 7518 section 6, RFC 8037 section 2). */
const kinds = {
  EC: { algorithm: 'ES256', crv: 'P-256', members: ['kty', 'crv', 'x', 'y'] },
  RSA: { algorithm: 'RS256', crv: undefined, members: ['kty', 'n', 'e'] },
  OKP: { algorithm: 'EdDSA', crv: 'Ed25519', members: ['kty', 'crv', 'x'] },
} as const;

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const RSA_BITS = { least: 2_048, most: 8_192 };

/** @throws InvalidClientKey with a sentence that says what is taken, and never a part of the key */
export function clientKeyOf(given: Readonly<Record<string, unknown>>): ClientKey {
  if (PRIVATE.some((member) => Object.hasOwn(given, member))) {
    throw new InvalidClientKey('This is a private key: keep it, make a new pair, and register the public key.');
  }
  const { kty, crv } = given;
  const kind = typeof kty === 'string' && Object.hasOwn(kinds, kty) ? kinds[kty as keyof typeof kinds] : undefined;
  if (kind === undefined || (kind.crv !== undefined && kind.crv !== crv)) {
    throw new InvalidClientKey('Keys are EC on P-256 (ES256), RSA (RS256) or OKP on Ed25519 (EdDSA).');
  }
  const jwk = Object.fromEntries(kind.members.map((member) => [member, String(given[member] ?? '')]));
  const bits = keyOf(jwk).asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < RSA_BITS.least || bits > RSA_BITS.most)) {
    throw new InvalidClientKey(`An RSA key has from ${RSA_BITS.least} to ${RSA_BITS.most} bits.`);
  }
  return { algorithm: kind.algorithm, jwk };
}

function keyOf(jwk: ClientKey['jwk']): KeyObject {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw new InvalidClientKey('This is not a complete public key as a JWK (RFC 7517).');
  }
}

export function isSignedBy({ algorithm, jwk }: ClientKey, signed: string, signature: Buffer): boolean {
  const key = keyOf(jwk);
  const data = Buffer.from(signed);
  if (algorithm === 'EdDSA') return verify(null, data, key, signature);
  return verify('sha256', data, algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key, signature);
}

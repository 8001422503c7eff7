// The cryptography of the vault: keys derived from the root key, and AES-256-GCM bound to where a value belongs.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomFillSync,
  type KeyObject,
} from 'node:crypto';

export const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1.';

/** A stored value does not open under its key and context: it was changed, or moved from where it belongs. */
export class BrokenSealError extends Error {
  override readonly name = 'BrokenSealError';

  constructor() {
    super(
      'A stored value does not open: it was changed, or it belongs to another tenant, subject, field or event type',
    );
  }
}

/** What the root key is used for; each use has a key of its own (HKDF-SHA-256, RFC 5869). */
export interface DerivedKeys {
  /** Wraps the keys of single values. 2^32 random nonces are safe under one key: more than there will be values. */
  readonly wrapping: KeyObject;
  readonly fingerprints: KeyObject;
  /** Stored in the clear to recognise the root key; tells nothing about the others. */
  readonly check: Buffer;
}

/** @throws if the root key does not have 32 bytes */
export function deriveKeys(rootKey: Buffer): DerivedKeys {
  if (rootKey.length !== KEY_BYTES) throw new Error(`The root key of the vault must have ${KEY_BYTES} bytes`);
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', rootKey, '', `scim-cascade vault v1 ${use}`, KEY_BYTES));
  return {
    wrapping: createSecretKey(derive('wrapping')),
    fingerprints: createSecretKey(derive('fingerprints')),
    check: derive('check'),
  };
}

// Fetched from the system in advance: piece by piece costs more than the encryption.
const random = Buffer.alloc(16 * 1024);
let randomUsed = random.length;

/** Random bytes that nobody else gets; to be used at once, because they are overwritten later. */
function randomPiece(length: number): Buffer {
  if (randomUsed + length > random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  randomUsed += length;
  return random.subarray(randomUsed - length, randomUsed);
}

/** What a value is bound to, as one text: an array in JSON has one reading only, whatever its parts contain. */
export const boundTo = (...parts: readonly string[]): string => JSON.stringify(parts);

/** A random key and its wrapped form, which only opens with the same `context`. */
export function newWrappedKey(wrapping: KeyObject, context: string): { key: KeyObject; wrapped: string } {
  const piece = randomPiece(KEY_BYTES);
  const bytes = Buffer.from(piece);
  piece.fill(0);
  return { key: createSecretKey(bytes), wrapped: encrypt(wrapping, context, bytes) };
}

/** @throws {BrokenSealError} */
export const unwrapKey = (wrapping: KeyObject, context: string, wrapped: string): KeyObject =>
  createSecretKey(decrypt(wrapping, context, wrapped));

/** `v1.` and base64url of nonce, ciphertext and tag. `context` must be given again to open it. */
export function encrypt(key: KeyObject, context: string, plaintext: string | Buffer): string {
  const iv = randomPiece(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
  const body = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  return VERSION + Buffer.concat([iv, body, cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** @throws {BrokenSealError} */
export function decrypt(key: KeyObject, context: string, sealed: string): Buffer {
  const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
  if (!sealed.startsWith(VERSION) || bytes.length < IV_BYTES + TAG_BYTES) throw new BrokenSealError();
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new BrokenSealError();
  }
}

const FINGERPRINT_CHARACTERS = 22;

/** HMAC-SHA-256, shortened to 132 bits in base64url. */
export const digest = (key: KeyObject, value: string): string =>
  createHmac('sha256', key).update(value).digest('base64url').slice(0, FINGERPRINT_CHARACTERS);

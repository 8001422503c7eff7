// The vault: the only place with plaintext. Secrets are stored under envelope encryption, everything else keeps ids.
import type { BrokenSealError } from './envelope.js';

export interface StoredSecret {
  readonly secretId: string;
  /** `fingerprint(tenant, SECRET_PURPOSE, plaintext)`: recognises the same secret within one tenant. */
  readonly fingerprint: string;
}

/** What a sealed value is bound to (the AAD): moving it to another tenant, subject, field or event type breaks it. */
export interface SealContext {
  readonly tenant: string;
  readonly subject: string;
  readonly field: string;
  readonly eventType: string;
}

/** The purpose under which stored secrets are fingerprinted. */
export const SECRET_PURPOSE = 'secret';

/** Vault port. AES-256-GCM throughout; the root key comes from configuration and is never stored. */
export abstract class Vault {
  /** Stores a secret durably before it resolves. */
  abstract putSecret(tenant: string, plaintext: string): Promise<StoredSecret>;

  /**
   * The plaintext, or undefined when it was destroyed or belongs to another tenant.
   * @throws {BrokenSealError} when what is stored does not open
   */
  abstract openSecret(tenant: string, secretId: string): Promise<string | undefined>;

  /**
   * Opens many at once; destroyed and foreign ids are missing from the answer. One that does not open is answered by its
   * error, so that it holds up none of the others.
   */
  abstract openSecrets(tenant: string, secretIds: readonly string[]): Promise<Map<string, string | BrokenSealError>>;

  /** Destroys the material for good. Idempotent. */
  abstract destroySecrets(tenant: string, secretIds: readonly string[]): Promise<void>;

  /**
   * Keeps a secret of the service itself under a name, durably. The first that is kept under it stays, whichever process
   * it came from.
   */
  abstract keepOwnSecret(name: string, plaintext: string): Promise<void>;

  /** What is kept under the name; undefined before {@link keepOwnSecret}. */
  abstract ownSecret(name: string): Promise<string | undefined>;

  /** A fresh data key that is already durable; the event that first uses it records its id. */
  abstract newDataKey(): Promise<string>;

  /** Encrypts under a data key. @throws if the key was erased. */
  abstract seal(dataKeyId: string, context: SealContext, plaintext: string): Promise<string>;

  /** The plaintext, or undefined when the data key was erased. @throws if the value was tampered with. */
  abstract open(dataKeyId: string, context: SealContext, sealed: string): Promise<string | undefined>;

  /** Crypto-shredding: everything sealed under this key is unreadable from here on. */
  abstract eraseDataKey(dataKeyId: string): Promise<void>;

  /**
   * Keyed digest of an identifier (userName, token): same input, same output, within one purpose and tenant.
   * HMAC-SHA-256 in base64url, 22 characters.
   */
  abstract fingerprint(tenant: string, purpose: string, value: string): string;
}

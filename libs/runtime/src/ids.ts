// Ids: random for what a client creates, derived for what follows from a fact, so that a replay makes the same ones.
import { createHash, randomUUID } from 'node:crypto';

/**
 * A random UUID (version 7, RFC 9562), never derived from what a client sends. It begins with the time, so that what is
 * made together lies together in every index.
 * @param now ms since the epoch
 */
export function newId(now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** A UUID (version 8, RFC 9562) computed from its parts: the same parts give the same id on every replay. */
export function derivedId(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

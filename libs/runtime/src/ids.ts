// Ids: random for what a client creates, derived for what follows from a fact, so that a replay makes the same ones.
import { hash, randomUUID } from 'node:crypto';

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
  const hex = hash('sha256', parts.map((part) => `${part.length}:${part}`).join(''), 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

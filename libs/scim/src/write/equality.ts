// Whether two attribute values mean the same: lists are sets, and an object's key order says nothing.
import type { ScimValue } from '../change-set.js';

/** A string that is equal for two values exactly when they mean the same. */
export function canonical(value: ScimValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
    return `{${parts.join(',')}}`;
  }
  return JSON.stringify(value) ?? '';
}

/** Compares two values; the order of a list does not matter (RFC 7643 section 2.4). */
export function sameValue(a: ScimValue | undefined, b: ScimValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return canonical(a) === canonical(b);
}

// The app roles of Entra ID: JSON inside strings, and lists of additions that stand for the whole assignment.
import type { ScimValue } from '../change-set.js';
import { isObject, parseEmbedded } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';

/** A role may be wrapped as JSON inside `value`: {"value": "{\"id\":…,\"value\":\"Admin\",\"displayName\":\"Admin\"}"}. */
export function unwrapRole(
  attribute: Attribute,
  raw: { [key: string]: ScimValue },
  tolerance: Tolerance,
): { [key: string]: ScimValue } {
  const { value } = raw;
  if (!tolerance.lenient || attribute.subAttributes.get('value')?.type !== 'string') return raw;
  const inner = typeof value === 'string' ? parseEmbedded(value) : undefined;
  if (!isObject(inner) || typeof inner.value !== 'string') return raw;
  tolerance.note('json-in-string');
  const display = inner.display ?? inner.displayName;
  return { ...(display === undefined ? {} : { display }), ...raw, value: inner.value };
}

/**
 * Whether values to add are all there shall be: Entra ID adds the whole of somebody's app roles, and never removes one.
 * It sends them as JSON inside a string, in the place of the list or of each value, or under a type of its own.
 */
export function isWholeAssignment(value: ScimValue): boolean {
  if (typeof value === 'string') return parseEmbedded(value) !== undefined;
  const elements = Array.isArray(value) ? value : [value];
  return elements.length > 0 && elements.every(isAppRole);
}

function isAppRole(element: ScimValue): boolean {
  if (!isObject(element)) return typeof element === 'string' && parseEmbedded(element) !== undefined;
  const { type, value } = element;
  if (type === 'WindowsAzureActiveDirectoryRole') return true;
  const inner = typeof value === 'string' ? parseEmbedded(value) : undefined;
  return isObject(inner) && typeof inner.value === 'string';
}

// Breaks circles of bulkId references: their resources are created first and put together afterwards (RFC 7644 section 3.7.1).
import type { ScimValue } from './change-set.js';
import { isObject } from './json-safety.js';
import { patchOpSchema } from './write/patch-request.js';

export interface Postponed {
  /** What can be created already. */
  readonly data: ScimValue;
  /** The PATCH that adds the rest; undefined when there is none. */
  readonly rest: ScimValue | undefined;
}

/**
 * Takes out of the lists of a resource, such as `members`, the elements that have to wait.
 * @returns undefined if something that has to wait stands elsewhere
 */
export function postpone(data: ScimValue | undefined, waits: (value: ScimValue) => boolean): Postponed | undefined {
  if (!isObject(data)) return undefined;
  const now: [string, ScimValue][] = [];
  const later: { op: string; path: string; value: ScimValue }[] = [];
  for (const [path, value] of Object.entries(data)) {
    if (!waits(value)) now.push([path, value]);
    else if (!Array.isArray(value)) return undefined;
    else {
      now.push([path, value.filter((element) => !waits(element))]);
      later.push({ op: 'add', path, value: value.filter(waits) });
    }
  }
  const rest = later.length === 0 ? undefined : { schemas: [patchOpSchema], Operations: later };
  return { data: Object.fromEntries(now), rest };
}

// Recognises filters that a store answers by an index lookup.
import type { Filter } from './filter.js';

/**
 * The value that `attribute` must equal for the filter to hold, if the filter says so: `userName eq "x"` alone or
 * as a term of a top-level `and`. The rest of the filter must still be evaluated on what the lookup finds.
 */
export function equalityOn(filter: Filter, attribute: string): string | undefined {
  if (filter.kind === 'and') {
    for (const term of filter.terms) {
      const value = equalityOn(term, attribute);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string') return undefined;
  const { name, sub } = filter.path;
  const written = sub === undefined || sub.toLowerCase() === 'value' ? name : `${name}.${sub}`;
  return written.toLowerCase() === attribute.toLowerCase() ? filter.value : undefined;
}

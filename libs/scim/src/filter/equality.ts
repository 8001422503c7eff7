// Recognises filters that a store answers by an index lookup.
import type { ResourceType } from '../schema/resource-type.js';
import { findAttribute } from './compile.js';
import type { AttributePath, Filter } from './filter.js';

function isNamed(path: AttributePath, attribute: string, type: ResourceType | undefined): boolean {
  if (type !== undefined) {
    const found = findAttribute(type, path);
    if (found === undefined || (found.sub !== undefined && found.sub.name !== 'value')) return false;
    return found.attribute.path.toLowerCase() === attribute.toLowerCase();
  }
  const implicit = path.sub === undefined || path.sub.toLowerCase() === 'value';
  return path.urn === undefined && implicit && path.name.toLowerCase() === attribute.toLowerCase();
}

/**
 * The value that `attribute` must equal for the filter to hold, if the filter says so: `userName eq "x"` alone or
 * as a term of a top-level `and`. The rest of the filter must still be evaluated on what the lookup finds, and the
 * lookup must ignore case where the schema does.
 * @param type resolves URN prefixes and aliases; without it only the plain name is recognised
 */
export function equalityOn(filter: Filter, attribute: string, type?: ResourceType): string | undefined {
  return splitEquality(filter, attribute, type)?.value;
}

/** Takes the term that {@link equalityOn} finds out of the filter; `rest` is what must still be evaluated. */
export function splitEquality(
  filter: Filter,
  attribute: string,
  type?: ResourceType,
): { readonly value: string; readonly rest: Filter | undefined } | undefined {
  if (filter.kind === 'and') {
    for (const [i, term] of filter.terms.entries()) {
      const found = splitEquality(term, attribute, type);
      if (found === undefined) continue;
      const terms = filter.terms.flatMap((other, j) => (i === j ? (found.rest ?? []) : other));
      return { value: found.value, rest: terms.length > 1 ? { kind: 'and', terms } : terms[0] };
    }
    return undefined;
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string') return undefined;
  return isNamed(filter.path, attribute, type) ? { value: filter.value, rest: undefined } : undefined;
}

/** Whether a filter looks at an attribute at all; its value need not be loaded otherwise. */
export function mentions(filter: Filter, attribute: string): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.some((term) => mentions(term, attribute));
    case 'not':
      return mentions(filter.filter, attribute);
    default:
      return filter.path.name.toLowerCase() === attribute.toLowerCase();
  }
}

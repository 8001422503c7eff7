// Several resource types in one order (RFC 7644 section 3.4.2.3): sorted in memory, as one type is by an attribute.
import { windowOf, type Placed } from '@app/directory';
import { ScimError, type SortKey } from '@app/scim';
import type { Body, Source } from './pages.js';

/** A resource that matches; only those of the page that was asked for are shown. */
interface Sorted extends Placed {
  readonly key: SortKey;
  body(): Body;
}

/** A resource type that may be sorted together with others. */
export interface SortableSource extends Source {
  /** Up to `limit` of those that match, the first in the order that was asked for, and how many match. */
  first(limit: number): Promise<{ readonly total: number; readonly sorted: readonly Sorted[] }>;
}

/**
 * Many resource types as one. Equals come type by type, in the order of creation.
 * @param sources at least one, all asked the same, with an order
 * @throws ScimError invalidPath if none of the types can be sorted by the attribute
 */
export function sortedTogether(sources: readonly SortableSource[]): Source {
  const { query } = sources[0] as SortableSource;
  if (!sources.some((source) => source.query.order?.applies)) {
    throw ScimError.invalidPath('"sortBy" names an attribute that no resource type can be sorted by.');
  }
  const order = (a: Sorted, b: Sorted) => query.order?.compare(a.key, b.key) ?? 0;
  return {
    name: sources.map(({ name }) => name).join(' '),
    query,
    find: async (window) => {
      // A place may have moved since its cursor was made: it is looked for in all.
      const limit = window.from === undefined ? window.offset + window.limit : Infinity;
      const found = [];
      for (const source of sources) found.push(await source.first(limit));
      const { items, ...places } = windowOf(
        found.flatMap(({ sorted }) => sorted),
        { ...window, order },
      );
      const total = found.reduce((sum, one) => sum + one.total, 0);
      return { ...places, total, resources: items.map((item) => item.body()) };
    },
  };
}

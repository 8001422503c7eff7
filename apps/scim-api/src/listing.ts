// Turns list parameters into what the directory is asked: an index first, then a predicate over what it finds.
import type { IndexedEquality, Listing } from '@app/directory';
import {
  compileFilter,
  mentions,
  splitEquality,
  type Filter,
  type ListParameters,
  type ListQuery,
  type ResourceType,
  type SortKey,
} from '@app/scim';
import type { ResourceViews } from './resource-views.js';
import type { ScimResource, Stored } from './scim-resource.js';

export interface PlannedListing<R> {
  /** Without the page that is wanted of it. */
  readonly listing: Omit<Listing<R>, 'offset' | 'limit'>;
  /** Whether the answer, the filter or the order looks at what the resources are related to. */
  readonly withRelated: boolean;
  /** What a resource is sorted by; undefined when any order will do. */
  readonly keyOf: (found: R) => SortKey;
}

interface Narrowed {
  readonly equals?: IndexedEquality;
  /** What of the filter must still be evaluated. */
  readonly rest: Filter | undefined;
}

function narrow<S extends Stored, R extends S>(
  resource: ScimResource<S, R>,
  type: ResourceType,
  filter: Filter,
): Narrowed {
  for (const [name, attribute] of Object.entries(resource.indexed)) {
    const split = splitEquality(filter, name, type);
    if (split !== undefined) return { equals: { attribute, value: split.value }, rest: split.rest };
  }
  return { rest: filter };
}

/** Plans a list whose parameters have been read. */
export function planListing<S extends Stored, R extends S>(
  resource: ScimResource<S, R>,
  views: ResourceViews<S, R>,
  query: ListQuery,
  { sortBy }: ListParameters,
): PlannedListing<R> {
  const { equals, rest } =
    query.filter === undefined ? { rest: undefined } : narrow(resource, views.type, query.filter);
  const sorted = query.order !== undefined && String(sortBy).toLowerCase().includes(views.relatedName);
  const looked = rest !== undefined && mentions(rest, views.relatedName);
  const withRelated = query.projection[resource.related] || looked || sorted;

  const { order } = query;
  const keys = new Map<R, SortKey>();
  const keyOf = (found: R): SortKey => {
    if (!keys.has(found)) keys.set(found, order?.keyOf(views.subject(found, withRelated)));
    return keys.get(found);
  };
  const test =
    rest === undefined || rest === query.filter
      ? query.matches
      : compileFilter(rest, views.type, { tolerant: query.among });
  const listing = {
    ...(equals === undefined ? {} : { equals }),
    ...(rest === undefined ? {} : { matches: (found: R) => test(views.subject(found, withRelated)) }),
    ...(order === undefined ? {} : { order: (a: R, b: R) => order.compare(keyOf(a), keyOf(b)) }),
  };
  return { listing, withRelated, keyOf };
}

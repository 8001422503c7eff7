// Orders resources by one attribute (RFC 7644 section 3.4.2.3).
import type { ScimValue } from './change-set.js';
import { attributeReader, findAttribute, type FilterSubject } from './filter/compile.js';
import type { AttributePath } from './filter/filter.js';
import { ScimError } from './errors.js';
import { foldCase } from './fold-case.js';
import { isObject } from './json-safety.js';
import { instantOf } from './schema/date-time.js';
import type { Attribute, ResourceType } from './schema/resource-type.js';

/** What a resource is sorted by; undefined: it has no value. */
export type SortKey = string | number | undefined;

/** An order of resources, also of several types. */
export interface Order {
  /** Whether the type can be sorted by the attribute; if not, its resources have no value. */
  readonly applies: boolean;
  readonly keyOf: (subject: FilterSubject) => SortKey;
  readonly compare: (a: SortKey, b: SortKey) => number;
}

/** The primary element of a list, else its first. */
function representative(value: ScimValue | undefined): ScimValue | undefined {
  if (!Array.isArray(value)) return value;
  return value.find((element) => isObject(element) && element.primary === true) ?? value[0];
}

function keyOf(attribute: Attribute, value: ScimValue | undefined): SortKey {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  if (attribute.type === 'dateTime') return instantOf(value);
  return attribute.caseExact ? value : foldCase(value);
}

/** Resources without the attribute come last in ascending order and first in descending order. */
function compareKeys(a: SortKey, b: SortKey): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  // Of two types, that describe the attribute differently.
  if (typeof a !== typeof b) return typeof a < typeof b ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Reads what resources of a type are sorted by; undefined if they cannot be sorted by the attribute. */
function compileKey(type: ResourceType, path: AttributePath): Order['keyOf'] | undefined {
  const found = findAttribute(type, path);
  const sub =
    found?.sub ?? (found?.attribute.type === 'complex' ? found.attribute.subAttributes.get('value') : undefined);
  const leaf = sub ?? found?.attribute;
  if (found === undefined || leaf === undefined || leaf.type === 'complex' || leaf.returned === 'never') {
    return undefined;
  }
  const read = attributeReader(found.attribute, type);
  return (subject) => {
    const value = representative(read(subject));
    return keyOf(leaf, sub !== undefined && isObject(value) ? representative(value[sub.name]) : value);
  };
}

/**
 * Compiles an order.
 * @param tolerant whether the attribute may be one that resources of this type do not have
 * @throws ScimError invalidPath if resources cannot be sorted by the attribute
 */
export function compileOrder(
  type: ResourceType,
  path: AttributePath,
  sortOrder: 'ascending' | 'descending',
  tolerant = false,
): Order {
  const key = compileKey(type, path);
  if (key === undefined && !tolerant) {
    throw ScimError.invalidPath('Resources cannot be sorted by the attribute in "sortBy".');
  }
  const sign = sortOrder === 'ascending' ? 1 : -1;
  return {
    applies: key !== undefined,
    keyOf: key ?? (() => undefined),
    compare: (a, b) => sign * compareKeys(a, b),
  };
}

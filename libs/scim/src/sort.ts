// Orders resources by one attribute (RFC 7644 section 3.4.2.3).
import type { ScimValue } from './change-set.js';
import { attributeReader, findAttribute, type FilterSubject } from './filter/compile.js';
import type { AttributePath } from './filter/filter.js';
import { ScimError } from './errors.js';
import { isObject } from './json-safety.js';
import { instantOf } from './schema/date-time.js';
import type { Attribute, ResourceType } from './schema/resource-type.js';

type Key = string | number | undefined;

/** The primary element of a list, else its first. */
function representative(value: ScimValue | undefined): ScimValue | undefined {
  if (!Array.isArray(value)) return value;
  return value.find((element) => isObject(element) && element.primary === true) ?? value[0];
}

function keyOf(attribute: Attribute, value: ScimValue | undefined): Key {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  if (attribute.type === 'dateTime') return instantOf(value);
  return attribute.caseExact ? value : value.toLowerCase();
}

/** Resources without the attribute come last in ascending order and first in descending order. */
function compareKeys(a: Key, b: Key): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}

/**
 * Compiles an order.
 * @throws ScimError invalidPath if resources cannot be sorted by the attribute
 */
export function compileOrder(
  type: ResourceType,
  path: AttributePath,
  sortOrder: 'ascending' | 'descending',
): (a: FilterSubject, b: FilterSubject) => number {
  const found = findAttribute(type, path);
  const sub =
    found?.sub ?? (found?.attribute.type === 'complex' ? found.attribute.subAttributes.get('value') : undefined);
  const leaf = sub ?? found?.attribute;
  if (found === undefined || leaf === undefined || leaf.type === 'complex' || leaf.returned === 'never') {
    throw ScimError.invalidPath('Resources cannot be sorted by the attribute in "sortBy".');
  }
  const read = attributeReader(found.attribute, type);
  const key = (subject: FilterSubject): Key => {
    const value = representative(read(subject));
    return keyOf(leaf, sub !== undefined && isObject(value) ? value[sub.name] : value);
  };
  const sign = sortOrder === 'ascending' ? 1 : -1;
  return (a, b) => sign * compareKeys(key(a), key(b));
}

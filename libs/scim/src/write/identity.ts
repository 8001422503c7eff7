// Which elements of a multi-valued attribute are the same one.
import type { ScimValue } from '../change-set.js';
import { isObject } from '../json-safety.js';
import type { Attribute } from '../schema/resource-type.js';
import { canonical } from './equality.js';

/** What makes two elements the same: value and type (RFC 7643 section 2.4), or all but `primary` if there is no value. */
export function identity(attribute: Attribute, element: ScimValue): string {
  if (!isObject(element)) return canonical(folded(attribute, element));
  if (element.value === undefined) {
    const { primary: _, ...rest } = element;
    return canonical(rest);
  }
  return canonical([
    ['value', folded(attribute.subAttributes.get('value'), element.value) ?? null],
    ['type', lowerCased(element.type) ?? null],
  ]);
}

export const lowerCased = (value: ScimValue | undefined): ScimValue | undefined =>
  typeof value === 'string' ? value.toLowerCase() : value;

export const folded = (attribute: Attribute | undefined, value: ScimValue | undefined): ScimValue | undefined =>
  attribute?.caseExact === true ? value : lowerCased(value);

/** Of elements that are the same the first, with what the others say besides: no value and type twice (RFC 7643 section 2.4). */
export function distinct(attribute: Attribute, elements: ScimValue[]): ScimValue[] {
  if (elements.length < 2) return elements;
  const found = new Map<string, ScimValue>();
  for (const element of elements) {
    const key = identity(attribute, element);
    const first = found.get(key);
    found.set(key, isObject(first) && isObject(element) ? { ...element, ...first } : (first ?? element));
  }
  return found.size === elements.length ? elements : [...found.values()];
}

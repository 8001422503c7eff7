// PATCH operations on one sub-attribute, such as `name.givenName` or `emails[type eq "work"].value`.
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { isObject } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';
import { addElements, removeDescribed } from './elements.js';
import type { PatchOperation } from './patch-request.js';
import { readElements, readSub } from './value.js';

/** What an operation makes of one sub-attribute of an element: a list is added to and taken from, anything else is set. */
export function changeOfSub(
  op: PatchOperation['op'],
  attribute: Attribute,
  sub: Attribute,
  value: ScimValue | undefined,
  tolerance: Tolerance,
): (element: ScimValue) => ScimValue | undefined {
  if (op === 'remove' && (value === undefined || value === null || !sub.multiValued)) return () => undefined;
  if (op === 'replace' || !sub.multiValued) {
    const next = readSub(attribute, sub, value as ScimValue, tolerance);
    return () => next;
  }
  const listOf = (element: ScimValue) => ((isObject(element) ? element[sub.name] : undefined) ?? []) as ScimValue[];
  if (op === 'add') {
    // One value to add may stand alone (RFC 7644 section 3.5.2.1).
    const incoming = readElements(sub, Array.isArray(value) ? value : [value as ScimValue], tolerance);
    return (element) => nonEmpty(addElements(sub, listOf(element), incoming));
  }
  tolerance.tolerate('value-array-removal', () => ScimError.invalidSyntax('"remove" takes no "value".'));
  const described = readElements(sub, value as ScimValue, tolerance);
  return (element) => nonEmpty(removeDescribed(sub, listOf(element), described).elements);
}

const nonEmpty = (list: readonly ScimValue[]): ScimValue | undefined => (list.length === 0 ? undefined : [...list]);

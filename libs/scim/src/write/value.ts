// Reads a JSON value as the schema's type: coerces what clients are known to send, refuses the rest.
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { isObject, parseEmbedded } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import { instantOf } from '../schema/date-time.js';
import type { Attribute } from '../schema/resource-type.js';
import { unwrapRole } from './app-roles.js';
import { distinct } from './identity.js';

const anyBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const wrongType = (attribute: Attribute): ScimError =>
  ScimError.invalidValue(`${attribute.path} must be ${attribute.multiValued ? 'a list of ' : ''}${attribute.type}.`);

function readBoolean(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): boolean {
  if (typeof raw === 'boolean') return raw;
  const text = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (text !== 'true' && text !== 'false') throw wrongType(attribute);
  tolerance.tolerate('boolean-as-string', () => wrongType(attribute));
  return text === 'true';
}

function readNumber(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): number {
  let value = raw;
  if (typeof raw === 'string' && raw.trim() !== '') {
    tolerance.tolerate('number-as-string', () => wrongType(attribute));
    value = Number(raw);
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(attribute);
  if (attribute.type === 'integer' && !Number.isSafeInteger(value)) throw wrongType(attribute);
  return value;
}

function readText(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw !== 'number' && typeof raw !== 'boolean') throw wrongType(attribute);
  tolerance.tolerate('number-for-string', () => wrongType(attribute));
  return String(raw);
}

function readSimple(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): ScimValue {
  switch (attribute.type) {
    case 'boolean':
      return readBoolean(attribute, raw, tolerance);
    case 'integer':
    case 'decimal':
      return readNumber(attribute, raw, tolerance);
    case 'dateTime':
      if (typeof raw !== 'string' || Number.isNaN(instantOf(raw))) throw wrongType(attribute);
      return raw;
    case 'binary':
      if (typeof raw !== 'string' || !anyBase64.test(raw)) throw wrongType(attribute);
      if (!base64.test(raw)) tolerance.tolerate('base64url', () => wrongType(attribute));
      return raw;
    default:
      return readText(attribute, raw, tolerance);
  }
}

/** Reads the sub-attributes of one complex value; undefined if nothing of it remains. */
function readObject(
  attribute: Attribute,
  raw: { [key: string]: ScimValue },
  tolerance: Tolerance,
): ScimValue | undefined {
  const result: { [key: string]: ScimValue } = {};
  let empty = true;
  for (const key of Object.keys(raw)) {
    const sub = attribute.subAttributes.get(key);
    if (sub === undefined) {
      tolerance.tolerate('unknown-attribute', () =>
        ScimError.invalidSyntax(`${attribute.path} has no such sub-attribute.`),
      );
      continue;
    }
    if (sub.mutability === 'readOnly') continue;
    const value = readValue(sub, raw[key] as ScimValue, tolerance);
    if (value === undefined) continue;
    result[sub.name] = value;
    empty = false;
  }
  return empty ? undefined : result;
}

function readComplex(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): ScimValue | undefined {
  if (isObject(raw)) {
    const read = readObject(attribute, unwrapRole(attribute, raw, tolerance), tolerance);
    return isEmptyReference(attribute, read) ? readComplex(attribute, '', tolerance) : read;
  }
  if (typeof raw !== 'string' || !attribute.subAttributes.get('value')) throw wrongType(attribute);
  if (raw === '') {
    tolerance.tolerate('empty-string-clears', () => wrongType(attribute));
    return undefined;
  }
  const embedded = parseEmbedded(raw);
  if (isObject(embedded)) {
    tolerance.tolerate('json-in-string', () => wrongType(attribute));
    return readComplex(attribute, embedded, tolerance);
  }
  tolerance.tolerate('string-for-complex', () => wrongType(attribute));
  return readObject(attribute, { value: raw }, tolerance);
}

/** `{"value": ""}`, where the id of somebody belongs. */
export const isEmptyReference = (attribute: Attribute, read: ScimValue | undefined): boolean =>
  isObject(read) && read.value === '' && attribute.subAttributes.get('$ref') !== undefined;

/** Reads what is written to one sub-attribute, such as `roles[primary eq "True"].value`. */
export function readSub(
  attribute: Attribute,
  sub: Attribute,
  raw: ScimValue,
  tolerance: Tolerance,
): ScimValue | undefined {
  if (sub.name !== 'value') return readValue(sub, raw, tolerance);
  const value = readValue(sub, unwrapRole(attribute, { value: raw }, tolerance).value as ScimValue, tolerance);
  if (value === undefined || !isEmptyReference(attribute, { value })) return value;
  tolerance.tolerate('empty-string-clears', () => wrongType(sub));
  return undefined;
}

function readSingle(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): ScimValue | undefined {
  let value = raw;
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined;
    if (value.length > 1) throw ScimError.invalidValue(`${attribute.path} takes one value.`);
    tolerance.tolerate('one-element-array', () =>
      ScimError.invalidValue(`${attribute.path} takes one value, not a list.`),
    );
    value = value[0] as ScimValue;
  }
  if (value === null) return undefined;
  return attribute.type === 'complex'
    ? readComplex(attribute, value, tolerance)
    : readSimple(attribute, value, tolerance);
}

/** The elements of a list as sent: an object or a JSON string counts as a list in the lenient dialect. */
export function elementsOf(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): readonly ScimValue[] {
  if (raw === null) return [];
  if (Array.isArray(raw)) return raw;
  if (typeof raw === 'string' && attribute.type === 'complex') {
    const embedded = parseEmbedded(raw);
    if (embedded !== undefined) {
      tolerance.tolerate('json-in-string', () => wrongType(attribute));
      return Array.isArray(embedded) ? embedded : [embedded];
    }
    if (raw === '') {
      tolerance.tolerate('empty-string-clears', () => wrongType(attribute));
      return [];
    }
  }
  tolerance.tolerate('object-for-list', () => wrongType(attribute));
  return [raw];
}

/** Reads the elements of a multi-valued attribute, each once and with at most one primary. */
export function readElements(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): ScimValue[] {
  const elements: ScimValue[] = [];
  let primary = false;
  for (const item of elementsOf(attribute, raw, tolerance)) {
    const value = readSingle(attribute, item, tolerance);
    if (value === undefined) continue;
    if (isObject(value) && value.primary === true) {
      if (primary) {
        tolerance.tolerate('several-primary', () =>
          ScimError.invalidValue(`${attribute.path} has more than one primary value.`),
        );
        value.primary = false;
      }
      primary = true;
    }
    elements.push(value);
  }
  return distinct(attribute, elements);
}

/** Reads one attribute; undefined means unassigned: null, an empty list and an absent value are the same (RFC 7643 section 2.5). */
export function readValue(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): ScimValue | undefined {
  if (!attribute.multiValued) return readSingle(attribute, raw, tolerance);
  const elements = readElements(attribute, raw, tolerance);
  return elements.length === 0 ? undefined : elements;
}

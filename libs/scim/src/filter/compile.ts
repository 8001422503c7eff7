// Compiles a filter into a function over resources: names are resolved and literals converted once, not per resource.
import type { MemberSet, ScimAttributes, ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { isObject } from '../json-safety.js';
import type { Attribute, Attributes, ResourceType } from '../schema/resource-type.js';
import { compileComparison, type ValueTest } from './comparison.js';
import type { AttributePath, Filter } from './filter.js';

/** What a filter looks at. Parts that the filter does not mention may be left out. */
export interface FilterSubject {
  readonly id?: string;
  readonly attributes: ScimAttributes;
  readonly members?: MemberSet;
  /** The same members as they are answered, for filters that look at more of them than their ids. */
  readonly memberRefs?: () => ScimValue[];
  readonly groups?: readonly ScimValue[];
  readonly meta?: { readonly [key: string]: ScimValue | undefined };
}

export interface FilterOptions {
  /** Whether an attribute that the type does not have has no value, rather than being refused. */
  readonly tolerant?: boolean;
  /** Whether a boolean in quotes, as Entra ID sends it, is refused. */
  readonly strict?: boolean;
}

type Test<T> = (subject: T) => boolean;

/** Finds an attribute and its value within a subject. */
interface Scope<T> {
  resolve(path: AttributePath): {
    attribute: Attribute;
    sub: Attribute | undefined;
    read: (subject: T) => ScimValue | undefined;
  };
  /** Whether the path names nothing and that counts as having no value; by default it is refused. */
  lacks?(path: AttributePath): boolean;
  /** Whether booleans in quotes are refused. */
  readonly strict?: boolean;
  /** A faster test for a comparison or value path, where the scope has an index. */
  indexed?(attribute: Attribute, filter: Filter): Test<T> | undefined;
}

const unknown = (): ScimError =>
  ScimError.invalidFilter('The filter names an attribute that the schema does not have.');

/** `members` and `members.value` mean the same: the implicit sub-attribute `value`. */
function leaf(attribute: Attribute, sub: Attribute | undefined): Attribute {
  if (sub !== undefined || attribute.type !== 'complex') return sub ?? attribute;
  const value = attribute.subAttributes.get('value');
  if (value === undefined)
    throw ScimError.invalidFilter(`${attribute.path} is complex; name one of its sub-attributes.`);
  return value;
}

const isPresent: ValueTest = (value) => {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
};

/** Applies a test to a value or to each element of a list, on the named sub-attribute if there is one. */
function onElements(value: ScimValue | undefined, sub: string | undefined, test: ValueTest): boolean {
  if (Array.isArray(value)) {
    for (const element of value) if (onElements(element, sub, test)) return true;
    return false;
  }
  if (sub === undefined) return test(value);
  // A sub-attribute may be a list as well.
  return onElements(isObject(value) ? value[sub] : undefined, undefined, test);
}

function compileComparisonTerm<T>(filter: Filter & { kind: 'compare' }, scope: Scope<T>): Test<T> {
  // `ne` is the negation of `eq`: it holds where the attribute is absent, and for a list when no element equals.
  if (filter.operator === 'ne') {
    const equal = compileComparisonTerm({ ...filter, operator: 'eq' }, scope);
    return (subject) => !equal(subject);
  }
  if (scope.lacks?.(filter.path)) return () => filter.operator === 'eq' && filter.value === null;
  const { attribute, sub, read } = scope.resolve(filter.path);
  const fast = scope.indexed?.(attribute, filter);
  if (fast !== undefined) return fast;
  const target = leaf(attribute, sub);
  const name = target === attribute ? undefined : target.name;
  const test = compileComparison(target, filter.operator, filter.value, scope.strict);
  if (filter.value === null) return (subject) => !onElements(read(subject), name, isPresent);
  return (subject) => onElements(read(subject), name, test);
}

function compile<T>(filter: Filter, scope: Scope<T>): Test<T> {
  switch (filter.kind) {
    case 'compare':
      return compileComparisonTerm(filter, scope);
    case 'present': {
      if (scope.lacks?.(filter.path)) return () => false;
      const { attribute, sub, read } = scope.resolve(filter.path);
      return scope.indexed?.(attribute, filter) ?? ((subject) => onElements(read(subject), sub?.name, isPresent));
    }
    case 'not': {
      const test = compile(filter.filter, scope);
      return (subject) => !test(subject);
    }
    case 'and': {
      const tests = filter.terms.map((term) => compile(term, scope));
      return (subject) => tests.every((test) => test(subject));
    }
    case 'or': {
      const tests = filter.terms.map((term) => compile(term, scope));
      return (subject) => tests.some((test) => test(subject));
    }
    case 'valuePath': {
      if (scope.lacks?.(filter.path)) return () => false;
      const { attribute, sub, read } = scope.resolve(filter.path);
      if (sub !== undefined)
        throw ScimError.invalidFilter('A value path selects elements of an attribute, not of a sub-attribute.');
      const fast = scope.indexed?.(attribute, filter);
      if (fast !== undefined) return fast;
      const test = compileElementFilter(filter.filter, attribute, scope.strict);
      return (subject) => onElements(read(subject), undefined, (element) => element !== undefined && test(element));
    }
  }
}

/**
 * Compiles the filter inside `attribute[…]` into a test on one element.
 * @throws ScimError invalidFilter
 */
export function compileElementFilter(filter: Filter, attribute: Attribute, strict = false): Test<ScimValue> {
  return compile<ScimValue>(filter, {
    strict,
    resolve(path) {
      if (path.urn !== undefined || path.sub !== undefined) throw unknown();
      if (attribute.type !== 'complex') {
        if (path.name.toLowerCase() !== 'value') throw unknown();
        return { attribute: { ...attribute, multiValued: false }, sub: undefined, read: (element) => element };
      }
      const sub = attribute.subAttributes.get(path.name);
      if (sub === undefined) throw unknown();
      const read = (element: ScimValue) =>
        typeof element === 'object' && element !== null
          ? (element as { [key: string]: ScimValue })[sub.name]
          : undefined;
      return { attribute: sub, sub: undefined, read };
    },
  });
}

/** Compiles the way from a resource to the value of one attribute. */
export function attributeReader(
  attribute: Attribute,
  type: ResourceType,
): (subject: FilterSubject) => ScimValue | undefined {
  const { name, urn } = attribute;
  if (urn !== undefined) {
    return (subject) => (subject.attributes[urn] as { [key: string]: ScimValue } | undefined)?.[name];
  }
  if (attribute === type.members) return ({ memberRefs, members }) => memberRefs?.() ?? memberValues(members);
  if (name === 'id') return (subject) => subject.id;
  if (name === 'meta') return (subject) => (subject.meta ?? {}) as { [key: string]: ScimValue };
  if (name === 'groups') {
    return (subject) => (subject.groups as ScimValue[] | undefined) ?? subject.attributes.groups;
  }
  if (name === 'schemas') {
    const all = [type.schema.id, ...type.extensions.map((extension) => extension.urn)];
    return (subject) => all.filter((schema, index) => index === 0 || subject.attributes[schema] !== undefined);
  }
  return (subject) => subject.attributes[name];
}

const memberValues = (members: MemberSet | undefined): ScimValue[] =>
  members === undefined ? [] : Array.from(members.ids(), (value) => ({ value }));

/** Membership tests go to the member set's index, never through its elements. */
function memberIndex(type: ResourceType, attribute: Attribute, filter: Filter): Test<FilterSubject> | undefined {
  if (attribute !== type.members) return undefined;
  if (filter.kind === 'present' && (filter.path.sub ?? 'value').toLowerCase() === 'value') {
    return (subject) => (subject.members?.size ?? 0) > 0;
  }
  const inner = filter.kind === 'valuePath' ? filter.filter : filter;
  if (inner.kind !== 'compare' || inner.operator !== 'eq' || typeof inner.value !== 'string') return undefined;
  const named = filter.kind === 'valuePath' ? inner.path.name : (inner.path.sub ?? 'value');
  if (named.toLowerCase() !== 'value') return undefined;
  const id = inner.value;
  return (subject) => subject.members?.has(id) ?? false;
}

/** Finds the attribute a path names in a resource type; undefined if there is none. */
export function findAttribute(
  type: ResourceType,
  path: AttributePath,
): { attribute: Attribute; sub: Attribute | undefined } | undefined {
  const attributes = attributesOf(type, path.urn);
  const attribute = attributes?.get(path.name);
  if (attribute === undefined) return undefined;
  if (path.sub === undefined) return { attribute, sub: undefined };
  const sub = attribute.subAttributes.get(path.sub);
  return sub === undefined ? undefined : { attribute, sub };
}

function attributesOf(type: ResourceType, urn: string | undefined): Attributes | undefined {
  if (urn === undefined || urn.toLowerCase() === type.schema.id.toLowerCase()) return type.attributes;
  return type.extension(urn)?.attributes;
}

/**
 * Compiles a filter for a resource type.
 * @throws ScimError invalidFilter (unknown attribute, or an operator the attribute's type does not support)
 */
export function compileFilter(
  filter: Filter,
  type: ResourceType,
  { tolerant = false, strict = false }: FilterOptions = {},
): (subject: FilterSubject) => boolean {
  return compile<FilterSubject>(filter, {
    strict,
    resolve(path) {
      const found = findAttribute(type, path);
      if (found === undefined) throw unknown();
      return { ...found, read: attributeReader(found.attribute, type) };
    },
    lacks: (path) => tolerant && findAttribute(type, path) === undefined,
    indexed: (attribute, term) => memberIndex(type, attribute, term),
  });
}

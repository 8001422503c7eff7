// Conditions over a person: SCIM filters, also over attributes of extensions that only this tenant's provider knows.
import {
  compileFilter,
  createRegistry,
  parseFilter,
  printFilter,
  ScimError,
  userType,
  type AttributeDefinition,
  type AttributePath,
  type AttributeType,
  type Filter,
  type FilterLiteral,
  type FilterSubject,
  type ScimAttributes,
  type ScimValue,
} from '@app/scim';
import { LRUCache } from 'lru-cache';
import { InvalidPolicy } from '../directory.errors.js';

export interface Condition {
  readonly holds: (subject: FilterSubject) => boolean;
  /** Whether it looks at the groups of a person. */
  readonly asksForGroups: boolean;
}

const known = createRegistry([userType]).type('User');
const knownUrns = new Set([known.schema.id, ...known.extensions.map(({ urn }) => urn)].map((urn) => urn.toLowerCase()));

/** Compiled once: a condition is asked about every person again and again. */
const compiled = new LRUCache<string, Condition>({ max: 2_000 });

/** A filter in its one normal form. @throws InvalidPolicy with a sentence that says what is wrong */
export function normalCondition(text: string): string {
  return answering(() => {
    const filter = parseFilter(text);
    compile(filter);
    return printFilter(filter);
  });
}

/** @throws InvalidPolicy */
export function conditionOf(text: string): Condition {
  let condition = compiled.get(text);
  if (condition === undefined) {
    condition = answering(() => compile(parseFilter(text)));
    compiled.set(text, condition);
  }
  return condition;
}

function answering<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScimError) throw new InvalidPolicy(error.detail);
    throw error;
  }
}

interface Mention {
  readonly path: AttributePath;
  readonly value: FilterLiteral;
}

/** The attributes that a filter compares; those inside a value path belong to the attribute before it. */
function mentionsIn(filter: Filter): Mention[] {
  switch (filter.kind) {
    case 'compare':
      return [{ path: filter.path, value: filter.value }];
    case 'present':
    case 'valuePath':
      return [{ path: filter.path, value: null }];
    case 'not':
      return mentionsIn(filter.filter);
    default:
      return filter.terms.flatMap(mentionsIn);
  }
}

function compile(filter: Filter): Condition {
  const mentions = mentionsIn(filter);
  const custom = Map.groupBy(
    mentions.filter(({ path }) => path.urn !== undefined && !knownUrns.has(path.urn.toLowerCase())),
    ({ path }) => (path.urn as string).toLowerCase(),
  );
  const asksForGroups = mentions.some(({ path }) => path.name.toLowerCase() === 'groups');
  if (custom.size === 0) return { holds: compileFilter(filter, known), asksForGroups };
  const extensions = [...custom].map(([urn, of]) => ({
    schema: { id: urn, name: urn, attributes: definitionsOf(of) },
  }));
  const type = createRegistry([{ ...userType, extensions: [...(userType.extensions ?? []), ...extensions] }]).type(
    'User',
  );
  const test = compileFilter(filter, type);
  return { holds: (subject) => test(withLowerCased(subject, custom)), asksForGroups };
}

/** What an extension that is described nowhere must look like for this filter: the values it is compared with tell. */
function definitionsOf(mentions: readonly Mention[]): AttributeDefinition[] {
  const byName = Map.groupBy(mentions, ({ path }) => path.name.toLowerCase());
  return [...byName].map(([name, of]) => {
    const subs = of.filter(({ path }) => path.sub !== undefined);
    if (subs.length === 0) return { name, type: typeOf(of) };
    const bySub = Map.groupBy(subs, ({ path }) => (path.sub as string).toLowerCase());
    const subAttributes = [...bySub].map(([sub, ofSub]) => ({ name: sub, type: typeOf(ofSub) }));
    return { name, type: 'complex' as const, subAttributes };
  });
}

function typeOf(mentions: readonly Mention[]): AttributeType {
  const types = new Set(mentions.filter(({ value }) => value !== null).map(({ value }) => typeof value));
  if (types.size > 1)
    throw ScimError.invalidFilter('An attribute of an extension is compared with values of two types.');
  const [type] = types;
  if (type === 'boolean') return 'boolean';
  return type === 'number' ? 'decimal' : 'string';
}

/** Names of attributes are alike in any case (RFC 7643 section 2.1): where no schema says which case they are kept in. */
function withLowerCased(subject: FilterSubject, urns: ReadonlyMap<string, unknown>): FilterSubject {
  const attributes: ScimAttributes = { ...subject.attributes };
  for (const [name, value] of Object.entries(subject.attributes)) {
    if (urns.has(name.toLowerCase())) attributes[name.toLowerCase()] = lowerCased(value, 2);
  }
  return { ...subject, attributes };
}

function lowerCased(value: ScimValue, levels: number): ScimValue {
  if (levels === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => lowerCased(element, levels));
  const entries = Object.entries(value).map(([name, inner]) => [name.toLowerCase(), lowerCased(inner, levels - 1)]);
  return Object.fromEntries(entries) as ScimValue;
}

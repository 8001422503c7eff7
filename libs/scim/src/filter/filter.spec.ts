// Holds the filter engine against a naive one and its printer against its parser, over generated filters.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createRegistry,
  compileFilter,
  parseFilter,
  printFilter,
  userSchema,
  type AttributeDefinition,
  type Filter,
  type ScimValue,
} from '../index.js';
import { compareOperators, type AttributePath, type CompareOperator, type FilterLiteral } from './filter.js';

const runs = { seed: 7644, numRuns: 1000 };
/** A list within a list: users have none. */
const clients: AttributeDefinition = {
  name: 'clients',
  type: 'complex',
  multiValued: true,
  subAttributes: [{ name: 'audiences', multiValued: true }],
};
const schema = { ...userSchema, attributes: [...userSchema.attributes, clients] };
const userType = createRegistry([{ name: 'User', endpoint: '/Users', schema }]).type('User');

const trees = (leaf: fc.Arbitrary<Filter>, element: fc.Arbitrary<Filter>, listPaths: fc.Arbitrary<AttributePath>) => {
  const grow = (terms: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> =>
    fc.oneof(
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        terms: fc.array(terms, { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), filter: terms }),
    );
  const valuePath: fc.Arbitrary<Filter> = fc.record({
    kind: fc.constant('valuePath' as const),
    path: listPaths,
    filter: fc.oneof(element, grow(element)),
  });
  const flat = fc.oneof(leaf, valuePath);
  return fc.oneof(flat, grow(flat), grow(fc.oneof(flat, grow(flat))));
};

describe('printing a filter', () => {
  const name = fc
    .stringMatching(/^[$A-Za-z][A-Za-z0-9_$-]{0,8}$/)
    .filter((text) => !/^(constructor|prototype)$/i.test(text));
  const path: fc.Arbitrary<AttributePath> = fc.record(
    { name, sub: name, urn: fc.constantFrom('urn:x:y', 'urn:ietf:params:scim:schemas:core:2.0:User') },
    { requiredKeys: ['name'] },
  );
  const literal: fc.Arbitrary<FilterLiteral> = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0') && text.isWellFormed()),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
    fc.boolean(),
    fc.constant(null),
  );
  const leaf: fc.Arbitrary<Filter> = fc.oneof(
    fc.record({
      kind: fc.constant('compare' as const),
      path,
      operator: fc.constantFrom(...compareOperators),
      value: literal,
    }),
    fc.record({ kind: fc.constant('present' as const), path }),
  );

  it('loses nothing: what is printed is parsed as the same tree', () => {
    fc.assert(
      fc.property(trees(leaf, leaf, path), (filter) => {
        const text = printFilter(filter);
        fc.pre(text.length <= 4096);
        expect(parseFilter(text)).toEqual(filter);
      }),
      runs,
    );
  });
});

type Subject = { [key: string]: ScimValue };

/** Every value a path leads to; elements of lists one by one. */
function leaves(value: ScimValue | undefined, names: readonly string[]): ScimValue[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, names));
  const [first, ...rest] = names;
  if (first === undefined) return [value];
  return typeof value === 'object' ? leaves(value[first], rest) : [];
}

const comparisons: Record<CompareOperator, (a: string | number | boolean, b: string | number | boolean) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  co: (a, b) => String(a).includes(String(b)),
  sw: (a, b) => String(a).indexOf(String(b)) === 0,
  ew: (a, b) => String(a).endsWith(String(b)),
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

function naive(filter: Filter, subject: Subject): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.filter((term) => naive(term, subject)).length === filter.terms.length;
    case 'or':
      return filter.terms.filter((term) => naive(term, subject)).length > 0;
    case 'not':
      return naive(filter.filter, subject) === false;
    case 'valuePath':
      return ((subject[filter.path.name] ?? []) as Subject[]).filter((item) => naive(filter.filter, item)).length > 0;
  }
  const { name, sub } = filter.path;
  const implicit = sub === undefined && name === 'emails' && filter.kind === 'compare' ? 'value' : sub;
  const found = leaves(subject[name], implicit === undefined ? [] : [implicit]).filter((value) => value !== '');
  if (filter.kind === 'present') return found.length > 0;
  if (filter.value === null) return (found.length === 0) === (filter.operator === 'eq');
  if (filter.operator === 'ne') return !naive({ ...filter, operator: 'eq' }, subject);
  const all = leaves(subject[name], implicit === undefined ? [] : [implicit]);
  return all.some((value) =>
    comparisons[filter.operator](comparable(name, sub, value), comparable(name, sub, filter.value)),
  );
}

function comparable(name: string, sub: string | undefined, value: ScimValue): string | number | boolean {
  if (sub === 'created') return Date.parse(String(value));
  if (typeof value === 'string' && name !== 'externalId') return value.toLowerCase();
  return value as string | boolean;
}

describe('evaluating a filter', () => {
  const word = fc.constantFrom('', 'a', 'A', 'ab', 'Ab', 'b', 'bA', 'work', 'home');
  const instant = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', '2026-02-01T00:00:00.500Z');
  const text: CompareOperator[] = [...compareOperators];
  const compare = (
    path: AttributePath,
    operators: readonly CompareOperator[],
    value: fc.Arbitrary<FilterLiteral>,
  ): fc.Arbitrary<Filter> =>
    fc.oneof(
      fc.record({
        kind: fc.constant('compare' as const),
        path: fc.constant(path),
        operator: fc.constantFrom(...operators),
        value,
      }),
      fc.record({
        kind: fc.constant('compare' as const),
        path: fc.constant(path),
        operator: fc.constantFrom('eq' as const, 'ne' as const),
        value: fc.constant(null),
      }),
      fc.record({ kind: fc.constant('present' as const), path: fc.constant(path) }),
    );
  const leaf = fc.oneof(
    compare({ name: 'userName' }, text, word),
    compare({ name: 'externalId' }, text, word),
    compare({ name: 'active' }, ['eq', 'ne'], fc.boolean()),
    compare({ name: 'name', sub: 'givenName' }, text, word),
    compare({ name: 'emails' }, text, word),
    compare({ name: 'emails', sub: 'type' }, text, word),
    compare({ name: 'clients', sub: 'audiences' }, text, word),
    compare({ name: 'meta', sub: 'created' }, ['eq', 'ne', 'gt', 'ge', 'lt', 'le'], instant),
  );
  const element = fc.oneof(
    compare({ name: 'value' }, text, word),
    compare({ name: 'type' }, text, word),
    compare({ name: 'primary' }, ['eq', 'ne'], fc.boolean()),
  );
  const subject = fc.record(
    {
      userName: word,
      externalId: word,
      active: fc.boolean(),
      name: fc.record({ givenName: word, familyName: word }, { requiredKeys: [] }),
      emails: fc.array(fc.record({ value: word, type: word, primary: fc.boolean() }, { requiredKeys: [] }), {
        maxLength: 3,
      }),
      clients: fc.array(fc.record({ audiences: fc.array(word, { minLength: 1, maxLength: 3 }) }), { maxLength: 2 }),
      meta: fc.record({ created: instant }),
    },
    { requiredKeys: ['userName', 'meta'] },
  ) as fc.Arbitrary<Subject>;

  it('agrees with a naive evaluation', () => {
    let held = 0;
    fc.assert(
      fc.property(trees(leaf, element, fc.constant({ name: 'emails' })), subject, (filter, given) => {
        const { meta, ...attributes } = given;
        const result = compileFilter(filter, userType)({ attributes, meta: meta as Subject });
        held += Number(result);
        expect(result).toBe(naive(filter, given));
      }),
      runs,
    );
    // Filters that never or always hold would prove nothing.
    expect(held).toBeGreaterThan(runs.numRuns / 5);
    expect(held).toBeLessThan((runs.numRuns * 4) / 5);
  });
});

describe('a sub-attribute after a value path', () => {
  const matches = (filter: string, emails: ScimValue) =>
    compileFilter(parseFilter(filter), userType)({ attributes: { userName: 'x', emails } });

  it('must hold for the same element: Entra ID matches people so', () => {
    const work = { type: 'work', value: 'a@example.com' };
    const home = { type: 'home', value: 'b@example.com' };
    expect(matches('emails[type eq "work"].value eq "A@example.com"', [home, work])).toBe(true);
    expect(matches('emails[type eq "work"].value eq "b@example.com"', [home, work])).toBe(false);
    expect(matches('emails[type eq "work" or type eq "home"].value sw "b" and userName pr', [home, work])).toBe(true);
    expect(matches('not (emails[type eq "work"].display pr)', [home, work])).toBe(true);
  });

  it.each(['.value', '.', '.value.x eq "x"', '.__proto__ eq "x"', 'value eq "x"', ' .value eq "x"'])(
    'is refused when it is no comparison: %s',
    (rest) => {
      expect(() => parseFilter(`emails[type eq "work"]${rest}`)).toThrow(/filter/i);
    },
  );
});

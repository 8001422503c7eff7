// Compares one stored value with one literal as the attribute's type demands (RFC 7644 section 3.4.2.2).
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { foldCase } from '../fold-case.js';
import { instantOf } from '../schema/date-time.js';
import type { Attribute } from '../schema/resource-type.js';
import type { CompareOperator, FilterLiteral } from './filter.js';

/** Whether one value, never a list, satisfies a comparison. */
export type ValueTest = (value: ScimValue | undefined) => boolean;

const unsupported = (attribute: Attribute, operator: string): ScimError =>
  ScimError.invalidFilter(`"${operator}" with this kind of value is not supported on ${attribute.path}.`);

function ordering(operator: CompareOperator, compare: (value: ScimValue) => number | undefined): ValueTest {
  const holds: Partial<Record<CompareOperator, (sign: number) => boolean>> = {
    eq: (sign) => sign === 0,
    gt: (sign) => sign > 0,
    ge: (sign) => sign >= 0,
    lt: (sign) => sign < 0,
    le: (sign) => sign <= 0,
  };
  const test = holds[operator] as (sign: number) => boolean;
  return (value) => {
    if (value === undefined || value === null) return false;
    const sign = compare(value);
    return sign !== undefined && test(sign);
  };
}

function textTest(attribute: Attribute, operator: CompareOperator, literal: string): ValueTest {
  const fold = attribute.caseExact ? (text: string) => text : foldCase;
  const wanted = fold(literal);
  const on =
    (test: (text: string) => boolean): ValueTest =>
    (value) =>
      typeof value === 'string' && test(fold(value));
  switch (operator) {
    case 'eq':
      return on((text) => text === wanted);
    case 'co':
      return on((text) => text.includes(wanted));
    case 'sw':
      return on((text) => text.startsWith(wanted));
    case 'ew':
      return on((text) => text.endsWith(wanted));
    default:
      return ordering(operator, (value) => {
        if (typeof value !== 'string') return undefined;
        const text = fold(value);
        return text < wanted ? -1 : text > wanted ? 1 : 0;
      });
  }
}

function instantTest(attribute: Attribute, operator: CompareOperator, literal: string): ValueTest {
  if (operator === 'co' || operator === 'sw' || operator === 'ew') return textTest(attribute, operator, literal);
  const wanted = instantOf(literal);
  if (Number.isNaN(wanted))
    throw ScimError.invalidFilter(`${attribute.path} is compared with something that is no date.`);
  return ordering(operator, (value) => (typeof value === 'string' ? instantOf(value) - wanted : undefined));
}

/**
 * Compiles a comparison other than `ne` on a simple attribute.
 * @param strict whether a boolean in quotes is refused
 * @throws ScimError invalidFilter if the type does not support it
 */
export function compileComparison(
  attribute: Attribute,
  operator: CompareOperator,
  literal: FilterLiteral,
  strict = false,
): ValueTest {
  if (literal === null) {
    if (operator !== 'eq') throw unsupported(attribute, operator);
    return (value) => value === undefined || value === null;
  }
  switch (attribute.type) {
    case 'boolean': {
      // Entra ID quotes booleans: roles[primary eq "True"].
      if (strict && typeof literal !== 'boolean') throw unsupported(attribute, operator);
      const text = String(literal).toLowerCase();
      if (operator !== 'eq' || (text !== 'true' && text !== 'false')) throw unsupported(attribute, operator);
      const wanted = text === 'true';
      return (value) => value === wanted;
    }
    case 'integer':
    case 'decimal':
      if (typeof literal !== 'number' || operator === 'co' || operator === 'sw' || operator === 'ew') {
        throw unsupported(attribute, operator);
      }
      return ordering(operator, (value) => (typeof value === 'number' ? value - literal : undefined));
    case 'binary':
      if (typeof literal !== 'string' || operator !== 'eq') throw unsupported(attribute, operator);
      return (value) => value === literal;
    case 'dateTime':
      if (typeof literal !== 'string') throw unsupported(attribute, operator);
      return instantTest(attribute, operator, literal);
    case 'complex':
      throw unsupported(attribute, operator);
    default:
      if (typeof literal !== 'string') throw unsupported(attribute, operator);
      return textTest(attribute, operator, literal);
  }
}

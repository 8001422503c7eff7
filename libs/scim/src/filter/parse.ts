// Parses a filter in one pass over the text: linear time, bounded length, depth and number of terms.
import { ScimError } from '../errors.js';
import { isPrototypeKey, isStorable } from '../json-safety.js';
import { limits } from '../limits.js';
import {
  compareOperators,
  type AttributePath,
  type CompareOperator,
  type Filter,
  type FilterLiteral,
} from './filter.js';

const operators = new Set<string>(compareOperators);
const attributeName = /^[$A-Za-z][\w$-]*$/;
const word = /[^\s()[\]"]+/y;
const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

const invalid = (detail: string): ScimError => ScimError.invalidFilter(detail);

/** Splits `urn:…:User:name.givenName`; undefined if it is no attribute path. */
export function parseAttributePath(text: string): AttributePath | undefined {
  let urn: string | undefined;
  let rest = text;
  if (/^urn:/i.test(text)) {
    const colon = text.lastIndexOf(':');
    urn = text.slice(0, colon);
    rest = text.slice(colon + 1);
  }
  const dot = rest.indexOf('.');
  const name = dot < 0 ? rest : rest.slice(0, dot);
  const sub = dot < 0 ? undefined : rest.slice(dot + 1);
  if (!attributeName.test(name) || isPrototypeKey(name)) return undefined;
  if (sub !== undefined && (!attributeName.test(sub) || isPrototypeKey(sub))) return undefined;
  return { ...(urn === undefined ? {} : { urn }), name, ...(sub === undefined ? {} : { sub }) };
}

class FilterParser {
  private position = 0;
  private depth = 0;
  private terms = 0;

  constructor(private readonly text: string) {}

  whole(): Filter {
    const filter = this.disjunction();
    if (this.peek() !== '') throw invalid('The filter goes on after its end.');
    return filter;
  }

  private disjunction(): Filter {
    const first = this.conjunction();
    if (!this.takeKeyword('or')) return first;
    const terms = [first];
    do terms.push(this.conjunction());
    while (this.takeKeyword('or'));
    return { kind: 'or', terms };
  }

  private conjunction(): Filter {
    const first = this.factor();
    if (!this.takeKeyword('and')) return first;
    const terms = [first];
    do terms.push(this.factor());
    while (this.takeKeyword('and'));
    return { kind: 'and', terms };
  }

  private factor(): Filter {
    if (this.peek() === '(') return this.nested('(', ')');
    const name = this.takeWord('an attribute');
    if (name.toLowerCase() === 'not' && this.peek() === '(') return { kind: 'not', filter: this.nested('(', ')') };
    const path = parseAttributePath(name);
    if (path === undefined) throw invalid('A name in the filter is not an attribute name.');
    if (this.text[this.position] === '[') return { kind: 'valuePath', path, filter: this.elementFilter() };
    return this.comparison(path);
  }

  /** Entra ID asks `emails[type eq "work"].value eq "x"`: one element that satisfies both. */
  private elementFilter(): Filter {
    const filter = this.nested('[', ']');
    if (this.text[this.position] !== '.') return filter;
    this.position += 1;
    const path = parseAttributePath(this.takeWord('an attribute'));
    if (path === undefined || path.urn !== undefined || path.sub !== undefined) {
      throw invalid('A name in the filter is not an attribute name.');
    }
    return { kind: 'and', terms: [filter, this.comparison(path)] };
  }

  private nested(open: string, close: string): Filter {
    this.take(open);
    this.depth += 1;
    if (this.depth > limits.filterDepth) throw invalid(`The filter is nested deeper than ${limits.filterDepth}.`);
    const filter = this.disjunction();
    this.take(close);
    this.depth -= 1;
    return filter;
  }

  private comparison(path: AttributePath): Filter {
    this.terms += 1;
    if (this.terms > limits.filterTerms) throw invalid(`The filter has more than ${limits.filterTerms} terms.`);
    const operator = this.takeWord('an operator').toLowerCase();
    if (operator === 'pr') return { kind: 'present', path };
    if (!operators.has(operator)) throw invalid('The filter has an unknown operator.');
    return { kind: 'compare', path, operator: operator as CompareOperator, value: this.literal() };
  }

  private literal(): FilterLiteral {
    if (this.peek() === '"') return this.quoted();
    const text = this.takeWord('a value');
    if (number.test(text)) return this.finite(Number(text));
    const lower = text.toLowerCase();
    if (lower === 'true') return true;
    if (lower === 'false') return false;
    if (lower === 'null') return null;
    throw invalid('A value in the filter is neither a string in double quotes, a number, true, false nor null.');
  }

  private finite(value: number): number {
    if (!Number.isFinite(value)) throw invalid('A number in the filter is too large.');
    return value;
  }

  private quoted(): string {
    const start = this.position;
    let end = start + 1;
    let escaped = false;
    while (end < this.text.length && this.text[end] !== '"') {
      if (this.text[end] === '\\') {
        escaped = true;
        end += 1;
      }
      end += 1;
    }
    if (end >= this.text.length) throw invalid('A string in the filter is not closed.');
    this.position = end + 1;
    if (!escaped) return this.text.slice(start + 1, end);
    try {
      const value = JSON.parse(this.text.slice(start, end + 1)) as string;
      if (isStorable(value)) return value;
    } catch {
      // Falls through: the escape is not one of JSON's.
    }
    throw invalid('A string in the filter has an invalid escape.');
  }

  private skipSpace(): void {
    while (this.position < this.text.length && this.text.charCodeAt(this.position) <= 32) this.position += 1;
  }

  /** The next character that is not a space; empty at the end. */
  private peek(): string {
    this.skipSpace();
    return this.text[this.position] ?? '';
  }

  private take(character: string): void {
    if (this.peek() !== character) throw invalid(`The filter lacks a "${character}".`);
    this.position += 1;
  }

  private wordHere(): string {
    this.skipSpace();
    word.lastIndex = this.position;
    return word.exec(this.text)?.[0] ?? '';
  }

  private takeWord(expected: string): string {
    const found = this.wordHere();
    if (found === '') throw invalid(`The filter lacks ${expected}.`);
    this.position += found.length;
    return found;
  }

  private takeKeyword(keyword: string): boolean {
    this.skipSpace();
    const end = this.position + keyword.length;
    if (this.text.slice(this.position, end).toLowerCase() !== keyword) return false;
    const after = this.text[end];
    if (after !== undefined && !/[\s([]/.test(after)) return false;
    this.position = end;
    return true;
  }
}

/**
 * Parses a filter.
 * @throws ScimError invalidFilter, also above the limits on length, depth and terms
 */
export function parseFilter(text: string): Filter {
  if (text.length > limits.filterLength) {
    throw invalid(`The filter is longer than ${limits.filterLength} characters.`);
  }
  if (!isStorable(text)) throw invalid('The filter holds a NUL or half a surrogate pair.');
  return new FilterParser(text).whole();
}

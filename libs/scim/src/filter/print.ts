// Prints a filter in its one normal form; parsing the print gives the same tree, unless it has become too long to be parsed.
import type { AttributePath, Filter } from './filter.js';

function printPath(path: AttributePath): string {
  const name = path.sub === undefined ? path.name : `${path.name}.${path.sub}`;
  return path.urn === undefined ? name : `${path.urn}:${name}`;
}

/** Prints a filter. `and` binds tighter than `or`; parentheses stand only where the tree needs them. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'compare':
      return `${printPath(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case 'present':
      return `${printPath(filter.path)} pr`;
    case 'not':
      return `not (${printFilter(filter.filter)})`;
    case 'valuePath':
      return `${printPath(filter.path)}[${printFilter(filter.filter)}]`;
    case 'and':
      return filter.terms.map((term) => wrapped(term, term.kind === 'and' || term.kind === 'or')).join(' and ');
    case 'or':
      return filter.terms.map((term) => wrapped(term, term.kind === 'or')).join(' or ');
  }
}

function wrapped(filter: Filter, wrap: boolean): string {
  return wrap ? `(${printFilter(filter)})` : printFilter(filter);
}

// The syntax tree of a filter (RFC 7644 section 3.4.2.2).

export const compareOperators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type CompareOperator = (typeof compareOperators)[number];

/** An attribute as written: `emails.value` is `{name: 'emails', sub: 'value'}`. */
export interface AttributePath {
  /** The schema URN it was prefixed with. */
  readonly urn?: string;
  readonly name: string;
  readonly sub?: string;
}

export type FilterLiteral = string | number | boolean | null;

export type Filter =
  | {
      readonly kind: 'compare';
      readonly path: AttributePath;
      readonly operator: CompareOperator;
      readonly value: FilterLiteral;
    }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  /** `emails[type eq "work"]`: the filter holds for one element. */
  | { readonly kind: 'valuePath'; readonly path: AttributePath; readonly filter: Filter };

/** How many comparisons a filter makes of one value. */
export const termsOf = (filter: Filter): number => {
  if (filter.kind === 'and' || filter.kind === 'or') return filter.terms.reduce((sum, term) => sum + termsOf(term), 0);
  return filter.kind === 'not' || filter.kind === 'valuePath' ? termsOf(filter.filter) : 1;
};

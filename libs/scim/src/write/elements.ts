// Edits the elements of a multi-valued attribute; every function returns a new list and leaves the given one alone.
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import type { Filter } from '../filter/filter.js';
import { isObject } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';
import { canonical } from './equality.js';
import { folded, identity, lowerCased } from './identity.js';
import { readValue } from './value.js';

type Element = ScimValue;
type ScimObject = { [key: string]: ScimValue };

const isPrimary = (element: Element): boolean => isObject(element) && element.primary === true;

/** When one of `winners` is primary, no other element is (RFC 7644 section 3.5.2). */
function flipPrimary(elements: Element[], winners: ReadonlySet<Element>): Element[] {
  if (![...winners].some(isPrimary)) return elements;
  return elements.map((element) =>
    isPrimary(element) && !winners.has(element) ? { ...(element as ScimObject), primary: false } : element,
  );
}

/** Where each element of a list that was added to stands: a thousand additions in one PATCH do not read it as often. */
const indexes = new WeakMap<readonly Element[], Map<string, number>>();

/** By what makes them the same, and by all they say: of several that are the same, the very one that is sent is meant. */
const indexOf = (attribute: Attribute, elements: readonly Element[]): Map<string, number> =>
  new Map(elements.flatMap((element, i) => [identity(attribute, element), canonical(element)].map((key) => [key, i])));

/** Appends what is not there yet; an element with the same value and type is merged into. */
export function addElements(
  attribute: Attribute,
  existing: readonly Element[],
  incoming: readonly Element[],
): Element[] {
  const elements = [...existing];
  const index = indexes.get(existing) ?? indexOf(attribute, elements);
  // From here on it describes another list.
  indexes.delete(existing);
  const winners = new Set<number>();
  for (const element of incoming) {
    const whole = canonical(element);
    const known = index.get(whole);
    if (known !== undefined && canonical(elements[known]) === whole) continue;
    const key = identity(attribute, element);
    const at = index.get(key) ?? elements.length;
    const before = elements[at];
    const next = isObject(before) && isObject(element) ? { ...before, ...element } : element;
    elements[at] = next;
    index.set(key, at).set(canonical(next), at);
    if (isPrimary(element)) winners.add(at);
  }
  const flipped = flipPrimary(elements, new Set([...winners].map((at) => elements[at] as Element)));
  indexes.set(flipped, index);
  return flipped;
}

/** Puts `value` in the place of every selected element. */
export function replaceSelected(
  existing: readonly Element[],
  selected: (element: Element) => boolean,
  change: (element: Element) => Element | undefined,
): Element[] {
  const winners = new Set<Element>();
  const elements: Element[] = [];
  for (const element of existing) {
    if (!selected(element)) {
      elements.push(element);
      continue;
    }
    const next = change(element);
    if (next === undefined) continue;
    // Of several selected elements only the first can be the primary one.
    const kept = isPrimary(next) && [...winners].some(isPrimary) ? { ...(next as ScimObject), primary: false } : next;
    winners.add(kept);
    elements.push(kept);
  }
  return flipPrimary(elements, winners);
}

/** An element with one sub-attribute set or, for undefined, removed; undefined if only labels are left of it. */
export function withSub(element: Element, sub: Attribute, value: ScimValue | undefined): Element | undefined {
  const next: ScimObject = isObject(element) ? { ...element } : {};
  if (value !== undefined) {
    next[sub.name] = value;
    return next;
  }
  delete next[sub.name];
  const labels = new Set(['type', 'primary', 'display']);
  return Object.keys(next).every((key) => labels.has(key)) ? undefined : next;
}

/** A reference to somebody else, or to nobody, leaves the URL of the one before behind; undefined if nothing is left of it. */
export function withoutStaleUrl(
  before: ScimValue | undefined,
  after: { [key: string]: ScimValue },
): ScimValue | undefined {
  if (!isObject(before) || before.$ref === undefined || before.value === after.value) return after;
  if (before.$ref !== after.$ref) return after;
  const { $ref: _, ...rest } = after;
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/**
 * The element that a value path without a match describes: `[type eq "work"]` is `{type: "work"}`.
 * @throws ScimError noTarget if the filter is not a conjunction of equalities
 */
export function elementFromFilter(attribute: Attribute, filter: Filter, tolerance: Tolerance): ScimObject {
  if (filter.kind === 'and') {
    return Object.assign(
      {},
      ...filter.terms.map((term) => elementFromFilter(attribute, term, tolerance)),
    ) as ScimObject;
  }
  const sub =
    filter.kind === 'compare' && filter.operator === 'eq' ? attribute.subAttributes.get(filter.path.name) : undefined;
  if (sub === undefined || filter.kind !== 'compare' || filter.value === null) throw noTarget(attribute);
  return { [sub.name]: readValue(sub, filter.value, tolerance) as ScimValue };
}

/** The refusal for a filter in a path that selects nothing. */
export const noTarget = (attribute: Attribute): ScimError =>
  ScimError.noTarget(`The filter in the path selects no value of ${attribute.path}.`);

/** Removes the elements that are described by one of `described`, comparing everything but labels. */
export function removeDescribed(
  attribute: Attribute,
  existing: readonly Element[],
  described: readonly Element[],
): { elements: Element[]; unmatched: number } {
  const byValue = new Map<string, { element: Element; met: boolean }[]>();
  const key = (element: Element) => canonical(lowerCased(isObject(element) ? element.value : element) ?? null);
  for (const element of described) {
    const bucket = byValue.get(key(element));
    if (bucket === undefined) byValue.set(key(element), [{ element, met: false }]);
    else bucket.push({ element, met: false });
  }
  const elements = existing.filter((element) => {
    const hits = (byValue.get(key(element)) ?? []).filter((entry) => describes(attribute, entry.element, element));
    for (const hit of hits) hit.met = true;
    return hits.length === 0;
  });
  const unmatched = [...byValue.values()].flat().filter((entry) => !entry.met).length;
  return { elements, unmatched };
}

function describes(attribute: Attribute, description: Element, element: Element): boolean {
  if (!isObject(description) || !isObject(element))
    return canonical(folded(attribute, description)) === canonical(folded(attribute, element));
  return Object.keys(description).every((name) => {
    if (name === 'display' || name === '$ref' || name === 'primary') return true;
    const sub = attribute.subAttributes.get(name);
    return canonical(folded(sub, description[name])) === canonical(folded(sub, element[name]));
  });
}

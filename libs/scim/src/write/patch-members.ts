// PATCH operations on the members of a group and the agents of an application, through the member set's index.
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { compileElementFilter } from '../filter/compile.js';
import { equalityOn, mentions } from '../filter/equality.js';
import { termsOf, type Filter } from '../filter/filter.js';
import { field, isObject } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';
import { noTarget } from './elements.js';
import { readMembers, type MemberDraft } from './members.js';
import type { PatchOperation } from './patch-request.js';
import type { PatchPath } from './path.js';

type Target = Extract<PatchPath, { kind: 'attribute' }>;

/** The ids a filter can only mean; undefined if the members have to be visited. */
function namedIds(filter: Filter): readonly string[] | undefined {
  const one = equalityOn(filter, 'value');
  if (one !== undefined) return [one];
  if (filter.kind !== 'or') return undefined;
  const each = filter.terms.map(namedIds);
  return each.includes(undefined) ? undefined : each.flatMap((ids) => ids ?? []);
}

/** What is not kept of a member, but read from whom it names. */
const derived = ['display', '$ref'];

/** What an operation says of each of its targets: one of its path, or as many as its value has keys. */
function targetsOf(operation: ScimValue): [path: ScimValue, value: ScimValue | undefined][] {
  if (!isObject(operation)) return [];
  const path = field(operation, 'path') ?? '';
  const value = field(operation, 'value');
  if (path !== '') return [[path, value]];
  return isObject(value) ? Object.entries(value) : [];
}

/** The ids in a value, if it is one of members. */
function idsIn(value: ScimValue | undefined): string[] {
  const items = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    const id = isObject(item) ? field(item, 'value') : item;
    return typeof id === 'string' ? [id] : [];
  });
}

/**
 * Whom a PATCH may add to the members, where it may also select them by what is only answered of them; undefined where it
 * does not. A look at its paths, and at its values only then.
 * @param body as it was sent
 */
export function membersToShow(body: unknown): string[] | undefined {
  const operations = isObject(body) ? field(body, 'Operations') : undefined;
  if (!Array.isArray(operations)) return undefined;
  const targets = operations.flatMap(targetsOf);
  const filters = targets.flatMap(([path]) =>
    typeof path === 'string' && path.includes('[') ? [path.toLowerCase()] : [],
  );
  const looksAt = (name: string) => filters.some((path) => path.includes(name));
  const looksAtStored = derived.some(looksAt);
  // What the members are is kept of them; of whom it adds, a PATCH need not say it.
  if (!looksAtStored && !looksAt('type')) return undefined;
  const named = targets.flatMap(([, value]) => idsIn(value));
  return looksAtStored || named.length > 0 ? named : undefined;
}

/** How many comparisons it takes to find the members that a filter selects. */
export const comparisonsOf = (filter: Filter, members: MemberDraft): number =>
  termsOf(filter) * (namedIds(filter)?.length ?? members.size);

function select(attribute: Attribute, filter: Filter, members: MemberDraft, strict: boolean): string[] {
  const test = compileElementFilter(filter, attribute, strict);
  if (!members.isAnswered && derived.some((name) => mentions(filter, name))) {
    throw ScimError.invalidFilter('A filter over the names or URLs of members stands in the "path" of its operation.');
  }
  const candidates = namedIds(filter)?.filter((id) => members.has(id)) ?? [...members.ids()];
  return candidates.filter((id) => test(members.element(id)));
}

/** Applies one operation to the members. */
export function patchMembers(
  op: PatchOperation['op'],
  { attribute, filter, sub }: Target,
  value: ScimValue | undefined,
  members: MemberDraft,
  tolerance: Tolerance,
): void {
  if (sub !== undefined) throw ScimError.mutability(`${sub.path} cannot be changed; add or remove the member.`);
  if (filter !== undefined) {
    const selected = select(attribute, filter, members, !tolerance.lenient);
    if (op !== 'remove' && selected.length === 0) throw noTarget(attribute);
    if (selected.length === 0) tolerance.tolerate('remove-without-match', () => noTarget(attribute));
    for (const id of selected) members.remove(id);
    if (op !== 'remove') for (const member of readMembers(attribute, value ?? null, tolerance)) members.add(member);
    return;
  }
  if (op === 'replace') return members.replaceAll(readMembers(attribute, value ?? null, tolerance));
  if (op === 'add') {
    // One member to add may stand alone (RFC 7644 section 3.5.2.1).
    const sent = isObject(value) ? [value] : (value ?? null);
    for (const member of readMembers(attribute, sent, tolerance)) members.add(member);
    return;
  }
  if (value === undefined || value === null) return members.replaceAll([]);
  // Entra ID and JumpCloud list whom to remove; taken as RFC text alone, this would empty the group.
  tolerance.tolerate('value-array-removal', () => ScimError.invalidSyntax('"remove" takes no "value".'));
  for (const member of readMembers(attribute, value, tolerance)) {
    if (!members.remove(member.value)) tolerance.note('remove-without-match');
  }
}

// PATCH operations on the members of a group, through the member set's index.
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { compileElementFilter } from '../filter/compile.js';
import { equalityOn } from '../filter/equality.js';
import type { Filter } from '../filter/filter.js';
import { isObject } from '../json-safety.js';
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

const selectable = new Set(['value', 'type']);

function mentionsOnlySelectable(filter: Filter): boolean {
  if (filter.kind === 'and' || filter.kind === 'or') return filter.terms.every(mentionsOnlySelectable);
  if (filter.kind === 'not') return mentionsOnlySelectable(filter.filter);
  return (filter.kind === 'compare' || filter.kind === 'present') && selectable.has(filter.path.name.toLowerCase());
}

function select(attribute: Attribute, filter: Filter, members: MemberDraft, strict: boolean): string[] {
  const test = compileElementFilter(filter, attribute, strict);
  const named = namedIds(filter);
  if (named !== undefined) return named.filter((id) => members.has(id));
  if (!mentionsOnlySelectable(filter)) throw ScimError.invalidFilter('Members are selected by "value" or "type".');
  return [...members.ids()].filter((id) => {
    const type = members.typeOf(id);
    return test(type === undefined ? { value: id } : { value: id, type });
  });
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

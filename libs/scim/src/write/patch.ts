// PATCH: applies operations in sequence to a draft; one that fails fails all (RFC 7644 section 3.5.2).
import type { ChangeSet, MemberSet, ScimAttributes, ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { compileElementFilter } from '../filter/compile.js';
import { termsOf, type Filter } from '../filter/filter.js';
import { isObject, parseEmbedded } from '../json-safety.js';
import { limits } from '../limits.js';
import { Tolerance } from '../quirks.js';
import type { Attribute, Extension, ResourceType } from '../schema/resource-type.js';
import { isWholeAssignment } from './app-roles.js';
import { ResourceDraft } from './draft.js';
import {
  addElements,
  elementFromFilter,
  noTarget,
  removeDescribed,
  replaceSelected,
  withoutStaleUrl,
  withSub,
} from './elements.js';
import { comparisonsOf, patchMembers } from './patch-members.js';
import { readPatchRequest, type PatchOperation } from './patch-request.js';
import { changeOfSub } from './patch-sub.js';
import { parsePath, type PatchPath } from './path.js';
import type { WriteOptions } from './resource.js';
import { isEmptyReference, readElements, readSub, readValue } from './value.js';

export interface PatchOptions extends WriteOptions {
  /** The resource's id, to tell a repeated `id` from a changed one. */
  readonly id?: string;
}

type Verb = PatchOperation['op'];
type AttributeTarget = Extract<PatchPath, { kind: 'attribute' }>;

class Patch {
  /** Values compared so far, times the terms of the filters that selected them. */
  private compared = 0;
  /** Attributes that got their whole list by an `add`: of what follows in the same request, nothing is whole. */
  private readonly assigned = new Set<Attribute>();

  constructor(
    private readonly type: ResourceType,
    private readonly draft: ResourceDraft,
    private readonly tolerance: Tolerance,
    private readonly id: string | undefined,
  ) {}

  apply({ op, path, value }: PatchOperation): void {
    if (op !== 'remove' && value === undefined) throw ScimError.invalidValue(`"${op}" needs a "value".`);
    if (path === undefined) return this.applyPathless(op, value);
    const target = parsePath(path, this.type);
    if (target === undefined) return this.unknown();
    this.applyTo(op, target, value);
  }

  private unknown(): void {
    this.tolerance.tolerate('unknown-attribute', () =>
      ScimError.invalidPath(`${this.type.name} has no such attribute.`),
    );
  }

  private applyPathless(op: Verb, sent: ScimValue | undefined): void {
    if (op === 'remove') throw ScimError.noTarget('"remove" needs a "path".');
    const wrong = () => ScimError.invalidValue('An operation without "path" needs an object as its "value".');
    let value = sent;
    if (Array.isArray(value) && value.length === 1) {
      this.tolerance.tolerate('one-element-array', wrong);
      [value] = value;
    }
    if (typeof value === 'string') {
      value = parseEmbedded(value);
      if (value !== undefined) this.tolerance.tolerate('json-in-string', wrong);
    }
    if (!isObject(value)) throw wrong();
    for (const key of Object.keys(value)) this.applyKey(op, key, value[key] as ScimValue);
  }

  private applyKey(op: Verb, key: string, value: ScimValue): void {
    const lower = key.toLowerCase();
    if (lower === 'schemas') return;
    // Okta repeats the id of a group in every rename.
    if (lower === 'id' && value === this.id) {
      return this.tolerance.tolerate('read-only-ignored', () => ScimError.mutability('id is read-only.'));
    }
    // A key that is no path at all (a foreign URL, a name with a space) is only an attribute nobody knows.
    const target =
      /^[$A-Za-z][\w$-]*([.[:]|$)/.test(key) && !/^https?:/i.test(key) ? parsePath(key, this.type) : undefined;
    if (target === undefined) return this.unknown();
    if (target.kind === 'attribute') {
      const { attribute, filter, sub } = target;
      if (filter !== undefined || sub !== undefined || key.includes(':')) {
        this.tolerance.tolerate('dotted-key', () =>
          ScimError.invalidPath('A key of "value" is a path, not an attribute name.'),
        );
      }
      if (attribute.mutability === 'readOnly' && attribute.name !== 'id') {
        this.tolerance.tolerate('read-only-ignored', () => ScimError.mutability(`${attribute.path} is read-only.`));
        return;
      }
    }
    this.applyTo(op, target, value);
  }

  private applyTo(op: Verb, target: PatchPath, value: ScimValue | undefined): void {
    if (target.kind === 'core') return this.applyToCore(op, value);
    if (target.kind === 'extension') return this.applyToExtension(op, target.extension, value);
    const { attribute, filter, sub } = target;
    if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') {
      throw ScimError.mutability(`${(sub ?? attribute).path} is read-only.`);
    }
    if (attribute.mutability === 'writeOnly') return this.tolerance.note('unsolicited-password');
    if (attribute === this.type.members) {
      if (filter !== undefined) this.charge(comparisonsOf(filter, this.draft.members));
      return patchMembers(op, target, value, this.draft.members, this.tolerance);
    }
    if (filter !== undefined) return this.applyToSelected(op, target, filter, value);
    if (sub !== undefined) return this.applyToSub(op, attribute, sub, value);
    if (op === 'remove') return this.remove(attribute, value);
    if (attribute.multiValued) return this.writeList(op, attribute, value as ScimValue);
    const next = readValue(attribute, value as ScimValue, this.tolerance);
    this.assign(attribute, isObject(value) ? this.merged(attribute, value, next) : next);
  }

  /** What is not sent stays; what is sent as null goes, or as the id of nobody (RFC 7644 section 3.5.2.3). */
  private merged(attribute: Attribute, sent: { [key: string]: ScimValue }, read: ScimValue | undefined) {
    const before = this.draft.get(attribute);
    const merged = { ...(isObject(before) ? before : {}), ...(isObject(read) ? read : {}) };
    for (const key of Object.keys(sent)) {
      const sub = attribute.subAttributes.get(key);
      const part = sent[key] as ScimValue;
      const goes = sub !== undefined && (part === null || isEmptyReference(attribute, { [sub.name]: part }));
      if (goes) delete merged[sub.name];
    }
    return Object.keys(merged).length === 0 ? undefined : merged;
  }

  /** The URN of the core schema in the place of an attribute: what it holds is meant for the resource itself. */
  private applyToCore(op: Verb, value: ScimValue | undefined): void {
    const wrong = () => ScimError.invalidPath('The path names the core schema, and no attribute of it.');
    if (op === 'remove' || !isObject(value)) throw wrong();
    this.tolerance.tolerate('core-schema-as-key', wrong);
    for (const key of Object.keys(value)) this.applyKey(op, key, value[key] as ScimValue);
  }

  private applyToExtension(op: Verb, extension: Extension, value: ScimValue | undefined): void {
    if (op === 'remove') {
      for (const attribute of extension.attributes.list) {
        if (this.draft.get(attribute) !== undefined) this.assign(attribute, undefined);
      }
      return;
    }
    if (!isObject(value)) throw ScimError.invalidValue(`${extension.urn} must be an object.`);
    for (const key of Object.keys(value)) {
      const attribute = extension.attributes.get(key);
      if (attribute === undefined) this.unknown();
      else this.applyTo(op, { kind: 'attribute', attribute, filter: undefined, sub: undefined }, value[key]);
    }
  }

  /** Writes an attribute; what the schema requires cannot be unassigned. */
  private assign(attribute: Attribute, value: ScimValue | undefined): void {
    const { draft } = this;
    const next = isObject(value) ? withoutStaleUrl(draft.get(attribute), value) : value;
    if (next === undefined && (attribute.required || attribute.defaultValue !== undefined)) {
      throw ScimError.mutability(`${attribute.path} cannot be removed.`);
    }
    draft.setUnlessImmutable(attribute, next);
  }

  /** A thousand operations that each look at thousands of values would keep everybody else waiting. */
  private charge(comparisons: number): void {
    this.compared += comparisons;
    if (this.compared > limits.patchComparisons) {
      throw ScimError.tooMany('The operations select among too many values: send them in several requests.');
    }
  }

  private elements(attribute: Attribute): readonly ScimValue[] {
    return (this.draft.get(attribute) ?? []) as ScimValue[];
  }

  private setElements(attribute: Attribute, elements: ScimValue[]): void {
    this.assign(attribute, elements.length === 0 ? undefined : elements);
  }

  private writeList(op: Verb, attribute: Attribute, value: ScimValue): void {
    // One value to add may stand alone (RFC 7644 section 3.5.2.1).
    const sent = op === 'add' && isObject(value) ? [value] : value;
    const incoming = readElements(attribute, sent, this.tolerance);
    const isWholeAdded =
      op === 'add' && this.tolerance.lenient && !this.assigned.has(attribute) && isWholeAssignment(value);
    if (isWholeAdded) {
      this.assigned.add(attribute);
      this.tolerance.note('whole-list-added');
    }
    const whole = op === 'replace' || isWholeAdded;
    this.setElements(attribute, whole ? incoming : addElements(attribute, this.elements(attribute), incoming));
  }

  private remove(attribute: Attribute, value: ScimValue | undefined): void {
    if (value === undefined || value === null) return this.assign(attribute, undefined);
    this.tolerance.tolerate('value-array-removal', () => ScimError.invalidSyntax('"remove" takes no "value".'));
    if (!attribute.multiValued) return this.assign(attribute, undefined);
    const described = readElements(attribute, value, this.tolerance);
    const existing = this.elements(attribute);
    this.charge(existing.length);
    const { elements, unmatched } = removeDescribed(attribute, existing, described);
    for (let i = 0; i < unmatched; i += 1) this.tolerance.note('remove-without-match');
    this.setElements(attribute, elements);
  }

  private applyToSub(op: Verb, attribute: Attribute, sub: Attribute, value: ScimValue | undefined): void {
    const change = changeOfSub(op, attribute, sub, value, this.tolerance);
    if (attribute.multiValued) {
      const existing = this.elements(attribute);
      if (existing.length > 0) {
        const changed = replaceSelected(
          existing,
          () => true,
          (element) => withSub(element, sub, change(element)),
        );
        return this.setElements(attribute, changed);
      }
      const next = change({});
      if (next !== undefined) this.setElements(attribute, [{ [sub.name]: next }]);
      return;
    }
    const object: { [key: string]: ScimValue } = {
      ...(this.draft.get(attribute) as { [key: string]: ScimValue } | undefined),
    };
    const next = change(object);
    if (next === undefined) delete object[sub.name];
    else object[sub.name] = next;
    this.assign(attribute, Object.keys(object).length === 0 ? undefined : object);
  }

  private applyToSelected(op: Verb, target: AttributeTarget, filter: Filter, value: ScimValue | undefined): void {
    const { attribute, sub } = target;
    const selected = compileElementFilter(filter, attribute, !this.tolerance.lenient);
    const existing = this.elements(attribute);
    this.charge(existing.length * termsOf(filter));
    if (!existing.some(selected)) return this.applyToMissing(op, target, filter, value);
    if (sub !== undefined) {
      const change = changeOfSub(op, attribute, sub, value, this.tolerance);
      return this.setElements(
        attribute,
        replaceSelected(existing, selected, (element) => withSub(element, sub, change(element))),
      );
    }
    if (op === 'remove')
      return this.setElements(
        attribute,
        replaceSelected(existing, selected, () => undefined),
      );
    const [next] = readElements(attribute, isObject(value) ? [value] : (value as ScimValue), this.tolerance);
    if (next === undefined) throw ScimError.invalidValue(`${attribute.path} needs a value.`);
    const change = (element: ScimValue) =>
      op === 'add' && isObject(element) && isObject(next) ? { ...element, ...next } : next;
    this.setElements(attribute, replaceSelected(existing, selected, change));
  }

  /** A filter without a match: lenient creates the element when a sub-attribute is written, and has nothing to remove. */
  private applyToMissing(
    op: Verb,
    { attribute, sub }: AttributeTarget,
    filter: Filter,
    value: ScimValue | undefined,
  ): void {
    if (op === 'remove') return this.tolerance.tolerate('remove-without-match', () => noTarget(attribute));
    if (sub === undefined) throw noTarget(attribute);
    this.tolerance.tolerate('value-path-created', () => noTarget(attribute));
    const next = readSub(attribute, sub, value as ScimValue, this.tolerance);
    if (next === undefined) return;
    const element = { ...elementFromFilter(attribute, filter, this.tolerance), [sub.name]: next };
    this.setElements(attribute, addElements(attribute, this.elements(attribute), [element]));
  }
}

/**
 * Applies a PATCH. Nothing of `current` is modified; `next` shares what did not change with it.
 * The cost is that of the delta: a member set is asked by id and walked only to replace the whole of it.
 * @param members required for a type with members
 * @throws ScimError invalidSyntax, invalidPath, invalidFilter, invalidValue, noTarget, mutability or tooMany
 */
export function patchChangeSet(
  type: ResourceType,
  current: ScimAttributes,
  members: MemberSet | undefined,
  body: unknown,
  options: PatchOptions = {},
): ChangeSet {
  const tolerance = new Tolerance(options.dialect);
  const operations = readPatchRequest(body, tolerance);
  const draft = new ResourceDraft(current, members, tolerance);
  const patch = new Patch(type, draft, tolerance, options.id);
  for (const operation of operations) patch.apply(operation);
  return draft.finish();
}

// PATCH: applies operations in sequence to a draft; one that fails fails all (RFC 7644 section 3.5.2).
import type { ChangeSet, MemberSet, ScimAttributes, ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { compileElementFilter } from '../filter/compile.js';
import type { Filter } from '../filter/filter.js';
import { isObject, parseEmbedded } from '../json-safety.js';
import { Tolerance } from '../quirks.js';
import type { Attribute, Extension, ResourceType } from '../schema/resource-type.js';
import { ResourceDraft } from './draft.js';
import { addElements, elementFromFilter, noTarget, removeDescribed, replaceSelected, withSub } from './elements.js';
import { patchMembers } from './patch-members.js';
import { readPatchRequest, type PatchOperation } from './patch-request.js';
import { parsePath, type PatchPath } from './path.js';
import type { WriteOptions } from './resource.js';
import { readElements, readSub, readValue } from './value.js';

export interface PatchOptions extends WriteOptions {
  /** The resource's id, to tell a repeated `id` from a changed one. */
  readonly id?: string;
}

type Verb = PatchOperation['op'];
type AttributeTarget = Extract<PatchPath, { kind: 'attribute' }>;

class Patch {
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
    const value = typeof sent === 'string' ? parseEmbedded(sent) : sent;
    if (!isObject(value)) throw wrong();
    if (value !== sent) this.tolerance.tolerate('json-in-string', wrong);
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
    if (target.kind === 'extension') return this.applyToExtension(op, target.extension, value);
    const { attribute, filter, sub } = target;
    if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') {
      throw ScimError.mutability(`${(sub ?? attribute).path} is read-only.`);
    }
    if (attribute.mutability === 'writeOnly') return this.tolerance.note('unsolicited-password');
    if (attribute === this.type.members) return patchMembers(op, target, value, this.draft.members, this.tolerance);
    if (filter !== undefined) return this.applyToSelected(op, target, filter, value);
    if (sub !== undefined) return this.applyToSub(op, attribute, sub, value);
    if (op === 'remove') return this.remove(attribute, value);
    if (attribute.multiValued) return this.writeList(op, attribute, value as ScimValue);
    const next = readValue(attribute, value as ScimValue, this.tolerance);
    this.assign(attribute, isObject(value) ? this.merged(attribute, value, next) : next);
  }

  /** What is not sent stays, what is sent as null goes (RFC 7644 section 3.5.2.3). */
  private merged(attribute: Attribute, sent: { [key: string]: ScimValue }, read: ScimValue | undefined) {
    const before = this.draft.get(attribute);
    const merged = { ...(isObject(before) ? before : {}), ...(isObject(read) ? read : {}) };
    for (const key of Object.keys(sent)) {
      const sub = attribute.subAttributes.get(key);
      if (sub !== undefined && sent[key] === null) delete merged[sub.name];
    }
    return Object.keys(merged).length === 0 ? undefined : merged;
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
    if (value === undefined && (attribute.required || attribute.defaultValue !== undefined)) {
      throw ScimError.mutability(`${attribute.path} cannot be removed.`);
    }
    this.draft.setUnlessImmutable(attribute, value);
  }

  private elements(attribute: Attribute): readonly ScimValue[] {
    return (this.draft.get(attribute) ?? []) as ScimValue[];
  }

  private setElements(attribute: Attribute, elements: readonly ScimValue[]): void {
    this.assign(attribute, elements.length === 0 ? undefined : [...elements]);
  }

  private writeList(op: Verb, attribute: Attribute, value: ScimValue): void {
    // One value to add may stand alone (RFC 7644 section 3.5.2.1).
    const sent = op === 'add' && isObject(value) ? [value] : value;
    const incoming = readElements(attribute, sent, this.tolerance);
    // A JSON list inside a string is Entra ID's whole role assignment: roles it no longer lists are gone.
    const whole = op === 'replace' || (typeof value === 'string' && parseEmbedded(value) !== undefined);
    this.setElements(attribute, whole ? incoming : addElements(attribute, this.elements(attribute), incoming));
  }

  private remove(attribute: Attribute, value: ScimValue | undefined): void {
    if (value === undefined || value === null) return this.assign(attribute, undefined);
    this.tolerance.tolerate('value-array-removal', () => ScimError.invalidSyntax('"remove" takes no "value".'));
    if (!attribute.multiValued) return this.assign(attribute, undefined);
    const described = readElements(attribute, value, this.tolerance);
    const { elements, unmatched } = removeDescribed(attribute, this.elements(attribute), described);
    for (let i = 0; i < unmatched; i += 1) this.tolerance.note('remove-without-match');
    this.setElements(attribute, elements);
  }

  private applyToSub(op: Verb, attribute: Attribute, sub: Attribute, value: ScimValue | undefined): void {
    const next = op === 'remove' ? undefined : readSub(attribute, sub, value as ScimValue, this.tolerance);
    if (attribute.multiValued) {
      const existing = this.elements(attribute);
      if (existing.length > 0)
        return this.setElements(
          attribute,
          replaceSelected(
            existing,
            () => true,
            (e) => withSub(e, sub, next),
          ),
        );
      if (next !== undefined) this.setElements(attribute, [{ [sub.name]: next }]);
      return;
    }
    const object: { [key: string]: ScimValue } = {
      ...(this.draft.get(attribute) as { [key: string]: ScimValue } | undefined),
    };
    if (next === undefined) delete object[sub.name];
    else object[sub.name] = next;
    this.assign(attribute, Object.keys(object).length === 0 ? undefined : object);
  }

  private applyToSelected(op: Verb, target: AttributeTarget, filter: Filter, value: ScimValue | undefined): void {
    const { attribute, sub } = target;
    const selected = compileElementFilter(filter, attribute, !this.tolerance.lenient);
    const existing = this.elements(attribute);
    if (!existing.some(selected)) return this.applyToMissing(op, target, filter, value);
    if (op === 'remove') {
      const kept = replaceSelected(existing, selected, (element) =>
        sub === undefined ? undefined : withSub(element, sub, undefined),
      );
      return this.setElements(attribute, kept);
    }
    if (sub !== undefined) {
      const next = readSub(attribute, sub, value as ScimValue, this.tolerance);
      return this.setElements(
        attribute,
        replaceSelected(existing, selected, (element) => withSub(element, sub, next)),
      );
    }
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

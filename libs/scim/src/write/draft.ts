// A resource being written: copies only what is touched, and tells at the end exactly what differs.
import type { AttributeChange, ChangeSet, MemberSet, ScimAttributes, ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { isObject } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';
import { canonical, sameValue } from './equality.js';
import { MemberDraft, typeCheckOf } from './members.js';

type ScimObject = { [key: string]: ScimValue };

/** Reads an attribute out of a resource's attributes. */
export function valueOf(attributes: ScimAttributes, attribute: Attribute): ScimValue | undefined {
  if (attribute.urn === undefined) return attributes[attribute.name];
  return (attributes[attribute.urn] as ScimObject | undefined)?.[attribute.name];
}

/** Checks that a written attribute has what the schema requires of it. */
export function requireComplete(
  attribute: Attribute,
  value: ScimValue | undefined,
  isRequired = attribute.required,
): void {
  if (isRequired && (value === undefined || value === '')) {
    throw ScimError.invalidValue(`${attribute.path} is required.`);
  }
  if (attribute.type !== 'complex' || value === undefined) return;
  for (const element of Array.isArray(value) ? value : [value]) {
    if (!isObject(element)) continue;
    for (const sub of attribute.subAttributes.list) requireComplete(sub, element[sub.name]);
  }
}

function addChanges(
  attribute: Attribute,
  before: ScimValue | undefined,
  after: ScimValue | undefined,
  to: AttributeChange[],
): void {
  if (sameValue(before, after)) return;
  if (attribute.multiValued || attribute.type !== 'complex') {
    to.push({ path: attribute.path, before, after });
    return;
  }
  const old = (before ?? {}) as ScimObject;
  const next = (after ?? {}) as ScimObject;
  for (const sub of attribute.subAttributes.list) addChanges(sub, old[sub.name], next[sub.name], to);
}

export class ResourceDraft {
  readonly members: MemberDraft;
  private readonly next: ScimAttributes;
  private readonly touched = new Set<Attribute>();

  constructor(
    private readonly current: ScimAttributes,
    members: MemberSet | undefined,
    private readonly tolerance: Tolerance,
  ) {
    this.next = { ...current };
    this.members = new MemberDraft(members, tolerance);
  }

  get(attribute: Attribute): ScimValue | undefined {
    return valueOf(this.next, attribute);
  }

  /** Writes an attribute; undefined unassigns it. Values are never modified in place. */
  set(attribute: Attribute, value: ScimValue | undefined): void {
    this.touched.add(attribute);
    if (attribute.urn === undefined) {
      if (value === undefined) delete this.next[attribute.name];
      else this.next[attribute.name] = value;
      return;
    }
    const extension = { ...(this.next[attribute.urn] as ScimObject | undefined) };
    if (value === undefined) delete extension[attribute.name];
    else extension[attribute.name] = value;
    if (Object.keys(extension).length === 0) delete this.next[attribute.urn];
    else this.next[attribute.urn] = extension;
  }

  /** Writes an attribute unless it is immutable and already has another value. */
  setUnlessImmutable(attribute: Attribute, value: ScimValue | undefined): void {
    const before = this.get(attribute);
    if (attribute.mutability === 'immutable' && before !== undefined) {
      if (canonical(before) === canonical(value)) return;
      // Ignored rather than refused: the same request may carry the deactivation.
      this.tolerance.tolerate('immutable-ignored', () =>
        ScimError.mutability(`${attribute.path} cannot be changed once set.`),
      );
      return;
    }
    this.set(attribute, value);
  }

  /**
   * What the write amounts to.
   * @throws ScimError invalidValue if something required is missing from what was written
   */
  finish(): ChangeSet {
    const changes: AttributeChange[] = [];
    for (const attribute of this.touched) {
      const after = this.get(attribute);
      // What an extension requires is required only of a resource that has the extension.
      if (attribute.urn === undefined || this.next[attribute.urn] !== undefined) requireComplete(attribute, after);
      addChanges(attribute, valueOf(this.current, attribute), after, changes);
    }
    const members = this.members.delta();
    const noop = changes.length === 0 && members.added.length === 0 && members.removed.length === 0;
    return {
      next: changes.length === 0 ? this.current : this.next,
      changes,
      members,
      noop,
      checkTypes: typeCheckOf(members.added, this.tolerance),
      quirks: this.tolerance.counts,
    };
  }
}

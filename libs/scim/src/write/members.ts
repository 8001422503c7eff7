// Reads members and tracks what a write does to a member set, at the cost of the delta and not of the set.
import type { Member, MemberSet, ScimValue, TypeCheck } from '../change-set.js';
import { ScimError } from '../errors.js';
import { isObject } from '../json-safety.js';
import type { Tolerance } from '../quirks.js';
import type { Attribute } from '../schema/resource-type.js';
import { elementsOf } from './value.js';

function memberType(attribute: Attribute, raw: ScimValue | undefined, ref: ScimValue | undefined): string | undefined {
  const types = attribute.subAttributes.get('type')?.definition.canonicalValues ?? [];
  if (raw === undefined || raw === null) {
    const url = typeof ref === 'string' ? ref.toLowerCase() : '';
    return types.find((type) => url.includes(`/${type.toLowerCase()}s/`));
  }
  const lower = typeof raw === 'string' ? raw.toLowerCase() : '';
  const said = types.find((type) => type.toLowerCase() === lower);
  if (said === undefined) throw ScimError.invalidValue(`${attribute.path}.type must be ${types.join(' or ')}.`);
  return said;
}

function readMember(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): Member {
  const noId = () => ScimError.invalidValue(`${attribute.path} needs the id of each member in "value".`);
  if (typeof raw === 'string' && raw !== '') {
    tolerance.tolerate('string-for-complex', noId);
    return { value: raw };
  }
  if (!isObject(raw)) throw noId();
  const fields: { [key: string]: ScimValue } = {};
  for (const key of Object.keys(raw)) {
    const sub = attribute.subAttributes.get(key);
    if (sub !== undefined) fields[sub.name] = raw[key] as ScimValue;
    else
      tolerance.tolerate('unknown-attribute', () =>
        ScimError.invalidSyntax(`${attribute.path} has no such sub-attribute.`),
      );
  }
  if (typeof fields.value !== 'string' || fields.value === '') throw noId();
  const type = memberType(attribute, fields.type, fields.$ref);
  return type === undefined ? { value: fields.value } : { value: fields.value, type };
}

/** Reads a list of members; one that is listed twice counts once. */
export function readMembers(attribute: Attribute, raw: ScimValue, tolerance: Tolerance): Member[] {
  const byId = new Map<string, Member>();
  for (const item of elementsOf(attribute, raw, tolerance)) {
    const member = readMember(attribute, item, tolerance);
    byId.set(member.value, member);
  }
  return [...byId.values()];
}

/** Names the member by its id: whose type is known has one of this service. */
function compareType({ value, type: said }: Member, is: string | undefined, tolerance: Tolerance): void {
  if (said === undefined || is === undefined || said === is) return;
  tolerance.tolerate('wrong-member-type', () =>
    ScimError.invalidValue(`The member ${value} is said to be a ${said}, and is a ${is}.`),
  );
}

/** The check of what a client says of the members it adds. */
export const typeCheckOf =
  (added: readonly Member[], tolerance: Tolerance): TypeCheck =>
  (members) => {
    if (added.every(({ type }) => type === undefined)) return;
    const types = new Map(members.map(({ id, type }) => [id, type]));
    for (const member of added) compareType(member, types.get(member.value), tolerance);
  };

/** A member set with pending additions and removals. */
export class MemberDraft {
  private readonly added = new Map<string, Member>();
  private readonly removed = new Set<string>();

  constructor(
    private readonly base: MemberSet | undefined,
    private readonly tolerance: Tolerance,
  ) {}

  has(id: string): boolean {
    return this.added.has(id) || (!this.removed.has(id) && (this.base?.has(id) ?? false));
  }

  get size(): number {
    return (this.base?.size ?? 0) - this.removed.size + this.added.size;
  }

  /** Whether more is known of the members than their ids and types. */
  get isAnswered(): boolean {
    return this.base?.answered !== undefined;
  }

  /** A member as filters see it. */
  element(id: string): ScimValue {
    const answered = this.base?.answered?.(id);
    if (answered !== undefined) return answered;
    const type = this.added.get(id)?.type ?? this.base?.typeOf?.(id);
    return type === undefined ? { value: id } : { value: id, type };
  }

  add(member: Member): void {
    compareType(member, this.base?.typeOf?.(member.value), this.tolerance);
    if (this.removed.delete(member.value)) return;
    if (!this.base?.has(member.value)) this.added.set(member.value, member);
  }

  /** Returns whether it was a member. */
  remove(id: string): boolean {
    if (this.added.delete(id)) return true;
    if (this.removed.has(id) || !this.base?.has(id)) return false;
    this.removed.add(id);
    return true;
  }

  /** Makes the set exactly these members. Visits the set once. */
  replaceAll(members: readonly Member[]): void {
    const wanted = new Map(members.map((member) => [member.value, member]));
    this.added.clear();
    this.removed.clear();
    for (const id of this.base?.ids() ?? []) {
      const member = wanted.get(id);
      if (member === undefined) {
        this.removed.add(id);
        continue;
      }
      compareType(member, this.base?.typeOf?.(id), this.tolerance);
      wanted.delete(id);
    }
    for (const [id, member] of wanted) this.added.set(id, member);
  }

  *ids(): Iterable<string> {
    for (const id of this.base?.ids() ?? []) if (!this.removed.has(id)) yield id;
    yield* this.added.keys();
  }

  delta(): { added: readonly Member[]; removed: readonly string[] } {
    return { added: [...this.added.values()], removed: [...this.removed] };
  }
}

/** A member set over ids in memory, for callers that have no index of their own. */
export function memberSet(ids: Iterable<string>): MemberSet {
  const set = new Set(ids);
  return { size: set.size, has: (id) => set.has(id), ids: () => set };
}

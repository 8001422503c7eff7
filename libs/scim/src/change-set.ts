// What a SCIM write means: the next resource and exactly what differs, before any command is made from it.

export type ScimValue = string | number | boolean | null | ScimValue[] | { [key: string]: ScimValue };

/** A resource's attributes under their schema-cased names; extensions under their URN. Without `schemas`, id, meta. */
export type ScimAttributes = { [key: string]: ScimValue };

/** Members of a group, or agents of an application, as the engine needs them: membership tests and the size, never a scan. */
export interface MemberSet {
  readonly size: number;
  has(id: string): boolean;
  ids(): Iterable<string>;
  /** The type of its resource, such as `User`, where that is known: only filters over `members.type` ask. */
  typeOf?(id: string): string | undefined;
  /** A member as it is answered, or would be once it is added, where it was looked up: only filters over its name or URL ask. */
  answered?(id: string): ScimValue | undefined;
}

export interface Member {
  readonly value: string;
  /** The type of its resource, such as `User`. */
  readonly type?: string;
}

/**
 * Compares what the client said the members to add are with what they are: to be called before they are recorded. One that
 * is said to be something else counts as a quirk; what it is, it stays.
 * @throws ScimError invalidValue in the strict dialect
 */
export type TypeCheck = (members: readonly { readonly id: string; readonly type: string }[]) => void;

export interface AttributeChange {
  /** `displayName`, `name.givenName`, `urn:…:User:department`. */
  readonly path: string;
  readonly before: ScimValue | undefined;
  readonly after: ScimValue | undefined;
}

/** The meaning of one write. `noop` means that nothing at all changed: append nothing, keep the ETag. */
export interface ChangeSet {
  readonly next: ScimAttributes;
  readonly changes: readonly AttributeChange[];
  /** Only for a resource type with members; already net of members that were present or absent before. */
  readonly members: { readonly added: readonly Member[]; readonly removed: readonly string[] };
  readonly noop: boolean;
  readonly checkTypes: TypeCheck;
  /** Deviations from the RFCs that the lenient dialect accepted, by name, with how often each was met. */
  readonly quirks: Readonly<Record<string, number>>;
}

export type Dialect = 'lenient' | 'strict';

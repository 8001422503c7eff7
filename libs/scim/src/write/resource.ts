// Reads the body of a POST or PUT into attributes under their schema-cased names (RFC 7644 sections 3.3 and 3.5.1).
import type { Dialect, Member, ScimAttributes, ScimValue, TypeCheck } from '../change-set.js';
import { ScimError } from '../errors.js';
import { findAttribute } from '../filter/compile.js';
import { parseAttributePath } from '../filter/parse.js';
import { isObject, safeObject } from '../json-safety.js';
import { Tolerance } from '../quirks.js';
import type { Attribute, Extension, ResourceType } from '../schema/resource-type.js';
import { requireComplete, valueOf } from './draft.js';
import { sameValue } from './equality.js';
import { readMembers, typeCheckOf } from './members.js';
import { checkSchemas } from './schemas-list.js';
import { readValue } from './value.js';

export interface WriteOptions {
  /** Default `lenient`. */
  readonly dialect?: Dialect;
}

/** A resource as a client asks for it, with defaults filled in. */
export interface ParsedResource {
  readonly attributes: ScimAttributes;
  /** Undefined for a type without members. */
  readonly members?: readonly Member[];
  readonly checkTypes: TypeCheck;
  readonly quirks: Readonly<Record<string, number>>;
}

/** What a body says, and nothing it does not say. */
export interface Statement {
  readonly attributes: ScimAttributes;
  readonly members: readonly Member[] | undefined;
  /** Those that it says are without a value. */
  readonly emptied: ReadonlySet<Attribute>;
}

class StatementReader {
  private readonly attributes: ScimAttributes = {};
  private members: readonly Member[] | undefined;
  private readonly emptied = new Set<Attribute>();

  constructor(
    private readonly type: ResourceType,
    private readonly tolerance: Tolerance,
  ) {}

  read(body: { [key: string]: ScimValue }): Statement {
    for (const key of Object.keys(body)) this.readKey(key, body[key] as ScimValue, body);
    return { attributes: this.attributes, members: this.members, emptied: this.emptied };
  }

  private readKey(key: string, raw: ScimValue, body: { [key: string]: ScimValue }): void {
    const attribute = this.type.attributes.get(key);
    if (attribute !== undefined) return this.readAttribute(attribute, raw);
    const extension = this.type.extension(key);
    if (extension !== undefined) return this.readExtension(extension, raw, body);
    if (key.toLowerCase() === this.type.schema.id.toLowerCase()) return this.readCore(raw, body);
    const path = key.includes('.') || key.includes(':') ? parseAttributePath(key) : undefined;
    const found = path === undefined ? undefined : findAttribute(this.type, path);
    if (found === undefined) return this.unknown(key);
    this.tolerance.tolerate('dotted-key', () =>
      ScimError.invalidSyntax('A key of the body is a path, not an attribute name.'),
    );
    if (found.sub === undefined) return this.readAttribute(found.attribute, raw);
    const sub = { [found.sub.name]: raw };
    this.readAttribute(found.attribute, found.attribute.multiValued ? [sub] : sub);
  }

  /** The URN of the core schema in the place of an attribute: what it holds is meant for the resource itself. */
  private readCore(raw: ScimValue, body: { [key: string]: ScimValue }): void {
    const wrong = () =>
      ScimError.invalidSyntax(`The attributes of ${this.type.schema.id} stand in the resource itself.`);
    if (!isObject(raw)) throw wrong();
    this.tolerance.tolerate('core-schema-as-key', wrong);
    for (const key of Object.keys(raw)) this.readKey(key, raw[key] as ScimValue, body);
  }

  private unknown(key: string): void {
    const quirk = /^(urn:|https?:)/i.test(key) ? 'unknown-schema' : 'unknown-attribute';
    this.tolerance.tolerate(quirk, () => ScimError.invalidSyntax(`${this.type.name} has no such attribute.`));
  }

  private readExtension(extension: Extension, raw: ScimValue, body: { [key: string]: ScimValue }): void {
    if (raw === null) return;
    if (!isObject(raw)) throw ScimError.invalidSyntax(`${extension.urn} must be an object.`);
    if (!Array.isArray(body.schemas) || !body.schemas.includes(extension.urn)) {
      this.tolerance.tolerate('schemas-missing', () =>
        ScimError.invalidSyntax(`"schemas" must list ${extension.urn}.`),
      );
    }
    for (const key of Object.keys(raw)) {
      const attribute = extension.attributes.get(key);
      if (attribute === undefined) this.unknown(key);
      else this.readAttribute(attribute, raw[key] as ScimValue);
    }
  }

  private readAttribute(attribute: Attribute, raw: ScimValue): void {
    if (attribute.mutability === 'readOnly') return;
    if (attribute.mutability === 'writeOnly') return this.tolerance.note('unsolicited-password');
    // Serializers say null of whatever their client knows nothing of; an empty list is said on purpose.
    if (raw === null && attribute.keptByPut) return;
    if (attribute === this.type.members) {
      if (this.members !== undefined) throw ScimError.invalidSyntax(`${attribute.path} is given twice.`);
      this.members = readMembers(attribute, raw, this.tolerance);
      return;
    }
    const value = readValue(attribute, raw, this.tolerance);
    if (value === undefined) this.emptied.add(attribute);
    else this.assign(attribute, value);
  }

  private assign(attribute: Attribute, value: ScimValue): void {
    const before = valueOf(this.attributes, attribute);
    let next = value;
    if (before !== undefined && !sameValue(before, value)) {
      // `name.givenName` beside `name.familyName`; anything else given twice is a contradiction.
      if (!isObject(before) || !isObject(value)) throw ScimError.invalidSyntax(`${attribute.path} is given twice.`);
      next = { ...before, ...value };
    }
    if (attribute.urn === undefined) this.attributes[attribute.name] = next;
    else ((this.attributes[attribute.urn] ??= {}) as ScimAttributes)[attribute.name] = next;
  }
}

/** Reads a body without judging what is missing from it. */
export function readStatement(type: ResourceType, body: unknown, tolerance: Tolerance): Statement {
  const safe = safeObject(body);
  checkSchemas(safe, type.schema.id, (urn) => type.extension(urn) !== undefined, tolerance);
  return new StatementReader(type, tolerance).read(safe);
}

/** Every attribute a client may write, of the core schema and the extensions. */
export function* writableAttributes(type: ResourceType): Iterable<Attribute> {
  const levels = [type.attributes, ...type.extensions.map((extension) => extension.attributes)];
  for (const level of levels) {
    for (const attribute of level.list) {
      const { mutability } = attribute;
      if (mutability !== 'readOnly' && mutability !== 'writeOnly' && attribute !== type.members) yield attribute;
    }
  }
}

/**
 * Reads the body of a POST. Read-only attributes are ignored; a password is accepted and never kept.
 * @throws ScimError invalidSyntax or invalidValue
 */
export function parseResource(type: ResourceType, body: unknown, options: WriteOptions = {}): ParsedResource {
  const tolerance = new Tolerance(options.dialect);
  const { attributes, members } = readStatement(type, body, tolerance);
  for (const attribute of writableAttributes(type)) {
    if (
      attribute.defaultValue !== undefined &&
      valueOf(attributes, attribute) === undefined &&
      attribute.urn === undefined
    ) {
      attributes[attribute.name] = attribute.defaultValue;
    }
    if (attribute.urn === undefined || attributes[attribute.urn] !== undefined) {
      requireComplete(attribute, valueOf(attributes, attribute), attribute.requiredToCreate);
    }
  }
  for (const extension of type.extensions) {
    if (extension.required && attributes[extension.urn] === undefined) {
      throw ScimError.invalidValue(`${extension.urn} is required.`);
    }
  }
  return {
    attributes,
    ...(type.members === undefined ? {} : { members: members ?? [] }),
    checkTypes: typeCheckOf(members ?? [], tolerance),
    quirks: tolerance.counts,
  };
}

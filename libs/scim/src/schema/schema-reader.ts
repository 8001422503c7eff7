// Reads schemas as an operator writes them, and collects everything that is wrong with them.
import { isPrototypeKey } from '../json-safety.js';
import type { AttributeDefinition, AttributeType, ResourceTypeDefinition, SchemaDefinition } from './definition.js';

type Json = Readonly<Record<string, unknown>>;

const types: readonly AttributeType[] = [
  'string',
  'boolean',
  'decimal',
  'integer',
  'dateTime',
  'reference',
  'binary',
  'complex',
];
const flags = ['multiValued', 'required', 'caseExact'] as const;
const lists = ['canonicalValues', 'referenceTypes'] as const;
const schemaKeys = new Set(['id', 'name', 'description', 'attributes']);
const attributeKeys: ReadonlySet<string> = new Set([
  'name',
  'type',
  'description',
  'mutability',
  'returned',
  'subAttributes',
  ...flags,
  ...lists,
]);
const URN = /^urn:[a-z0-9][a-z0-9-]{1,31}(:[\w.-]+)+$/i;
const NAME = /^[A-Za-z][\w-]{0,99}$/;

/** Of the attributes of a resource type's own schema. */
export const uniqueAttributeKeys: ReadonlySet<string> = new Set([...attributeKeys, 'uniqueness']);

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

export class SchemaReader {
  /** One sentence each, with the place in the document. */
  readonly problems: string[] = [];

  constructor(protected readonly standard: readonly ResourceTypeDefinition[]) {}

  /** @param keys what may be said of its attributes */
  protected schema(at: string, value: unknown, keys = attributeKeys): SchemaDefinition {
    const { id, name, description, attributes } = this.object(at, value, schemaKeys);
    if (typeof id !== 'string' || !URN.test(id)) this.problem(`${at}.id`, 'must be a URN');
    else if (this.isStandard(id)) this.problem(`${at}.id`, 'is that of a standard schema: choose another');
    if (typeof name !== 'string' || name === '') this.problem(`${at}.name`, 'must be a name');
    this.optionalText(`${at}.description`, description);
    return {
      id: String(id),
      name: String(name),
      ...(typeof description === 'string' ? { description } : {}),
      attributes: this.attributes(`${at}.attributes`, attributes, types, keys),
    };
  }

  private isStandard(id: string): boolean {
    const schemas = this.standard.flatMap(({ schema, extensions = [] }) => [
      schema,
      ...extensions.map((e) => e.schema),
    ]);
    return schemas.some((schema) => schema.id.toLowerCase() === id.toLowerCase());
  }

  private attributes(
    at: string,
    value: unknown,
    allowed: readonly AttributeType[],
    keys = attributeKeys,
  ): AttributeDefinition[] {
    if (!Array.isArray(value) || value.length === 0) {
      this.problem(at, 'must be a list of at least one attribute');
      return [];
    }
    const read = value.map((attribute, i) => this.attribute(`${at}[${i}]`, attribute, allowed, keys));
    const names = read.map(({ name }) => name.toLowerCase());
    if (new Set(names).size < names.length) this.problem(at, 'has two attributes with one name');
    return read;
  }

  /** What is said of an attribute is enforced, or it is refused here. */
  private attribute(
    at: string,
    value: unknown,
    allowed: readonly AttributeType[],
    keys: ReadonlySet<string>,
  ): AttributeDefinition {
    const given = this.object(at, value, keys);
    const { name, type = 'string', description, mutability, returned, uniqueness, subAttributes } = given;
    if (typeof name !== 'string' || !NAME.test(name) || isPrototypeKey(name)) {
      this.problem(`${at}.name`, 'must be letters, digits, "_" and "-", with a letter first');
    }
    this.oneOf(`${at}.type`, type, allowed);
    this.optionalText(`${at}.description`, description);
    if (mutability !== undefined) this.oneOf(`${at}.mutability`, mutability, ['readWrite', 'immutable']);
    if (returned !== undefined) this.oneOf(`${at}.returned`, returned, ['default', 'request', 'always']);
    if (uniqueness !== undefined) this.oneOf(`${at}.uniqueness`, uniqueness, ['none', 'server']);
    if (uniqueness === 'server' && (type !== 'string' || given.multiValued === true)) {
      this.problem(`${at}.uniqueness`, 'can be kept for single strings only');
    }
    for (const flag of flags) {
      if (given[flag] !== undefined && typeof given[flag] !== 'boolean')
        this.problem(`${at}.${flag}`, 'must be true or false');
    }
    for (const list of lists) {
      if (given[list] !== undefined && !isTexts(given[list])) this.problem(`${at}.${list}`, 'must be a list of texts');
    }
    if ((type === 'complex') !== (subAttributes !== undefined)) {
      this.problem(`${at}.subAttributes`, 'must be there for type "complex" and for no other');
    }
    if (type !== 'complex') return given as unknown as AttributeDefinition;
    const simple = types.filter((one) => one !== 'complex');
    const subs = this.attributes(`${at}.subAttributes`, subAttributes, simple);
    return { ...(given as unknown as AttributeDefinition), subAttributes: subs };
  }

  protected object(at: string, value: unknown, known: ReadonlySet<string>): Json {
    if (!isObject(value)) {
      this.problem(at, 'must be an object');
      return {};
    }
    const unknown = Object.keys(value).filter((key) => !known.has(key));
    if (unknown.length > 0) this.problem(at, `may only say ${[...known].map((key) => `"${key}"`).join(', ')}`);
    return value;
  }

  protected optionalText(at: string, value: unknown): void {
    if (value !== undefined && typeof value !== 'string') this.problem(at, 'must be a text');
  }

  private oneOf(at: string, value: unknown, allowed: readonly string[]): void {
    if (!allowed.includes(value as string)) this.problem(at, `must be one of ${allowed.join(', ')}`);
  }

  protected problem(at: string, says: string): void {
    this.problems.push(`${at} ${says}.`);
  }
}

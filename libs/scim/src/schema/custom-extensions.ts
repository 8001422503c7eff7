// Reads the extensions that an operator adds to resource types, per tenant, and lists everything that is wrong with them.
import { isPrototypeKey } from '../json-safety.js';
import type { AttributeDefinition, AttributeType, ResourceTypeDefinition, SchemaDefinition } from './definition.js';
import { standardTypes } from './registry.js';

/** Extensions by tenant and by the name of the resource type; `*` stands for every tenant. */
export type CustomExtensions = ReadonlyMap<string, ReadonlyMap<string, readonly SchemaDefinition[]>>;

export interface ReadExtensions {
  readonly extensions: CustomExtensions;
  /** One sentence each, with the place in the document; empty when the document can be used. */
  readonly problems: readonly string[];
}

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
const attributeKeys = new Set([
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

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

class Reader {
  readonly problems: string[] = [];

  constructor(private readonly standard: readonly ResourceTypeDefinition[]) {}

  document(value: unknown): CustomExtensions {
    const read = new Map<string, Map<string, readonly SchemaDefinition[]>>();
    if (!isObject(value)) {
      this.problems.push('The document must be a JSON object of tenants.');
      return read;
    }
    for (const [tenant, byType] of Object.entries(value)) read.set(tenant, this.tenant(`"${tenant}"`, byType));
    return read;
  }

  private tenant(at: string, value: unknown): Map<string, readonly SchemaDefinition[]> {
    const read = new Map<string, readonly SchemaDefinition[]>();
    if (!isObject(value)) this.problem(at, 'must be an object of resource types');
    else
      for (const [name, schemas] of Object.entries(value)) {
        const known = this.standard.some((type) => type.name === name);
        if (!known)
          this.problem(at, `has a resource type that is none of ${this.standard.map((t) => t.name).join(', ')}`);
        else read.set(name, this.schemas(`${at}.${name}`, schemas));
      }
    return read;
  }

  private schemas(at: string, value: unknown): SchemaDefinition[] {
    if (!Array.isArray(value)) {
      this.problem(at, 'must be a list of schemas');
      return [];
    }
    const read = value.map((schema, i) => this.schema(`${at}[${i}]`, schema));
    const ids = read.map(({ id }) => id.toLowerCase());
    if (new Set(ids).size < ids.length) this.problem(at, 'has two schemas with one "id"');
    return read;
  }

  private schema(at: string, value: unknown): SchemaDefinition {
    const { id, name, description, attributes } = this.object(at, value, schemaKeys);
    if (typeof id !== 'string' || !URN.test(id)) this.problem(`${at}.id`, 'must be a URN');
    else if (this.isStandard(id)) this.problem(`${at}.id`, 'is that of a standard schema: choose another');
    if (typeof name !== 'string' || name === '') this.problem(`${at}.name`, 'must be a name');
    this.optionalText(`${at}.description`, description);
    return {
      id: String(id),
      name: String(name),
      ...(typeof description === 'string' ? { description } : {}),
      attributes: this.attributes(`${at}.attributes`, attributes, types),
    };
  }

  private isStandard(id: string): boolean {
    const schemas = this.standard.flatMap(({ schema, extensions = [] }) => [
      schema,
      ...extensions.map((e) => e.schema),
    ]);
    return schemas.some((schema) => schema.id.toLowerCase() === id.toLowerCase());
  }

  private attributes(at: string, value: unknown, allowed: readonly AttributeType[]): AttributeDefinition[] {
    if (!Array.isArray(value) || value.length === 0) {
      this.problem(at, 'must be a list of at least one attribute');
      return [];
    }
    const read = value.map((attribute, i) => this.attribute(`${at}[${i}]`, attribute, allowed));
    const names = read.map(({ name }) => name.toLowerCase());
    if (new Set(names).size < names.length) this.problem(at, 'has two attributes with one name');
    return read;
  }

  /** What is said of an attribute is enforced, or it is refused here. */
  private attribute(at: string, value: unknown, allowed: readonly AttributeType[]): AttributeDefinition {
    const given = this.object(at, value, attributeKeys);
    const { name, type = 'string', description, mutability, returned, subAttributes } = given;
    if (typeof name !== 'string' || !NAME.test(name) || isPrototypeKey(name)) {
      this.problem(`${at}.name`, 'must be letters, digits, "_" and "-", with a letter first');
    }
    this.oneOf(`${at}.type`, type, allowed);
    this.optionalText(`${at}.description`, description);
    if (mutability !== undefined) this.oneOf(`${at}.mutability`, mutability, ['readWrite', 'immutable']);
    if (returned !== undefined) this.oneOf(`${at}.returned`, returned, ['default', 'request', 'always']);
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

  private object(at: string, value: unknown, known: ReadonlySet<string>): Json {
    if (!isObject(value)) {
      this.problem(at, 'must be an object');
      return {};
    }
    const unknown = Object.keys(value).filter((key) => !known.has(key));
    if (unknown.length > 0) this.problem(at, `may only say ${[...known].map((key) => `"${key}"`).join(', ')}`);
    return value;
  }

  private optionalText(at: string, value: unknown): void {
    if (value !== undefined && typeof value !== 'string') this.problem(at, 'must be a text');
  }

  private oneOf(at: string, value: unknown, allowed: readonly string[]): void {
    if (!allowed.includes(value as string)) this.problem(at, `must be one of ${allowed.join(', ')}`);
  }

  private problem(at: string, says: string): void {
    this.problems.push(`${at} ${says}.`);
  }
}

/** Reads `{"<tenant or *>": {"User": [{id, name, attributes: [...]}]}}`. */
export function readExtensions(
  document: unknown,
  standard: readonly ResourceTypeDefinition[] = standardTypes,
): ReadExtensions {
  const reader = new Reader(standard);
  const extensions = reader.document(document);
  return { extensions, problems: reader.problems };
}

/** The resource types of a tenant: the standard ones with what was added for it and for everybody. */
export function typesOf(
  tenant: string,
  extensions: CustomExtensions,
  standard: readonly ResourceTypeDefinition[] = standardTypes,
): readonly ResourceTypeDefinition[] {
  return standard.map((type) => {
    const own = extensions.get(tenant)?.get(type.name) ?? [];
    const ids = new Set(own.map(({ id }) => id.toLowerCase()));
    // What is said for the tenant itself takes the place of what is said for everybody.
    const general = (extensions.get('*')?.get(type.name) ?? []).filter(({ id }) => !ids.has(id.toLowerCase()));
    const added = [...general, ...own].map((schema) => ({ schema }));
    return added.length === 0 ? type : { ...type, extensions: [...(type.extensions ?? []), ...added] };
  });
}

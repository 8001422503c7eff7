// Reads the resource types that an operator adds, per tenant, and lists everything that is wrong with them.
import { commonAttributes } from './common-attributes.js';
import type { ResourceTypeDefinition } from './definition.js';
import { standardTypes } from './registry.js';
import { isObject, SchemaReader, uniqueAttributeKeys } from './schema-reader.js';

/** Resource types by tenant; `*` stands for every tenant. */
export type CustomTypes = ReadonlyMap<string, readonly ResourceTypeDefinition[]>;

export interface ReadTypes {
  readonly types: CustomTypes;
  /** One sentence each, with the place in the document; empty when the document can be used. */
  readonly problems: readonly string[];
}

const typeKeys = new Set(['name', 'endpoint', 'description', 'schema', 'extensions']);
const NAME = /^[A-Za-z]\w{0,63}$/;
const ENDPOINT = /^\/[A-Za-z][\w-]{0,63}$/;
/** Paths that are no resource type's. */
const TAKEN = ['/me', '/bulk', '/schemas', '/resourcetypes', '/serviceproviderconfig'];

class Reader extends SchemaReader {
  document(value: unknown): CustomTypes {
    const read = new Map<string, readonly ResourceTypeDefinition[]>();
    if (!isObject(value)) {
      this.problems.push('The document must be a JSON object of tenants.');
      return read;
    }
    for (const [tenant, types] of Object.entries(value)) read.set(tenant, this.tenant(`"${tenant}"`, types));
    this.mustDiffer([...read].flatMap(([tenant, types]) => types.map((type) => ({ tenant, type }))));
    return read;
  }

  private tenant(at: string, value: unknown): ResourceTypeDefinition[] {
    if (Array.isArray(value)) return value.map((type, i) => this.type(`${at}[${i}]`, type));
    this.problem(at, 'must be a list of resource types');
    return [];
  }

  private type(at: string, value: unknown): ResourceTypeDefinition {
    const { name, endpoint, description, schema, extensions = [] } = this.object(at, value, typeKeys);
    if (typeof name !== 'string' || !NAME.test(name)) {
      this.problem(`${at}.name`, 'must be letters, digits and "_", with a letter first');
    }
    if (typeof endpoint !== 'string' || !ENDPOINT.test(endpoint)) {
      this.problem(`${at}.endpoint`, 'must be "/" and letters, digits, "_" and "-", with a letter first');
    } else if (TAKEN.includes(endpoint.toLowerCase())) this.problem(`${at}.endpoint`, 'is taken: choose another');
    this.optionalText(`${at}.description`, description);
    if (!Array.isArray(extensions)) this.problem(`${at}.extensions`, 'must be a list of schemas');
    return {
      name: String(name),
      endpoint: String(endpoint),
      ...(typeof description === 'string' ? { description } : {}),
      schema: this.core(`${at}.schema`, schema),
      extensions: Array.isArray(extensions)
        ? extensions.map((one, i) => ({ schema: this.schema(`${at}.extensions[${i}]`, one) }))
        : [],
    };
  }

  private core(at: string, value: unknown) {
    const schema = this.schema(at, value, uniqueAttributeKeys);
    const common = new Set(commonAttributes.map(({ name }) => name.toLowerCase()));
    if (schema.attributes.some(({ name }) => common.has(String(name).toLowerCase()))) {
      this.problem(`${at}.attributes`, 'has one that every resource has');
    }
    return schema;
  }

  /** A name, an endpoint or a schema is that of one type, whichever tenants have it. */
  private mustDiffer(all: readonly { readonly tenant: string; readonly type: ResourceTypeDefinition }[]): void {
    const standard = this.standard.map((type) => ({ tenant: '*', type }));
    const known = [...standard, ...all];
    for (const [i, { tenant, type }] of known.entries()) {
      for (const other of known.slice(0, i)) {
        const isSame = other.type.name === type.name && other.type.endpoint === type.endpoint;
        const together = [tenant, other.tenant].includes('*') || tenant === other.tenant;
        if (isSame && !together) continue;
        if (clash(type, other.type)) this.problem(`"${tenant}"`, `has a type that clashes with ${other.type.name}`);
      }
    }
  }
}

const alike = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const urnsOf = ({ schema, extensions = [] }: ResourceTypeDefinition): string[] =>
  [schema, ...extensions.map((extension) => extension.schema)].map(({ id }) => id.toLowerCase());

const clash = (one: ResourceTypeDefinition, other: ResourceTypeDefinition): boolean =>
  alike(one.name, other.name) ||
  alike(one.endpoint, other.endpoint) ||
  urnsOf(other).includes(one.schema.id.toLowerCase());

/** Reads `{"<tenant or *>": [{name, endpoint, schema: {id, name, attributes: [...]}, extensions: [...]}]}`. */
export function readResourceTypes(document: unknown): ReadTypes {
  const reader = new Reader(standardTypes);
  const types = reader.document(document);
  return { types, problems: reader.problems };
}

/** What a tenant has beside the standard types. */
export const customTypesOf = (tenant: string, types: CustomTypes): readonly ResourceTypeDefinition[] => [
  ...(types.get('*') ?? []),
  ...(tenant === '*' ? [] : (types.get(tenant) ?? [])),
];

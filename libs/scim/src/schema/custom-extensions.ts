// Reads the extensions that an operator adds to resource types, per tenant, and lists everything that is wrong with them.
import type { ResourceTypeDefinition, SchemaDefinition } from './definition.js';
import { standardTypes } from './registry.js';
import { isObject, SchemaReader } from './schema-reader.js';

/** Extensions by tenant and by the name of the resource type; `*` stands for every tenant. */
export type CustomExtensions = ReadonlyMap<string, ReadonlyMap<string, readonly SchemaDefinition[]>>;

export interface ReadExtensions {
  readonly extensions: CustomExtensions;
  /** One sentence each, with the place in the document; empty when the document can be used. */
  readonly problems: readonly string[];
}

class Reader extends SchemaReader {
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

// Compiles definitions into lookups by lower-cased name, so that a request costs map reads and no searching.
import type { ScimValue } from '../change-set.js';
import type {
  AttributeDefinition,
  AttributeType,
  Mutability,
  ResourceTypeDefinition,
  Returned,
  SchemaDefinition,
  Uniqueness,
} from './definition.js';
import { commonAttributes } from './common-attributes.js';

/** A compiled attribute. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly required: boolean;
  /** Of a creation; so is all that is {@link required}. */
  readonly requiredToCreate: boolean;
  readonly caseExact: boolean;
  readonly mutability: Mutability;
  readonly returned: Returned;
  readonly uniqueness: Uniqueness;
  readonly defaultValue: ScimValue | undefined;
  /** Whether a PUT that omits it keeps its values. */
  readonly keptByPut: boolean;
  /** `displayName`, `name.givenName`, `urn:…:User:manager.value`. */
  readonly path: string;
  /** The extension it belongs to; undefined for the core schema. */
  readonly urn: string | undefined;
  readonly subAttributes: Attributes;
  readonly definition: AttributeDefinition;
}

/** Attributes of one level, found by name in any case. */
export class Attributes {
  private readonly byName = new Map<string, Attribute>();

  constructor(readonly list: readonly Attribute[]) {
    for (const attribute of list) {
      for (const name of [attribute.name, ...(attribute.definition.aliases ?? [])]) {
        this.byName.set(name, attribute);
        this.byName.set(name.toLowerCase(), attribute);
      }
    }
  }

  get(name: string): Attribute | undefined {
    return this.byName.get(name) ?? this.byName.get(name.toLowerCase());
  }
}

export interface Extension {
  readonly urn: string;
  readonly required: boolean;
  readonly schema: SchemaDefinition;
  readonly attributes: Attributes;
}

/** A compiled resource type. */
export interface ResourceType {
  readonly name: string;
  readonly endpoint: string;
  readonly description: string;
  readonly schema: SchemaDefinition;
  /** The common attributes (schemas, id, externalId, meta) and those of the core schema, in the order of an answer. */
  readonly attributes: Attributes;
  readonly extensions: readonly Extension[];
  /** The attribute kept as a member set, if the type has one. */
  readonly members: Attribute | undefined;
  /** Finds an extension by its URN in any case. */
  extension(urn: string): Extension | undefined;
  /** Splits `urn:…:User:name.x` at a URN of this type; undefined if the text starts with none of them. */
  splitUrn(text: string): { readonly extension: Extension | undefined; readonly rest: string } | undefined;
}

function compileAttribute(definition: AttributeDefinition, prefix: string, urn: string | undefined): Attribute {
  const path = prefix + definition.name;
  const subs = (definition.subAttributes ?? []).map((sub) => compileAttribute(sub, `${path}.`, urn));
  return {
    name: definition.name,
    type: definition.type ?? 'string',
    multiValued: definition.multiValued ?? false,
    required: definition.required ?? false,
    requiredToCreate: definition.requiredToCreate ?? definition.required ?? false,
    caseExact: definition.caseExact ?? false,
    mutability: definition.mutability ?? 'readWrite',
    returned: definition.returned ?? 'default',
    uniqueness: definition.uniqueness ?? 'none',
    defaultValue: definition.defaultValue,
    keptByPut: definition.keptByPut ?? false,
    path,
    urn,
    subAttributes: new Attributes(subs),
    definition,
  };
}

/**
 * Compiles a resource type.
 * @throws Error if the definition contradicts itself (it is configuration, not a request).
 */
export function compileResourceType(definition: ResourceTypeDefinition): ResourceType {
  const core = [...commonAttributes, ...definition.schema.attributes].map((a) => compileAttribute(a, '', undefined));
  const attributes = new Attributes(core);
  const extensions = (definition.extensions ?? []).map(({ schema, required = false }): Extension => {
    const list = schema.attributes.map((a) => compileAttribute(a, `${schema.id}:`, schema.id));
    return { urn: schema.id, required, schema, attributes: new Attributes(list) };
  });
  const members = definition.memberAttribute === undefined ? undefined : attributes.get(definition.memberAttribute);
  if (definition.memberAttribute !== undefined && !members?.multiValued) {
    throw new Error(`${definition.name}: memberAttribute must name a multi-valued attribute`);
  }
  const urns = [
    { prefix: definition.schema.id.toLowerCase(), extension: undefined },
    ...extensions.map((extension) => ({ prefix: extension.urn.toLowerCase(), extension })),
  ];
  const byUrn = new Map(extensions.map((extension) => [extension.urn.toLowerCase(), extension]));

  return {
    name: definition.name,
    endpoint: definition.endpoint,
    description: definition.description ?? definition.name,
    schema: definition.schema,
    attributes,
    extensions,
    members,
    extension: (urn) => byUrn.get(urn.toLowerCase()),
    splitUrn(text) {
      const lower = text.toLowerCase();
      for (const { prefix, extension } of urns) {
        if (!lower.startsWith(prefix)) continue;
        if (lower.length === prefix.length) return { extension, rest: '' };
        if (lower[prefix.length] === ':') return { extension, rest: text.slice(prefix.length + 1) };
      }
      return undefined;
    },
  };
}

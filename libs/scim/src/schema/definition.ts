// The shape of schema and resource type definitions (RFC 7643 sections 6 and 7): plain data, so that a custom type is configuration.
import type { ScimValue } from '../change-set.js';

export type AttributeType =
  'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex';
export type Mutability = 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
export type Returned = 'always' | 'never' | 'default' | 'request';
export type Uniqueness = 'none' | 'server' | 'global';

/** What is left out has the default of RFC 7643 section 2.2. */
export interface AttributeDefinition {
  readonly name: string;
  /** Default `string`. */
  readonly type?: AttributeType;
  readonly multiValued?: boolean;
  readonly description?: string;
  readonly required?: boolean;
  /** A creation cannot do without it, though it may be removed later: `required` says more, and is what /Schemas shows. */
  readonly requiredToCreate?: boolean;
  readonly caseExact?: boolean;
  readonly mutability?: Mutability;
  readonly returned?: Returned;
  readonly uniqueness?: Uniqueness;
  readonly subAttributes?: readonly AttributeDefinition[];
  readonly referenceTypes?: readonly string[];
  readonly canonicalValues?: readonly string[];
  /** Other spellings accepted on input; the value is kept under `name`. */
  readonly aliases?: readonly string[];
  /** Set at creation when absent. Such an attribute can never be unassigned, and a PUT that omits it keeps it. */
  readonly defaultValue?: ScimValue;
  /**
   * Whether a PUT that omits it or says null of it keeps its values, because they are written from elsewhere too. An empty list
   * takes them away. Default false.
   */
  readonly keptByPut?: boolean;
}

export interface SchemaDefinition {
  /** The schema's URN. */
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly attributes: readonly AttributeDefinition[];
}

export interface ResourceTypeDefinition {
  readonly name: string;
  /** Path below the base URL, such as `/Users`. */
  readonly endpoint: string;
  readonly description?: string;
  readonly schema: SchemaDefinition;
  readonly extensions?: readonly { readonly schema: SchemaDefinition; readonly required?: boolean }[];
  /** The multi-valued attribute that is kept as a member set outside the attributes (`members` of a group). */
  readonly memberAttribute?: string;
}

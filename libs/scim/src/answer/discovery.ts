// ServiceProviderConfig, ResourceTypes and Schemas, built from the registry and the limits (RFC 7643 sections 5 to 7).
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { limits } from '../limits.js';
import type { Spelling } from '../schema/agent-schema.js';
import type { AttributeDefinition, SchemaDefinition } from '../schema/definition.js';
import type { Registry } from '../schema/registry.js';
import type { ResourceType } from '../schema/resource-type.js';

type Body = { [key: string]: ScimValue };

const configSchema = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig';
const resourceTypeSchema = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';
const schemaSchema = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

/** What the service around the engine offers. */
export interface Features {
  /** The SCIM base URL, without a trailing slash. */
  readonly baseUrl: string;
  readonly bulk: boolean;
  readonly sort: boolean;
  readonly etag: boolean;
  /** Whether there are pages by cursor (RFC 9865) beside those by index. */
  readonly cursor: boolean;
  readonly documentationUri?: string;
  /** Where clients that sign get a bearer token, if anywhere. */
  readonly tokenEndpoint?: string;
}

/** Another way to a bearer token, for a client that signs rather than keep one. */
const clientCredentials = (tokenEndpoint: string): Body => ({
  type: 'oauth2',
  name: 'OAuth client credentials',
  description:
    `A bearer token of an hour from ${tokenEndpoint}: grant_type client_credentials (RFC 6749 section 4.4), the client ` +
    'authenticated by private_key_jwt, a JWT signed with a key that is registered for this connection.',
  specUri: 'https://www.rfc-editor.org/info/rfc7523',
});

/** What this service supports. Every number is the one that is enforced. */
export function serviceProviderConfig(registry: Registry, features: Features): Body {
  const agents = registry.types.some((type) => type.name === 'Agent');
  const applications = registry.types.some((type) => type.name === 'AgenticApplication');
  return {
    schemas: [configSchema],
    ...(features.documentationUri === undefined ? {} : { documentationUri: features.documentationUri }),
    patch: { supported: true },
    bulk: {
      supported: features.bulk,
      maxOperations: features.bulk ? limits.bulkOperations : 0,
      maxPayloadSize: features.bulk ? limits.bulkBytes : 0,
    },
    filter: { supported: true, maxResults: limits.pageMax },
    changePassword: { supported: false },
    sort: { supported: features.sort },
    etag: { supported: features.etag },
    pagination: {
      index: true,
      cursor: features.cursor,
      defaultPaginationMethod: 'index',
      defaultPageSize: limits.pageDefault,
      maxPageSize: limits.pageMax,
      ...(features.cursor ? { cursorTimeout: limits.cursorSeconds } : {}),
    },
    agentExtension: {
      supported: agents || applications,
      agentsSupported: agents,
      agenticApplicationsSupported: applications,
    },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The token issued for this connection, in the Authorization header.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
      ...(features.tokenEndpoint === undefined ? [] : [clientCredentials(features.tokenEndpoint)]),
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${features.baseUrl}/ServiceProviderConfig` },
  };
}

/** One resource type, as answered below /ResourceTypes. */
export function resourceTypeBody(type: ResourceType, baseUrl: string): Body {
  return {
    schemas: [resourceTypeSchema],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.description,
    schema: type.schema.id,
    ...(type.extensions.length === 0
      ? {}
      : { schemaExtensions: type.extensions.map(({ urn, required }) => ({ schema: urn, required })) }),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${type.name}` },
  };
}

function attributeBody(attribute: AttributeDefinition): Body {
  const type = attribute.type ?? 'string';
  const textual = type !== 'boolean' && type !== 'complex' && type !== 'integer' && type !== 'decimal';
  return {
    name: attribute.name,
    type,
    multiValued: attribute.multiValued ?? false,
    description: attribute.description ?? attribute.name,
    required: attribute.required ?? false,
    ...(attribute.canonicalValues === undefined ? {} : { canonicalValues: [...attribute.canonicalValues] }),
    ...(textual ? { caseExact: attribute.caseExact ?? false } : {}),
    mutability: attribute.mutability ?? 'readWrite',
    returned: attribute.returned ?? 'default',
    ...(type === 'boolean' ? {} : { uniqueness: attribute.uniqueness ?? 'none' }),
    ...(attribute.referenceTypes === undefined ? {} : { referenceTypes: [...attribute.referenceTypes] }),
    ...(attribute.subAttributes === undefined ? {} : { subAttributes: attribute.subAttributes.map(attributeBody) }),
  };
}

/** One schema, as answered below /Schemas, with its attributes called as resources are answered. */
export function schemaBody(schema: SchemaDefinition, baseUrl: string, spelling: Spelling = {}): Body {
  return {
    schemas: [schemaSchema],
    id: schema.id,
    name: schema.name,
    description: schema.description ?? schema.name,
    attributes: schema.attributes.map((one) => attributeBody({ ...one, name: spelling[one.name] ?? one.name })),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  };
}

/** Every schema of the registry once, core schemas before extensions. */
export function registrySchemas(registry: Registry): SchemaDefinition[] {
  const all = [
    ...registry.types.map((type) => type.schema),
    ...registry.types.flatMap((type) => type.extensions.map((extension) => extension.schema)),
  ];
  return [...new Map(all.map((schema) => [schema.id.toLowerCase(), schema])).values()];
}

/**
 * Refuses a filter on a discovery endpoint, as RFC 7644 section 4 demands.
 * @throws ScimError 403
 */
export function refuseDiscoveryFilter(query: { readonly filter?: unknown }): void {
  if (query.filter !== undefined) throw ScimError.forbidden('Discovery endpoints take no filter.');
}

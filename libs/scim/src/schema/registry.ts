// The resource types one tenant is served with: per instance, so that two tenants may differ.
import { agentSchema } from './agent-schema.js';
import { applicationSchema } from './application-schema.js';
import type { ResourceTypeDefinition } from './definition.js';
import { groupSchema } from './group-schema.js';
import { identitySchema } from './identity-schema.js';
import { compileResourceType, type ResourceType } from './resource-type.js';
import { enterpriseUserSchema, userSchema } from './user-schema.js';

export interface Registry {
  readonly types: readonly ResourceType[];
  /**
   * Finds a type by its name, such as `User`.
   * @throws Error if there is none.
   */
  type(name: string): ResourceType;
  /** The same, of which there may be none. */
  known(name: string): ResourceType | undefined;
  /** Finds a type by its endpoint in any case, with or without the leading slash. */
  byEndpoint(endpoint: string): ResourceType | undefined;
}

export const userType: ResourceTypeDefinition = {
  name: 'User',
  endpoint: '/Users',
  description: 'User Account',
  schema: userSchema,
  extensions: [{ schema: enterpriseUserSchema }],
};

export const groupType: ResourceTypeDefinition = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  schema: groupSchema,
  memberAttribute: 'members',
};

export const agentType: ResourceTypeDefinition = {
  name: 'Agent',
  endpoint: '/Agents',
  description: 'AI agent',
  schema: agentSchema,
};

export const applicationType: ResourceTypeDefinition = {
  name: 'AgenticApplication',
  endpoint: '/AgenticApplications',
  description: 'Application of AI agents',
  schema: applicationSchema,
  memberAttribute: 'agents',
};

const identityType: ResourceTypeDefinition = {
  name: 'AgenticIdentity',
  endpoint: '/AgenticIdentities',
  description: 'AI agent, by its OAuth clients',
  schema: identitySchema,
};

export const standardTypes: readonly ResourceTypeDefinition[] = [
  userType,
  groupType,
  agentType,
  applicationType,
  identityType,
];

/** Compiles the given types (default: {@link standardTypes}). */
export function createRegistry(definitions: readonly ResourceTypeDefinition[] = standardTypes): Registry {
  const types = definitions.map(compileResourceType);
  const byName = new Map(types.map((type) => [type.name, type]));
  const byEndpoint = new Map(types.map((type) => [type.endpoint.toLowerCase(), type]));
  if (byName.size !== types.length) throw new Error('two resource types have the same name');
  if (byEndpoint.size !== types.length) throw new Error('two resource types have the same endpoint');
  return {
    types,
    type(name) {
      const type = byName.get(name);
      if (type === undefined) throw new Error(`no resource type ${name}`);
      return type;
    },
    known: (name) => byName.get(name),
    byEndpoint: (endpoint) => byEndpoint.get((endpoint.startsWith('/') ? endpoint : `/${endpoint}`).toLowerCase()),
  };
}

// The AgenticIdentity schema: an agent as an earlier draft describes it (draft-wahl-scim-agent-schema-01).
import { agentSchema } from './agent-schema.js';
import type { AttributeDefinition, SchemaDefinition } from './definition.js';

/** Alike in both, as an agent is one thing whatever it is called. */
const alike = new Set(['description', 'active', 'owners', 'groups', 'entitlements', 'roles']);

const oAuthClient: readonly AttributeDefinition[] = [
  { name: 'clientId', caseExact: true, description: 'The client id.' },
  { name: 'description', description: 'What the client is for.' },
  { name: 'issuer', caseExact: true, description: 'The authorization server that knows the client.' },
  { name: 'name', description: 'The name of the client.' },
  { name: 'subject', caseExact: true, description: 'The subject of its tokens.' },
  { name: 'audiences', multiValued: true, caseExact: true, description: 'The audiences of its tokens.' },
];

export const identitySchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:AgenticIdentity',
  name: 'AgenticIdentity',
  description: 'AI agent, by its OAuth clients',
  attributes: [
    { name: 'displayName', required: true, description: 'The name shown to people.' },
    // The draft does not ask for owners.
    ...agentSchema.attributes.filter(({ name }) => alike.has(name)).map((one) => ({ ...one, requiredToCreate: false })),
    {
      name: 'agenticApplicationId',
      caseExact: true,
      description: 'The application it acts in: its id, if it is one of this service.',
    },
    {
      name: 'oAuthClientIdentifiers',
      type: 'complex',
      multiValued: true,
      description: 'The OAuth clients that it acts as.',
      subAttributes: oAuthClient,
    },
  ],
};

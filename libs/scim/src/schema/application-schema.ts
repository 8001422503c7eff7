// The AgenticApplication schema: what agents belong to and lose with it (draft-abbey-scim-agent-extension-00).
import { reference } from './agent-schema.js';
import type { AttributeDefinition, SchemaDefinition } from './definition.js';

const oAuthConnection: readonly AttributeDefinition[] = [
  { name: 'clientId', caseExact: true, description: 'The client id (RFC 6749 section 2.2).' },
  { name: 'description', description: 'What the client is for.' },
  { name: 'audienceUri', caseExact: true, description: 'The "aud" of its tokens (RFC 7519 section 4.1.3).' },
  { name: 'issuerUri', caseExact: true, description: 'The "iss" of its tokens (RFC 7519 section 4.1.1).' },
  {
    name: 'redirectUri',
    type: 'reference',
    multiValued: true,
    caseExact: true,
    referenceTypes: ['uri'],
    description: 'Where it may be redirected to.',
  },
];

export const applicationSchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:AgenticApplication',
  name: 'AgenticApplication',
  description: 'Application of AI agents',
  attributes: [
    { name: 'name', required: true, uniqueness: 'server', description: 'The name of the application.' },
    { name: 'displayName', description: 'The name shown to people.' },
    { name: 'description', description: 'What the application is for.' },
    {
      name: 'active',
      type: 'boolean',
      defaultValue: true,
      description: 'Whether the agents of the application may act.',
    },
    {
      name: 'applicationUrls',
      type: 'complex',
      multiValued: true,
      description: 'Where the application is.',
      subAttributes: [
        { name: 'value', type: 'reference', caseExact: true, referenceTypes: ['external'], description: 'The URL.' },
        {
          name: 'type',
          canonicalValues: ['ssoEndpoint', 'loginPage', 'api', 'homepage'],
          description: 'What the URL is for.',
        },
        { name: 'primary', type: 'boolean', description: 'Whether it is the first of its kind.' },
        { name: 'description', description: 'What is to be said of it.' },
      ],
    },
    {
      name: 'lastAccessed',
      type: 'dateTime',
      mutability: 'readOnly',
      description: 'When the application was last used; not known here.',
    },
    {
      name: 'oAuthConfiguration',
      type: 'complex',
      multiValued: true,
      description: 'The OAuth clients that the application acts as.',
      subAttributes: oAuthConnection,
    },
    {
      name: 'agents',
      type: 'complex',
      multiValued: true,
      // An agent and an application are put together from either side: what one side does not say must not undo the other's word.
      keptByPut: true,
      description: 'The agents that belong to it; changed here or through the agents.',
      subAttributes: reference(['Agent']).map((sub) => ({ mutability: 'immutable', ...sub })),
    },
    {
      name: 'externalIdentifiers',
      type: 'complex',
      multiValued: true,
      description: 'What the application is called elsewhere.',
      subAttributes: [
        { name: 'value', caseExact: true, description: 'The identifier.' },
        { name: 'type', description: 'What kind of identifier it is.' },
        { name: 'system', caseExact: true, description: 'Where it is one.' },
      ],
    },
  ],
};

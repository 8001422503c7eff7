// The AgenticApplication schema: what agents belong to and lose with it (draft-abbey-scim-agent-extension-00).
import { reference } from './agent-schema.js';
import type { SchemaDefinition } from './definition.js';
import { oAuthClient } from './identity-schema.js';

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
        { name: 'type', description: 'What the URL is for.' },
      ],
    },
    {
      name: 'lastAccessed',
      type: 'dateTime',
      mutability: 'readOnly',
      description: 'When the application was last used; not known here.',
    },
    // The draft names the list and leaves open what is in it: these are the words of the identity draft for the same.
    {
      name: 'oAuthConfiguration',
      type: 'complex',
      multiValued: true,
      description: 'The OAuth clients that the application acts as.',
      subAttributes: oAuthClient,
    },
    {
      name: 'agents',
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      description: 'The agents that belong to it; changed through the agents.',
      subAttributes: reference(['Agent']).map((sub) => ({ ...sub, mutability: 'readOnly' as const })),
    },
    {
      name: 'externalIdentifiers',
      type: 'complex',
      multiValued: true,
      description: 'What the application is called elsewhere.',
      subAttributes: [
        { name: 'value', caseExact: true, description: 'The identifier.' },
        { name: 'type', description: 'Where it is one.' },
      ],
    },
  ],
};

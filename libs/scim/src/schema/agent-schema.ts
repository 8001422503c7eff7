// The Agent schema: the union of the two drafts that share its URN (draft-wzdk-scim-agent-resource-00, draft-abbey-scim-agent-extension-00).
import { groupReferences, listSubAttributes } from './common-attributes.js';
import type { AttributeDefinition, SchemaDefinition } from './definition.js';

export const reference = (types: readonly string[]): readonly AttributeDefinition[] => [
  { name: 'value', caseExact: true, description: 'The id.' },
  { name: '$ref', type: 'reference', caseExact: true, referenceTypes: types, description: 'The URL.' },
  { name: 'type', canonicalValues: types, description: 'The resource type.' },
  { name: 'display', mutability: 'readOnly', description: 'A name for people to read.' },
];

/** Answers attributes under other names of theirs: `{agentUserName: 'name'}`. */
export type Spelling = Readonly<Record<string, string>>;

const asName: Spelling = { agentUserName: 'name' };

/** How a client that calls the name of an agent so is answered; undefined: as the schema has it. */
export const spellingOf = (agentNameKey: string | undefined): Spelling | undefined =>
  agentNameKey === 'name' ? asName : undefined;

export const agentSchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Agent',
  name: 'Agent',
  description: 'AI agent',
  attributes: [
    {
      name: 'agentUserName',
      aliases: ['name'],
      required: true,
      uniqueness: 'server',
      description: 'The name of the agent; one of the two drafts calls it "name".',
    },
    { name: 'displayName', description: 'The name shown to people.' },
    { name: 'description', description: 'What the agent is for.' },
    { name: 'active', type: 'boolean', defaultValue: true, description: 'Whether the agent may act.' },
    { name: 'agentType', description: 'The kind of agent.' },
    { name: 'subject', caseExact: true, description: 'The subject the agent authenticates as.' },
    {
      name: 'owners',
      type: 'complex',
      multiValued: true,
      // The last one may be taken away: that suspends the agent.
      requiredToCreate: true,
      description: 'Who answers for the agent.',
      subAttributes: reference(['User', 'Group']),
    },
    // Immutable once set: what an agent loses with its parent must be known from the start.
    {
      name: 'parent',
      type: 'complex',
      mutability: 'immutable',
      description: 'The agent it belongs to.',
      subAttributes: reference(['Agent']),
    },
    {
      name: 'applications',
      type: 'complex',
      multiValued: true,
      keptByPut: true,
      description: 'The applications it belongs to; changed here or through the applications.',
      subAttributes: reference(['AgenticApplication']),
    },
    {
      name: 'protocols',
      type: 'complex',
      multiValued: true,
      description: 'The protocols it speaks.',
      subAttributes: [
        { name: 'type', canonicalValues: ['A2A', 'OpenAPI', 'MCP-Server'], description: 'The protocol.' },
        {
          name: 'specificationUrl',
          type: 'reference',
          caseExact: true,
          referenceTypes: ['external'],
          description: 'Where its specification is.',
        },
      ],
    },
    {
      name: 'groups',
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      description: 'The groups the agent belongs to; changed through the groups.',
      subAttributes: groupReferences,
    },
    {
      name: 'entitlements',
      type: 'complex',
      multiValued: true,
      description: 'Entitlements.',
      subAttributes: listSubAttributes({ description: 'The entitlement.' }),
    },
    {
      name: 'roles',
      type: 'complex',
      multiValued: true,
      description: 'Roles.',
      subAttributes: listSubAttributes({ description: 'The role.' }),
    },
    {
      name: 'x509Certificates',
      type: 'complex',
      multiValued: true,
      description: 'Certificates.',
      subAttributes: listSubAttributes({ type: 'binary', caseExact: true, description: 'DER, base64.' }),
    },
  ],
};

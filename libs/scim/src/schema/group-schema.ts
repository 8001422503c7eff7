// The core Group schema (RFC 7643 section 4.2).
import type { SchemaDefinition } from './definition.js';

export const groupSchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Group',
  attributes: [
    { name: 'displayName', required: true, description: 'The name of the group.' },
    {
      name: 'members',
      type: 'complex',
      multiValued: true,
      description: 'The members of the group.',
      subAttributes: [
        {
          name: 'value',
          caseExact: true,
          mutability: 'immutable',
          required: true,
          description: 'The id of the member.',
        },
        {
          name: '$ref',
          type: 'reference',
          caseExact: true,
          referenceTypes: ['User', 'Group'],
          mutability: 'immutable',
          description: 'The URL of the member.',
        },
        {
          name: 'type',
          mutability: 'immutable',
          canonicalValues: ['User', 'Group'],
          description: 'What the member is.',
        },
        { name: 'display', mutability: 'readOnly', description: 'The name of the member.' },
      ],
    },
  ],
};

// The attributes every resource has (RFC 7643 section 3.1) and the sub-attributes every list has (section 2.4).
import type { AttributeDefinition } from './definition.js';

export const commonAttributes: readonly AttributeDefinition[] = [
  {
    name: 'schemas',
    type: 'reference',
    multiValued: true,
    caseExact: true,
    returned: 'always',
    mutability: 'readOnly',
  },
  { name: 'id', caseExact: true, mutability: 'readOnly', returned: 'always', uniqueness: 'server' },
  // Immutable once set: it is what ties the resource to the connection that provisioned it.
  { name: 'externalId', caseExact: true, mutability: 'immutable' },
  {
    name: 'meta',
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      { name: 'resourceType', caseExact: true, mutability: 'readOnly' },
      { name: 'created', type: 'dateTime', mutability: 'readOnly' },
      { name: 'lastModified', type: 'dateTime', mutability: 'readOnly' },
      { name: 'location', type: 'reference', caseExact: true, mutability: 'readOnly' },
      { name: 'version', caseExact: true, mutability: 'readOnly' },
    ],
  },
];

/** The sub-attributes of a typical list: value, display, type, primary. */
export function listSubAttributes(
  value: Omit<AttributeDefinition, 'name'>,
  types: readonly string[] = [],
): readonly AttributeDefinition[] {
  return [
    { name: 'value', ...value },
    { name: 'display', description: 'A name for people to read.' },
    {
      name: 'type',
      description: 'What the value is used for.',
      ...(types.length === 0 ? {} : { canonicalValues: types }),
    },
    { name: 'primary', type: 'boolean', description: 'At most one value is the primary one.' },
  ];
}

/** The sub-attributes of `groups`, which says what a resource is in (RFC 7643 section 4.1.2). */
export const groupReferences: readonly AttributeDefinition[] = [
  { name: 'value', caseExact: true, mutability: 'readOnly', description: 'The id of the group.' },
  {
    name: '$ref',
    type: 'reference',
    caseExact: true,
    referenceTypes: ['Group'],
    mutability: 'readOnly',
    description: 'The URL of the group.',
  },
  { name: 'display', mutability: 'readOnly', description: 'The name of the group.' },
  {
    name: 'type',
    mutability: 'readOnly',
    canonicalValues: ['direct', 'indirect'],
    description: 'How; only direct memberships are listed.',
  },
];

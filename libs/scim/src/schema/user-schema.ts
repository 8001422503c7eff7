// The core User schema and its enterprise extension (RFC 7643 sections 4.1 and 4.3).
import { groupReferences, listSubAttributes } from './common-attributes.js';
import type { AttributeDefinition, SchemaDefinition } from './definition.js';

const list = (
  name: string,
  description: string,
  subAttributes: readonly AttributeDefinition[],
): AttributeDefinition => ({
  name,
  type: 'complex',
  multiValued: true,
  description,
  subAttributes,
});

export const userSchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'User Account',
  attributes: [
    { name: 'userName', required: true, uniqueness: 'server', description: 'The name a user signs in with.' },
    {
      name: 'name',
      type: 'complex',
      description: 'The components of the user’s name.',
      subAttributes: [
        { name: 'formatted', description: 'The full name.' },
        { name: 'familyName', description: 'The family name.' },
        { name: 'givenName', description: 'The given name.' },
        { name: 'middleName', description: 'The middle names.' },
        { name: 'honorificPrefix', description: 'A title before the name.' },
        { name: 'honorificSuffix', description: 'A title after the name.' },
      ],
    },
    { name: 'displayName', description: 'The name shown to people.' },
    { name: 'nickName', description: 'The casual name.' },
    {
      name: 'profileUrl',
      type: 'reference',
      caseExact: true,
      referenceTypes: ['external'],
      description: 'The user’s online profile.',
    },
    { name: 'title', description: 'The job title.' },
    { name: 'userType', description: 'The relationship to the organisation.' },
    { name: 'preferredLanguage', description: 'The preferred language, as in Accept-Language.' },
    { name: 'locale', description: 'The locale for dates, numbers and currency.' },
    { name: 'timezone', description: 'The time zone in IANA form.' },
    {
      name: 'active',
      type: 'boolean',
      defaultValue: true,
      description: 'Whether the user may act, and agents on the user’s behalf.',
    },
    {
      name: 'password',
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
      description: 'Accepted for compatibility and never kept.',
    },
    list('emails', 'E-mail addresses.', listSubAttributes({ description: 'The address.' }, ['work', 'home', 'other'])),
    list(
      'phoneNumbers',
      'Phone numbers.',
      listSubAttributes({ description: 'The number.' }, ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    ),
    list(
      'ims',
      'Instant messaging addresses.',
      listSubAttributes({ description: 'The address.' }, [
        'aim',
        'gtalk',
        'icq',
        'xmpp',
        'msn',
        'skype',
        'qq',
        'yahoo',
      ]),
    ),
    list(
      'photos',
      'Photos.',
      listSubAttributes(
        { type: 'reference', caseExact: true, referenceTypes: ['external'], description: 'The URL of the photo.' },
        ['photo', 'thumbnail'],
      ),
    ),
    list('addresses', 'Postal addresses.', [
      { name: 'formatted', description: 'The full address.' },
      { name: 'streetAddress', description: 'Street and number.' },
      { name: 'locality', description: 'The city.' },
      { name: 'region', description: 'The state or region.' },
      { name: 'postalCode', description: 'The postal code.' },
      { name: 'country', description: 'The country.' },
      { name: 'type', canonicalValues: ['work', 'home', 'other'], description: 'What the address is used for.' },
      { name: 'primary', type: 'boolean', description: 'At most one address is the primary one.' },
    ]),
    {
      ...list('groups', 'The groups the user belongs to; changed through the groups.', groupReferences),
      mutability: 'readOnly',
    },
    list('entitlements', 'Entitlements.', listSubAttributes({ description: 'The entitlement.' })),
    list('roles', 'Roles.', listSubAttributes({ description: 'The role.' })),
    list(
      'x509Certificates',
      'Certificates.',
      listSubAttributes({ type: 'binary', caseExact: true, description: 'DER, base64.' }),
    ),
  ],
};

export const enterpriseUserSchema: SchemaDefinition = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    { name: 'employeeNumber', description: 'The number within the organisation.' },
    { name: 'costCenter', description: 'The cost centre.' },
    { name: 'organization', description: 'The organisation.' },
    { name: 'division', description: 'The division.' },
    { name: 'department', description: 'The department.' },
    {
      name: 'manager',
      type: 'complex',
      description: 'The user’s manager.',
      subAttributes: [
        { name: 'value', caseExact: true, description: 'The id of the manager.' },
        {
          name: '$ref',
          type: 'reference',
          caseExact: true,
          referenceTypes: ['User'],
          description: 'The URL of the manager.',
        },
        { name: 'displayName', mutability: 'readOnly', description: 'The name of the manager.' },
      ],
    },
  ],
};

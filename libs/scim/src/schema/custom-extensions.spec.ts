// Extensions of an operator's own: what is accepted is enforced, and every problem of a document is named at once.
import { describe, expect, it } from '@jest/globals';
import { compileFilter } from '../filter/compile.js';
import { parseFilter } from '../filter/parse.js';
import { memberSet } from '../write/members.js';
import { patchChangeSet, patchOpSchema } from '../index.js';
import { parseResource } from '../write/resource.js';
import { readExtensions, typesOf } from './custom-extensions.js';
import { createRegistry, standardTypes } from './registry.js';

const urn = 'urn:example:params:scim:schemas:extension:clearance:2.0:User';
const clearance = { id: urn, name: 'Clearance', attributes: [{ name: 'clearedForProdData', type: 'boolean' }] };

const problemsOf = (document: unknown) => readExtensions(document).problems;
const ofAttribute = (attribute: object) => problemsOf({ acme: { User: [{ ...clearance, attributes: [attribute] }] } });

describe('a document of extensions', () => {
  it('adds schemas to the types of a tenant, and to those of everybody', () => {
    const { extensions, problems } = readExtensions({
      acme: { User: [clearance] },
      '*': { User: [{ ...clearance, name: 'General' }], Group: [{ ...clearance, id: `${urn}-group` }] },
    });
    expect(problems).toEqual([]);
    const namesIn = (tenant: string, name: string) =>
      createRegistry(typesOf(tenant, extensions))
        .type(name)
        .extensions.map(({ schema }) => schema.name);
    expect(namesIn('acme', 'User')).toEqual(['EnterpriseUser', 'Clearance']);
    expect(namesIn('globex', 'User')).toEqual(['EnterpriseUser', 'General']);
    expect(namesIn('acme', 'Group')).toEqual(['Clearance']);
    expect(typesOf('acme', new Map())).toEqual(standardTypes);
  });

  it('names all its problems at once, by their places', () => {
    expect(
      problemsOf({
        acme: {
          Printer: [],
          User: [
            { ...clearance, id: 'clearance', extra: 1 },
            { ...clearance, id: 'URN:ietf:params:scim:schemas:extension:enterprise:2.0:User', name: '' },
            { ...clearance, attributes: [] },
            clearance,
          ],
        },
        globex: [],
      }),
    ).toEqual([
      '"acme" has a resource type that is none of User, Group, Agent, AgenticApplication, AgenticIdentity.',
      '"acme".User[0] may only say "id", "name", "description", "attributes".',
      '"acme".User[0].id must be a URN.',
      '"acme".User[1].id is that of a standard schema: choose another.',
      '"acme".User[1].name must be a name.',
      '"acme".User[2].attributes must be a list of at least one attribute.',
      '"acme".User has two schemas with one "id".',
      '"globex" must be an object of resource types.',
    ]);
    expect(problemsOf([])).toEqual(['The document must be a JSON object of tenants.']);
    expect(problemsOf({ acme: { User: {} } })).toEqual(['"acme".User must be a list of schemas.']);
    expect(problemsOf({ acme: { User: [7] } })[0]).toBe('"acme".User[0] must be an object.');
  });

  it.each([
    [{ name: 'a b' }, 'name must be letters'],
    [{ name: 'constructor' }, 'name must be letters'],
    [{ name: 'x', type: 'text' }, 'type must be one of string, boolean'],
    [{ name: 'x', mutability: 'readOnly' }, 'mutability must be one of readWrite, immutable'],
    [{ name: 'x', returned: 'never' }, 'returned must be one of default, request, always'],
    [{ name: 'x', required: 'yes' }, 'required must be true or false'],
    [{ name: 'x', uniqueness: 'server' }, 'may only say'],
    [{ name: 'x', canonicalValues: [1] }, 'canonicalValues must be a list of texts'],
    [{ name: 'x', description: 7 }, 'description must be a text'],
    [{ name: 'x', type: 'complex' }, 'subAttributes must be there for type "complex"'],
    [{ name: 'x', subAttributes: [{ name: 'y' }] }, 'subAttributes must be there for type "complex"'],
    [
      { name: 'x', type: 'complex', subAttributes: [{ name: 'y', type: 'complex', subAttributes: [{ name: 'z' }] }] },
      'subAttributes[0].type must be one of string, boolean, decimal, integer, dateTime, reference, binary.',
    ],
  ])('refuses what would not be enforced: %j', (attribute, problem) => {
    expect(ofAttribute(attribute)[0]).toContain(`"acme".User[0].attributes[0]`);
    expect(ofAttribute(attribute)[0]).toContain(problem);
  });

  it('refuses two attributes that differ in case only', () => {
    const attributes = [{ name: 'level' }, { name: 'Level' }];
    expect(problemsOf({ acme: { User: [{ ...clearance, attributes }] } })).toEqual([
      '"acme".User[0].attributes has two attributes with one name.',
    ]);
  });
});

describe('a resource type of its own', () => {
  const device = {
    name: 'Device',
    endpoint: '/Devices',
    schema: {
      id: 'urn:example:params:scim:schemas:core:2.0:Device',
      name: 'Device',
      attributes: [
        { name: 'displayName', required: true },
        { name: 'active', type: 'boolean', defaultValue: true },
        { name: 'holders', type: 'complex', multiValued: true, subAttributes: [{ name: 'value', caseExact: true }] },
      ],
    },
    memberAttribute: 'holders',
  } as const;
  const type = createRegistry([...standardTypes, device]).type('Device');

  it('is read, filtered and patched like the standard ones', () => {
    const { attributes, members } = parseResource(type, { displayName: 'Lock', holders: [{ value: 'u1' }] });
    expect(attributes).toEqual({ displayName: 'Lock', active: true });
    expect(members).toEqual([{ value: 'u1' }]);
    const matches = compileFilter(parseFilter('holders eq "u1" and active eq true'), type);
    expect(matches({ attributes, members: memberSet(['u1']) })).toBe(true);
    expect(matches({ attributes, members: memberSet(['u2']) })).toBe(false);
    const operations = [{ op: 'remove', path: 'holders[value eq "u1"]' }];
    const body = { schemas: [patchOpSchema], Operations: operations };
    expect(patchChangeSet(type, attributes, memberSet(['u1']), body).members.removed).toEqual(['u1']);
  });
});

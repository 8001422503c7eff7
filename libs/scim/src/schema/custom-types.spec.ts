// Resource types of an operator's own: every problem of a document is named at once, and none can stand for another.
import { describe, expect, it } from '@jest/globals';
import { customTypesOf, readResourceTypes } from './custom-types.js';
import { createRegistry, standardTypes } from './registry.js';

const device = {
  name: 'Device',
  endpoint: '/Devices',
  schema: { id: 'urn:example:params:scim:schemas:core:2.0:Device', name: 'Device', attributes: [{ name: 'label' }] },
};
const problemsOf = (document: unknown) => readResourceTypes(document).problems;
const withAttribute = (attribute: object) =>
  problemsOf({ acme: [{ ...device, schema: { ...device.schema, attributes: [attribute] } }] });

describe('a document of resource types', () => {
  it('adds types to those of a tenant, and to those of everybody', () => {
    const room = { ...device, name: 'Room', endpoint: '/Rooms', schema: { ...device.schema, id: 'urn:example:room' } };
    const { types, problems } = readResourceTypes({ acme: [device], '*': [room] });
    expect(problems).toEqual([]);
    const namesIn = (tenant: string) => customTypesOf(tenant, types).map(({ name }) => name);
    expect([namesIn('acme'), namesIn('globex'), namesIn('*')]).toEqual([['Room', 'Device'], ['Room'], ['Room']]);
    const registry = createRegistry([...standardTypes, ...customTypesOf('acme', types)]);
    expect(registry.byEndpoint('devices')?.name).toBe('Device');
    expect([registry.known('Device')?.endpoint, registry.known('Printer')]).toEqual(['/Devices', undefined]);
  });

  it('may describe one type differently for two tenants', () => {
    const other = { ...device, schema: { ...device.schema, attributes: [{ name: 'other' }] } };
    expect(problemsOf({ acme: [device], globex: [other] })).toEqual([]);
  });

  it('names all its problems at once, by their places', () => {
    expect(problemsOf([])).toEqual(['The document must be a JSON object of tenants.']);
    expect(problemsOf({ acme: {} })).toEqual(['"acme" must be a list of resource types.']);
    expect(problemsOf({ acme: [{ ...device, name: 'a b', endpoint: 'Devices', extra: 1, extensions: {} }] })).toEqual([
      '"acme"[0] may only say "name", "endpoint", "description", "schema", "extensions".',
      '"acme"[0].name must be letters, digits and "_", with a letter first.',
      '"acme"[0].endpoint must be "/" and letters, digits, "_" and "-", with a letter first.',
      '"acme"[0].extensions must be a list of schemas.',
    ]);
    expect(problemsOf({ acme: [{ ...device, endpoint: '/schemas' }] })).toEqual([
      '"acme"[0].endpoint is taken: choose another.',
    ]);
  });

  it.each([
    [[{ ...device, name: 'user' }], 'User'],
    [[{ ...device, endpoint: '/users' }], 'User'],
    [[device, { ...device, name: 'Gadget', endpoint: '/Gadgets' }], 'Device'],
  ])('refuses a type that stands for another: %#', (types, other) => {
    expect(problemsOf({ acme: types })).toEqual([`"acme" has a type that clashes with ${other}.`]);
  });

  it('refuses the same endpoint for two types, also of two tenants', () => {
    const gadget = { ...device, name: 'Gadget', schema: { ...device.schema, id: 'urn:example:gadget' } };
    expect(problemsOf({ acme: [device], globex: [gadget] })).toEqual(['"globex" has a type that clashes with Device.']);
    expect(problemsOf({ acme: [device], '*': [device] })).toHaveLength(1);
  });

  it.each([
    [{ name: 'externalId' }, 'has one that every resource has'],
    [{ name: 'x', uniqueness: 'global' }, 'uniqueness must be one of none, server'],
    [{ name: 'x', type: 'boolean', uniqueness: 'server' }, 'uniqueness can be kept for single strings only'],
    [{ name: 'x', multiValued: true, uniqueness: 'server' }, 'uniqueness can be kept for single strings only'],
    [
      { name: 'x', type: 'complex', subAttributes: [{ name: 'y', uniqueness: 'server' }] },
      'subAttributes[0] may only say',
    ],
  ])('refuses what would not be enforced: %j', (attribute, problem) => {
    expect(withAttribute(attribute)[0]).toContain(problem);
  });
});

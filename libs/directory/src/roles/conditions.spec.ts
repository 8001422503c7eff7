import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readExtensions } from '@app/scim';
import { Logger } from '@nestjs/common';
import { InvalidPolicy } from '../directory.errors.js';
import { PersonTypes } from '../person-types.js';
import { Conditions } from './conditions.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const ada = {
  id: 'ada',
  attributes: {
    userName: 'ada@example.com',
    active: true,
    title: 'Engineer',
    emails: [{ value: 'ada@example.com', type: 'work' }],
    [ENTERPRISE]: { department: 'Engineering', manager: { value: 'grace' } },
    'urn:acme:Access': {
      clearedForProdData: true,
      level: 3,
      code: 'prod',
      until: '2027-01-01T00:00:00+02:00',
      badge: { colour: 'Red' },
      sites: [{ type: 'lab', value: 'Oslo' }],
    },
  },
  groups: [{ value: 'g1', display: 'Ops' }],
};

const attributes = [
  { name: 'clearedForProdData', type: 'boolean' },
  { name: 'level', type: 'integer' },
  { name: 'code', caseExact: true },
  { name: 'until', type: 'dateTime' },
  { name: 'nothing' },
  { name: 'badge', type: 'complex', subAttributes: [{ name: 'colour' }] },
  { name: 'sites', type: 'complex', multiValued: true, subAttributes: [{ name: 'type' }, { name: 'value' }] },
];
const { extensions, problems } = readExtensions({ acme: { User: [{ id: 'urn:acme:Access', name: 'A', attributes }] } });

let conditions: Conditions;
beforeEach(() => {
  expect(problems).toEqual([]);
  conditions = new Conditions(new PersonTypes(extensions));
});
afterEach(() => {
  jest.restoreAllMocks();
});

const holds = (text: string): boolean => conditions.read('acme', text).holds(ada);

describe('a condition', () => {
  it.each([
    [`${ENTERPRISE}:department eq "engineering"`, true],
    [`${ENTERPRISE}:department eq "Sales"`, false],
    [`${ENTERPRISE}:manager.value eq "grace"`, true],
    [`${ENTERPRISE}:department eq "Engineering" and urn:acme:Access:clearedForProdData eq true`, true],
    [`${ENTERPRISE}:department eq "Engineering" and urn:acme:Access:clearedForProdData eq false`, false],
    ['urn:ACME:access:CLEAREDforproddata eq true', true],
    ['urn:acme:Access:level ge 3 and not (urn:acme:Access:level gt 3)', true],
    ['urn:acme:Access:badge.colour eq "red"', true],
    ['urn:acme:Access:badge pr', true],
    ['urn:acme:Access:nothing pr', false],
    ['title eq "Engineer" and active eq true', true],
    ['emails[type eq "work" and value ew "@example.com"]', true],
    ['groups.display eq "Ops"', true],
    ['groups[value eq "g1" and display eq "Ops"]', true],
    ['groups.value eq "g2"', false],
    ['id eq "ada"', true],
  ])('%s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
    expect(holds(conditions.normal('acme', text))).toBe(expected);
  });

  it.each([
    ['instants in any offset', 'urn:acme:Access:until gt "2026-12-31T21:00:00Z"', true],
    ['instants in any offset', 'urn:acme:Access:until gt "2026-12-31T23:00:00Z"', false],
    ['the case of what is exact', 'urn:acme:Access:code eq "prod"', true],
    ['the case of what is exact', 'urn:acme:Access:code eq "PROD"', false],
    ['elements of lists', 'urn:acme:Access:sites[type eq "lab" and value eq "oslo"]', true],
    ['elements of lists', 'urn:acme:Access:sites[type eq "office" and value eq "oslo"]', false],
  ])('compares by the declared schema: %s, %s: %s', (_, text, expected) => {
    expect(holds(conditions.normal('acme', text))).toBe(expected);
  });

  it('has one normal form', () => {
    expect(conditions.normal('acme', '(title   EQ "x")  AND active eq true')).toBe('title eq "x" and active eq true');
  });

  it('says whether it looks at groups', () => {
    expect(conditions.read('acme', 'groups.value eq "g"').asksForGroups).toBe(true);
    expect(conditions.read('acme', 'title eq "x"').asksForGroups).toBe(false);
  });

  it.each([
    ['an attribute that no schema has', 'secretThing eq "x"'],
    ['an attribute that a declared schema does not have', 'not (urn:acme:Access:secretThing eq true)'],
    ['a schema that is declared nowhere', 'not (urn:secretThing:x eq "x")'],
    ['the schema of something else', 'not (urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x")'],
    ['what the service notes itself', 'not (meta.created gt "2020-01-01T00:00:00Z")'],
    ['the same by its whole name', 'urn:ietf:params:scim:schemas:core:2.0:User:meta.created pr'],
    ['what is never kept', 'not (password pr)'],
    ['what is made for answers alone', `${ENTERPRISE}:manager.displayName eq "x"`],
    ['what is not known of a group', 'groups[type eq "direct"]'],
    ['a filter that does not end', 'title eq "x" and'],
    ['a value of another type', 'urn:acme:Access:clearedForProdData eq 5'],
    ['an operator that the type does not have', 'urn:acme:Access:level co 5'],
    ['a number that has no normal form', 'urn:acme:Access:level lt 1e400'],
    ['a normal form that is too long', `${'not(title pr) or '.repeat(40)}title eq "${'y'.repeat(3_400)}"`],
  ])('is refused for %s, without repeating it', (_, text) => {
    expect(() => conditions.normal('acme', text)).toThrow(InvalidPolicy);
    expect(() => conditions.normal('acme', text)).not.toThrow(/secretThing|"x"|"yes"/);
  });

  it('sees the schemas of its own tenant', () => {
    expect(() => conditions.normal('globex', 'urn:acme:Access:level gt 1')).toThrow(InvalidPolicy);
  });
});

describe('a recorded condition', () => {
  it('that cannot be read holds for nobody, which is logged once', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    for (const text of ['urn:acme:Access:level lt null', 'not (urn:secretThing:x eq "x")']) {
      for (let times = 0; times < 2; times += 1) {
        expect(conditions.recordedIn('acme')(text, `role ${text.length}`).holds(ada)).toBe(false);
      }
    }
    expect(logged.mock.calls).toHaveLength(2);
    expect(JSON.stringify(logged.mock.calls)).not.toMatch(/secretThing|null/);
    expect(() => conditions.normal('acme', 'urn:acme:Access:level lt null')).toThrow(InvalidPolicy);
  });
});

import { describe, expect, it } from '@jest/globals';
import { InvalidPolicy } from '../directory.errors.js';
import { conditionOf, normalCondition } from './conditions.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const ada = {
  id: 'ada',
  attributes: {
    userName: 'ada@example.com',
    active: true,
    title: 'Engineer',
    emails: [{ value: 'ada@example.com', type: 'work' }],
    [ENTERPRISE]: { department: 'Engineering', manager: { value: 'grace' } },
    'urn:acme:Access': { clearedForProdData: true, level: 3, badge: { colour: 'Red' } },
  },
  groups: [{ value: 'g1', display: 'Ops' }],
};

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
    ['urn:other:Thing:cleared eq true', false],
    ['title eq "Engineer" and active eq true', true],
    ['emails[type eq "work" and value ew "@example.com"]', true],
    ['groups.display eq "Ops"', true],
    ['groups.value eq "g2"', false],
  ])('%s: %s', (text, expected) => {
    expect(conditionOf(text).holds(ada)).toBe(expected);
    expect(conditionOf(normalCondition(text)).holds(ada)).toBe(expected);
  });

  it('has one normal form', () => {
    expect(normalCondition('(title   EQ "x")  AND active eq true')).toBe('title eq "x" and active eq true');
  });

  it('says whether it looks at groups', () => {
    expect(conditionOf('groups.value eq "g"').asksForGroups).toBe(true);
    expect(conditionOf('title eq "x"').asksForGroups).toBe(false);
  });

  it.each([
    ['an attribute that no schema has', 'secretThing eq "x"'],
    ['a filter that does not end', 'title eq "x" and'],
    ['values of two types for one attribute', 'urn:a:b:c eq true or urn:a:b:c eq "yes"'],
    ['an operator that the type does not have', 'urn:a:b:c co 5'],
    ['a list of a custom extension', 'urn:a:b:c[d eq "x"]'],
  ])('is refused for %s, without repeating it', (_, text) => {
    expect(() => normalCondition(text)).toThrow(InvalidPolicy);
    expect(() => normalCondition(text)).not.toThrow(/secretThing|"x"|"yes"/);
  });
});

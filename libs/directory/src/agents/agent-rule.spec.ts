import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readExtensions } from '@app/scim';
import { Logger } from '@nestjs/common';
import { InvalidPolicy } from '../directory.errors.js';
import { PersonTypes } from '../person-types.js';
import { Conditions } from '../roles/conditions.js';
import { AgentRules } from './agent-rule.js';

const attributes = [{ name: 'kind', caseExact: true }];
const { extensions } = readExtensions({ acme: { User: [{ id: 'urn:acme:Kind', name: 'Kind', attributes }] } });
const rules = new AgentRules(new Conditions(new PersonTypes(extensions)));
const bot = { attributes: { userName: 'bot', 'urn:acme:Kind': { kind: 'bot' } }, active: true, changed: [] };

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the rule by which users are agents', () => {
  it('compares by the schemas of its tenant', () => {
    const rule = rules.normal('acme', 'urn:acme:KIND:kind EQ "bot"');
    expect([rule, rules.match('acme', rule, bot)]).toEqual(['urn:acme:KIND:kind eq "bot"', true]);
    expect(rules.match('acme', 'urn:acme:Kind:kind eq "BOT"', bot)).toBe(false);
    expect(() => rules.normal('globex', rule)).toThrow(InvalidPolicy);
  });

  it('does not ask for groups', () => {
    expect(() => rules.normal('acme', 'groups pr')).toThrow(InvalidPolicy);
  });

  it('makes nobody an agent where there is none, or none that can be read', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    expect([rules.match('acme', undefined, bot), rules.match('acme', 'active lt null', bot)]).toEqual([false, false]);
    expect(logged).toHaveBeenCalledTimes(1);
  });
});

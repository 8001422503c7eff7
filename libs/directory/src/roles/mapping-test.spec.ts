import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Directory } from '../directory.fixture.js';
import { InvalidPolicy } from '../directory.errors.js';
import { DefineRole } from '../role.commands.js';
import { TestMapping } from '../role.queries.js';
import type { RuleInput } from './rules.js';

let directory: Directory;
beforeEach(async () => {
  directory = await Directory.open({ policy: false });
  for (const roleId of ['prod', 'test']) {
    await directory.run(new DefineRole(directory.request(), roleId, { name: roleId, kind: 'role' }));
  }
});
afterEach(() => directory.close());

it('rules are tried on somebody as a write would keep them, and give what they would give', async () => {
  await directory.run(
    new DefineRole(directory.request(), 'lead', { name: 'lead', kind: 'role', condition: 'title eq "Lead"' }),
  );
  const roles = ['prod', 'lead', 'none'].map((value) => ({ value: JSON.stringify({ value }) }));
  const rules: RuleInput[] = [{ claim: { template: '{{#each roles}}{{value}}\n{{/each}}' } }];
  const ask = (attributes: object) =>
    directory.ask(new TestMapping('acme', rules, { attributes: { ...attributes }, groups: [] }));
  expect(await ask({ roles, nobodyKeepsThis: 'x' })).toEqual({
    roles: [{ roleId: 'prod', sources: ['claim'] }],
    claims: [{ rule: 1, names: ['prod', 'lead', 'none'], notRoles: ['lead', 'none'] }],
  });
  const refused = await ask({ active: 'secret' }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(InvalidPolicy);
  expect(String(refused)).not.toContain('secret');
});

it('rules are tried on somebody made up, and nothing is recorded', async () => {
  const head = await directory.log.head();
  const rules: RuleInput[] = [
    { role: 'prod', group: { displayName: 'Ops' } },
    { role: 'test', claim: { template: '{{title}}', equals: 'Lead' } },
    { claim: { template: '{{nickName}}' } },
  ];
  const person = { attributes: { title: 'Lead', nickName: 'x'.repeat(10_001) }, groups: [{ id: 'g', display: 'Ops' }] };
  expect(await directory.ask(new TestMapping('acme', rules, person))).toEqual({
    roles: [
      { roleId: 'prod', sources: ['scim:g'] },
      { roleId: 'test', sources: ['claim'] },
    ],
    claims: [
      { rule: 2, names: ['Lead'] },
      { rule: 3, names: [], problem: 'A template makes at most 10000 characters.' },
    ],
  });
  expect(await directory.log.head()).toBe(head);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { Scenario } from './scenario.js';

let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

it('restores nothing when a person is reactivated, not even what was still waiting to be revoked', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 10);
  scenario.provider.behave({ script: Array.from({ length: 10 }, () => 500 as const) });
  await scenario.deactivate(ada);
  const reactivated = await scenario.scim.patch(`/Users/${ada}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: true }],
  });
  expect(reactivated.status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(true);

  const cascade = await scenario.completed(ada);
  expect(cascade.targetCount).toBe(10);
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
  expect((await scenario.targetsOf(ada)).map((target) => target.grade)).toEqual(tokens.map(() => 'A'));

  // The new generation starts with nothing and can lose what it was given.
  const again = await scenario.register(ada, 2);
  await scenario.deactivate(ada);
  const both = await eventually('the second cascade is complete', async () => {
    const cascades = await scenario.cascadesOf(ada);
    return cascades.length === 2 && cascades.every(({ status }) => status === 'complete') ? cascades : undefined;
  });
  expect(both.map(({ targetCount }) => targetCount).sort((a, b) => a - b)).toEqual([2, 10]);
  expect(again.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { Scenario } from './scenario.js';

let provider: OAuthProvider;
let scenario: Scenario;

beforeAll(async () => {
  provider = await startOAuthProvider({ clientSecret: 'client-secret' });
  scenario = await Scenario.start();
  await scenario.configureOAuth('northwind', provider, 'client-secret');
});
afterAll(async () => {
  await scenario.service.stop();
  await provider.stop();
});

it('restores nothing when a person is reactivated, not even what was still waiting to be revoked', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 'northwind', provider, 10);
  provider.behave({ script: Array.from({ length: 10 }, () => 500 as const) });
  await scenario.deactivate(ada);
  const reactivated = await scenario.scim.patch(`/Users/${ada}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: true }],
  });
  expect(reactivated.status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(true);

  const cascade = await scenario.completed(ada);
  expect(cascade.targetCount).toBe(10);
  expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
  expect((await scenario.targetsOf(ada)).map((target) => target.grade)).toEqual(tokens.map(() => 'A'));

  // The new generation starts with nothing and can lose what it was given.
  const again = await scenario.register(ada, 'northwind', provider, 2);
  await scenario.deactivate(ada);
  const both = await eventually('the second cascade is complete', async () => {
    const cascades = await scenario.cascadesOf(ada);
    return cascades.length === 2 && cascades.every(({ status }) => status === 'complete') ? cascades : undefined;
  });
  expect(both.map(({ targetCount }) => targetCount).sort((a, b) => a - b)).toEqual([2, 10]);
  expect(again.filter((token) => provider.isAlive(token))).toEqual([]);
});

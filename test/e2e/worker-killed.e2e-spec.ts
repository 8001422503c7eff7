import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { Scenario } from './scenario.js';

let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

it('records every revocation although the worker is killed between the remote revoke and the record', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 40);
  // The provider revokes when the call arrives, and answers when the worker is dead.
  scenario.provider.behave({ latencyMs: 20_000 });
  expect((await scenario.deactivate(ada)).status).toBe(200);
  await eventually('every call has arrived', () =>
    tokens.some((t) => scenario.provider.isAlive(t)) ? undefined : true,
  );
  await scenario.service.kill();
  expect(scenario.provider.count('POST /revoke')).toBe(40);

  scenario.provider.behave({});
  await scenario.restart();

  const cascade = await scenario.completed(ada);
  expect(await scenario.cascadesOf(ada)).toHaveLength(1);
  expect(cascade.targetCount).toBe(40);
  const targets = await scenario.targetsOf(ada);
  expect(targets.map((target) => target.grade)).toEqual(Array.from({ length: 40 }, () => 'A'));
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
  expect(await scenario.mayAct(ada)).toBe(false);
});

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

it('records every revocation although the worker is killed between the remote revoke and the record', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 'northwind', provider, 40);
  // The provider revokes when the call arrives, and answers when the worker is dead.
  provider.behave({ latencyMs: 20_000 });
  expect((await scenario.deactivate(ada)).status).toBe(200);
  await eventually('every call has arrived', () => (tokens.some((t) => provider.isAlive(t)) ? undefined : true));
  await scenario.service.kill();
  expect(provider.count('POST /revoke')).toBe(40);

  provider.behave({});
  await scenario.restart();

  const cascade = await scenario.completed(ada);
  expect(await scenario.cascadesOf(ada)).toHaveLength(1);
  expect(cascade.targetCount).toBe(40);
  const targets = await scenario.targetsOf(ada);
  expect(targets.map((target) => target.grade)).toEqual(Array.from({ length: 40 }, () => 'A'));
  expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
  expect(await scenario.mayAct(ada)).toBe(false);
});

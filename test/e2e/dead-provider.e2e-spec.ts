import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { Scenario } from './scenario.js';

let dead: OAuthProvider;
let alive: OAuthProvider;
let scenario: Scenario;

beforeAll(async () => {
  dead = await startOAuthProvider({ clientSecret: 'client-secret' });
  alive = await startOAuthProvider({ clientSecret: 'client-secret' });
  scenario = await Scenario.start({ LANE_CONCURRENCY: '50' });
  await scenario.configureOAuth('dead', dead, 'client-secret');
  await scenario.configureOAuth('alive', alive, 'client-secret');
});
afterAll(async () => {
  await scenario.service.stop();
  await dead.stop();
  await alive.stop();
});

it('lets a provider that never answers delay nobody else', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const bob = await scenario.provisionUser('bob@example.com');
  const stuck = await scenario.register(ada, 'dead', dead, 300);
  const adas = await scenario.register(ada, 'alive', alive, 100);
  const bobs = await scenario.register(bob, 'alive', alive, 100);
  dead.behave({ dead: true });

  await scenario.deactivate(ada);
  await eventually('the dead provider holds a full lane', () => (dead.calls.length >= 1 ? true : undefined));
  await scenario.deactivate(bob);

  await scenario.completed(bob);
  await eventually('what is alive is revoked', () => (adas.some((token) => alive.isAlive(token)) ? undefined : true));
  expect(bobs.filter((token) => alive.isAlive(token))).toEqual([]);
  const settled = (await scenario.targetsOf(ada)).filter((target) => target.grade !== undefined);
  expect(settled.filter((target) => target.providerId === 'dead')).toEqual([]);
  expect(stuck).toHaveLength(300);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { Scenario } from './scenario.js';

let dead: OAuthProvider;
let scenario: Scenario;

beforeAll(async () => {
  dead = await startOAuthProvider({ clientSecret: 'client-secret' });
  scenario = await Scenario.start({ LANE_CONCURRENCY: '50' });
  await scenario.configureOAuth('dead', dead, 'client-secret');
});
afterAll(async () => {
  await scenario.stop();
  await dead.stop();
});

it('lets a provider that never answers delay nobody else', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const bob = await scenario.provisionUser('bob@example.com');
  const stuck = await scenario.register(ada, 300, 'dead', dead);
  const adas = await scenario.register(ada, 100);
  const bobs = await scenario.register(bob, 100);
  dead.behave({ dead: true });

  await scenario.deactivate(ada);
  await eventually('the dead provider holds a full lane', () => (dead.calls.length >= 50 ? true : undefined));
  const { body: lanes } = await scenario.api.get('/lanes');
  expect(lanes.items).toContainEqual({ tenant: 'default', providerId: 'dead', inFlight: 50, broken: false });
  await scenario.deactivate(bob);

  await scenario.completed(bob);
  await eventually('what is alive is revoked', () =>
    adas.some((token) => scenario.provider.isAlive(token)) ? undefined : true,
  );
  expect(bobs.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
  const waiting = (await scenario.targetsOf(ada)).filter((target) => target.providerId === 'dead');
  expect(waiting).toHaveLength(300);
  expect(waiting.filter((target) => target.grade !== undefined)).toEqual([]);
  expect(stuck.filter((token) => !dead.isAlive(token))).toEqual([]);
});

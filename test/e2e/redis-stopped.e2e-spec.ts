import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { RedisServer } from './private-redis-server.js';
import { Scenario } from './scenario.js';

const redis = new RedisServer();
let provider: OAuthProvider;
let scenario: Scenario;

beforeAll(async () => {
  await redis.start();
  provider = await startOAuthProvider({ clientSecret: 'client-secret' });
  scenario = await Scenario.start({ REDIS_URL: redis.url });
  await scenario.configureOAuth('northwind', provider, 'client-secret');
});
afterAll(async () => {
  await scenario.service.stop();
  await provider.stop();
  await redis.stop();
});

it('answers the identity provider 2xx while Redis is stopped, denies at once, and revokes when it is back', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 'northwind', provider, 25);
  await redis.stop();

  expect((await scenario.deactivate(ada)).status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(false);
  const bob = await scenario.provisionUser('bob@example.com');
  expect(await scenario.mayAct(bob)).toBe(true);
  expect(provider.count('POST /revoke')).toBe(0);

  await redis.start();
  await scenario.completed(ada);
  expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RedisServer } from './private-redis-server.js';
import { Scenario } from './scenario.js';

const redis = new RedisServer();
let scenario: Scenario;

beforeAll(async () => {
  await redis.start();
  scenario = await Scenario.start({ REDIS_URL: redis.url });
});
afterAll(async () => {
  await scenario.stop();
  await redis.stop();
});

it('answers the identity provider 2xx while Redis is stopped, denies at once, and revokes when it is back', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 25);
  await redis.stop();

  expect((await scenario.deactivate(ada)).status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(false);
  const bob = await scenario.provisionUser('bob@example.com');
  expect(await scenario.mayAct(bob)).toBe(true);
  expect(scenario.provider.count('POST /revoke')).toBe(0);

  await redis.start();
  await scenario.completed(ada);
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
});

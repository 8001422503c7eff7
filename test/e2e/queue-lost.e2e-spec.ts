import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { RedisServer } from './private-redis-server.js';
import { Scenario } from './scenario.js';

const redis = new RedisServer();
let scenario: Scenario;

beforeAll(async () => {
  await redis.start();
  scenario = await Scenario.start({ REDIS_URL: redis.url, LANE_CONCURRENCY: '50' });
});
afterAll(async () => {
  await scenario.stop();
  await redis.stop();
});

it('ends every revocation although Redis forgets everything in the middle of a cascade', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 400);
  scenario.provider.behave({ latencyMs: 300 });
  expect((await scenario.deactivate(ada)).status).toBe(200);
  await eventually('some of it is under way', () => (scenario.provider.count('POST /revoke') >= 60 ? true : undefined));
  await redis.ask((connection) => connection.flushall());
  scenario.provider.behave({});

  const cascade = await scenario.completed(ada);
  expect(cascade.targetCount).toBe(400);
  expect((await scenario.targetsOf(ada)).filter((target) => target.grade !== 'A')).toEqual([]);
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startEventStoreServer, startPrivatePostgres, startService, type ServiceProcess } from '@app/testkit';
import { RedisServer } from './private-redis-server.js';
import { Scenario } from './scenario.js';

const redis = new RedisServer();
let eventStore: Awaited<ReturnType<typeof startEventStoreServer>>;
let postgres: Awaited<ReturnType<typeof startPrivatePostgres>>;
let worker: ServiceProcess;
let scenario: Scenario;

beforeAll(async () => {
  [eventStore, postgres] = await Promise.all([startEventStoreServer(), startPrivatePostgres(), redis.start()]);
  const shared = {
    EVENTLOG: 'eventstoredb',
    EVENTSTORE_URL: eventStore.url,
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    VAULT_KEY: randomBytes(32).toString('base64'),
  };
  scenario = await Scenario.start({ ...shared, ROLES: 'scim,platform,console' });
  const dataDir = mkdtempSync(join(tmpdir(), 'cascade-worker-'));
  const env = { ...scenario.env, ROLES: 'worker' };
  worker = await startService({ dataDir, env });
});
afterAll(async () => {
  await worker.stop();
  await scenario.stop();
  await Promise.all([eventStore.stop(), postgres.stop(), redis.stop()]);
});

it('runs the whole way with the worker in a process of its own, on EventStoreDB, PostgreSQL and Redis', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 120);
  expect(await scenario.mayAct(ada)).toBe(true);
  expect((await scenario.deactivate(ada)).status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(false);
  expect((await scenario.completed(ada)).targetCount).toBe(120);
  expect((await scenario.targetsOf(ada)).map(({ grade }) => grade)).toEqual(tokens.map(() => 'A'));
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ApiClient, eventually, startEventStoreServer, startPrivatePostgres, startService } from '@app/testkit';
import type { ServiceProcess } from '@app/testkit';
import { RedisServer } from './private-redis-server.js';
import { entraDeactivation, expectStatus, Scenario } from './scenario.js';

const redis = new RedisServer();
let eventStore: Awaited<ReturnType<typeof startEventStoreServer>>;
let postgres: Awaited<ReturnType<typeof startPrivatePostgres>>;
let worker: ServiceProcess;
let scimDoor: ServiceProcess;
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
  scimDoor = await startService({
    dataDir: mkdtempSync(join(tmpdir(), 'cascade-scim-')),
    env: { ...env, ROLES: 'scim' },
  });
});
afterAll(async () => {
  await scimDoor.stop();
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

interface Connection {
  readonly id: string;
  readonly tokens: readonly { readonly lastUsedAt?: string }[];
}

it('shows what came in at every process, adds up what they counted, and keeps it over a restart', async () => {
  const path = '/connections';
  const connection = async () =>
    expectStatus(await scenario.api.get<{ connections: Connection[] }>(path), 200).connections[0] as Connection;
  const { id } = await connection();
  const quirks = async () => {
    const answer = await scenario.api.get<{ quirks: { name: string; count: number }[] }>(`${path}/${id}/quirks`);
    const found = expectStatus(answer, 200).quirks.find(({ name }) => name === 'boolean-as-string');
    return found?.count ?? 0;
  };
  const requests = async () =>
    expectStatus(await scenario.api.get<{ requests: { requestId: string }[] }>(`${path}/${id}/requests`), 200).requests;
  const before = await quirks();

  const bob = await scenario.provisionUser('bob@example.com');
  const throughOther = new ApiClient(scimDoor.scimBaseUrl, scenario.keys.scimToken, 'application/scim+json');
  const people = await eventually('the other process knows the token and bob', async () => {
    const answer = await throughOther.get(`/Users/${bob}`);
    return answer.status === 200 ? [scenario.scim, throughOther] : undefined;
  });
  const asked = (await requests()).length;
  for (let round = 0; round < 10; round += 1) {
    for (const client of people) expect((await client.patch(`/Users/${bob}`, entraDeactivation)).status).toBe(200);
  }
  await eventually('what both counted is added up', async () => ((await quirks()) === before + 20 ? true : undefined));
  await eventually('what came in at both is shown', async () =>
    (await requests()).length >= asked + 20 ? true : undefined,
  );
  expect((await connection()).tokens[0]?.lastUsedAt).toMatch(/^\d{4}-/);

  // What was not written within a second is written by whoever stops.
  expect((await throughOther.patch(`/Users/${bob}`, entraDeactivation)).status).toBe(200);
  await scimDoor.stop();
  const last = (await requests()).length;
  expect(await quirks()).toBe(before + 21);
  await scenario.service.stop();
  await scenario.restart();
  expect(await quirks()).toBe(before + 21);
  expect((await requests()).length).toBe(last);
  expect((await connection()).tokens[0]?.lastUsedAt).toMatch(/^\d{4}-/);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, startEventStoreServer, type EventStoreServer } from '@app/testkit';
import { Scenario } from './scenario.js';

let eventStore: EventStoreServer;
let scenario: Scenario;

beforeAll(async () => {
  eventStore = await startEventStoreServer();
  scenario = await Scenario.start({ EVENTLOG: 'eventstoredb', EVENTSTORE_URL: eventStore.url });
});
afterAll(async () => {
  await scenario.stop();
  await eventStore.stop();
});

it('runs the whole way on EventStoreDB', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const tokens = await scenario.register(ada, 60);
  expect((await scenario.deactivate(ada)).status).toBe(200);
  expect(await scenario.mayAct(ada)).toBe(false);
  expect((await scenario.completed(ada)).targetCount).toBe(60);
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
});

it('answers 503 with Retry-After while the log is down, does nothing by halves, and goes on when it is back', async () => {
  const bob = await scenario.provisionUser('bob@example.com');
  const tokens = await scenario.register(bob, 5);
  const size = eventStore.size;
  await eventStore.stop();

  const refused = await scenario.deactivate(bob);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'carol@example.com' };
  expect((await scenario.scim.post('/Users', user)).status).toBe(503);
  expect(await scenario.mayAct(bob)).toBe(true);
  expect(tokens.every((token) => scenario.provider.isAlive(token))).toBe(true);

  await eventStore.restart();
  expect(eventStore.size).toBe(size);
  await eventually('the log is back', async () => ((await scenario.deactivate(bob)).status === 200 ? true : undefined));
  await scenario.completed(bob);
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
  expect((await scenario.scim.post('/Users', user)).status).toBe(201);
});

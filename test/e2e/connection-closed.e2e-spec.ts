import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ApiClient, eventually } from '@app/testkit';
import { expectStatus, Scenario } from './scenario.js';

interface Connection {
  readonly id: string;
  readonly state: string;
  readonly order?: { readonly what: string; readonly to?: string; readonly isCarriedOut: boolean };
}

const PEOPLE = 150;
/** Of whom hold something. */
const HOLDERS = 20;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

const connections = async () =>
  expectStatus(await scenario.api.get<{ connections: Connection[] }>('/connections'), 200).connections;
const carriedOut = (id: string, what: string) =>
  eventually('the order is carried out', async () => {
    const order = (await connections()).find((connection) => connection.id === id)?.order;
    return order?.what === what && order.isCarriedOut ? order : undefined;
  });

it('deactivates everybody it provisioned, each in one cascade, though the service is killed at it; then hands them over', async () => {
  const [former] = await connections();
  const people: string[] = [];
  for (let n = 0; n < PEOPLE; n += 1) people.push(await scenario.provisionUser(`person-${n}@example.com`));
  const holders = people.filter((_, n) => n % Math.floor(PEOPLE / HOLDERS) === 0);
  const tokens: string[] = [];
  for (const id of holders) tokens.push(...(await scenario.register(id, 1)));

  expect((await scenario.api.delete(`/connections/${former?.id}`)).status).toBe(204);
  await scenario.service.kill();
  await scenario.restart();
  await carriedOut(former?.id ?? '', 'deactivate');
  for (const id of people) expect([id, await scenario.mayAct(id)]).toEqual([id, false]);
  for (const id of holders) await scenario.completed(id);
  const cascades = await Promise.all(holders.map((id) => scenario.cascadesOf(id)));
  expect(cascades.map((of) => of.map(({ targetCount }) => targetCount))).toEqual(holders.map(() => [1]));
  expect(tokens.filter((token) => scenario.provider.isAlive(token))).toEqual([]);
  expect(scenario.provider.count('POST /revoke')).toBe(tokens.length);

  const { id: next } = expectStatus(await scenario.api.post<{ id: string }>('/connections', { name: 'Next' }), 201);
  const { token } = expectStatus(await scenario.api.post<{ token: string }>(`/connections/${next}/tokens`, {}), 201);
  const scim = new ApiClient(scenario.service.scimBaseUrl, token, 'application/scim+json');
  const [ada = ''] = people;
  expect((await scim.get(`/Users/${ada}`)).status).toBe(404);
  expect((await scenario.api.post(`/connections/${former?.id}/hand-over`, { to: next })).status).toBe(202);
  expect(await carriedOut(former?.id ?? '', 'hand-over')).toMatchObject({ to: next });
  const found = expectStatus(await scim.get<{ totalResults: number }>('/Users?count=0'), 200);
  expect(found.totalResults).toBe(PEOPLE);
  const operation = { op: 'replace', path: 'active', value: true };
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  expectStatus(await scim.patch(`/Users/${ada}`, { schemas, Operations: [operation] }), 200);
  expect(await scenario.mayAct(ada)).toBe(true);
});

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { Scenario } from './scenario.js';

let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

/** Files of the directory in which the text stands. */
const filesWith = (text: string): string[] => {
  const folder = scenario.service.dataDir;
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ name }) => name).filter((name) => readFileSync(join(folder, name)).includes(text));
};

it('leaves nothing of a deleted person in any file within seconds, while the service runs', async () => {
  const canary = randomBytes(12).toString('hex');
  const ada = await scenario.scim.post<{ id: string }>('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${canary}@example.com`,
    displayName: `Ada ${canary}`,
    emails: [{ value: `${canary}@example.com` }],
  });
  expect(ada.status).toBe(201);
  await eventually('she is written', () => (filesWith(canary).length > 0 ? true : undefined));
  expect((await scenario.scim.delete(`/Users/${ada.body.id}`)).status).toBe(204);
  await eventually('she is forgotten', () => (filesWith(canary).length === 0 ? true : undefined));
});

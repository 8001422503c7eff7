import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { PROVIDER, Scenario } from './scenario.js';

const canary = (name: string): string => `canary-${name}-${randomBytes(18).toString('base64url')}`;
const clientSecret = canary('client-secret');
let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start({ LOG_LEVEL: 'trace' }, clientSecret);
});
afterAll(() => scenario.stop());

function* filesIn(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else if (statSync(path).isFile()) yield path;
  }
}

it('keeps every file to the user it runs as', () => {
  const files = [...filesIn(scenario.service.dataDir)];
  expect(files.some((file) => file.endsWith('.db-wal'))).toBe(true);
  for (const file of files) expect([file, statSync(file).mode & 0o077]).toEqual([file, 0]);
});

it('leaves no secret in any event, job, database, log or error', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  const registered = [canary('api-key'), canary('refresh'), canary('rotated')];
  const held = { providerId: PROVIDER, userId: ada };
  const first = await scenario.api.post<{ id: string }>('/credentials', {
    ...held,
    kind: 'api_key',
    secret: registered[0],
  });
  expect(first.status).toBe(201);
  await scenario.api.post('/credentials', { ...held, kind: 'oauth_refresh_token', secret: registered[1] });
  await scenario.api.post(`/credentials/${first.body.id}/rotate`, { secret: registered[2] });
  const lost = canary('refused-body');
  const errors = [
    await scenario.api.post('/credentials', { ...held, kind: 'no-such-kind', secret: lost }),
    await scenario.api.post('/credentials', { ...held, secret: { nested: lost } }),
    await scenario.api.post('/credentials', `{"secret":"${lost}"`),
    await scenario.api.put('/providers/broken', { connector: 'rfc7009', settings: { token: lost }, secret: lost }),
    await scenario.scim.post('/Users', { userName: { password: lost } }),
    await scenario.scim.get(`/Users?filter=userName is "${lost}"`),
  ];
  // A failing provider makes the log talk.
  scenario.provider.behave({ script: [500, { status: 429, retryAfter: 1 }, 401] });
  await scenario.deactivate(ada);
  await eventually('the provider was called', () => (scenario.provider.count('POST /revoke') >= 3 ? true : undefined));

  const secrets = [clientSecret, ...registered, lost, scenario.keys.scimToken, scenario.keys.apiKey];
  const foundIn = (text: string | Buffer): string[] => secrets.filter((secret) => text.includes(secret));
  expect(errors.map((error) => error.status >= 400 && error.status < 500)).toEqual(errors.map(() => true));
  for (const error of errors) expect(foundIn(JSON.stringify(error.body))).toEqual([]);
  for (const moment of ['running', 'stopped'] as const) {
    if (moment === 'stopped') await scenario.service.stop();
    const files = [...filesIn(scenario.service.dataDir)];
    expect(files.some((file) => file.endsWith('events.db'))).toBe(true);
    for (const file of files) expect([file, foundIn(readFileSync(file))]).toEqual([file, []]);
  }
  expect(foundIn(scenario.service.log())).toEqual([]);
});

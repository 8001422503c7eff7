// Resource types of an operator's own survive a restart of the service, and nothing is revoked because of them.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectStatus, Scenario } from './scenario.js';

const schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Device',
  name: 'Device',
  attributes: [
    { name: 'displayName', required: true },
    { name: 'active', type: 'boolean' },
    { name: 'serialNumber', uniqueness: 'server' },
  ],
};

let directory: string;
let scenario: Scenario;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'types-'));
  const file = join(directory, 'types.json');
  writeFileSync(file, JSON.stringify({ '*': [{ name: 'Device', endpoint: '/Devices', schema }] }));
  scenario = await Scenario.start({ SCIM_RESOURCE_TYPES: file });
});
afterAll(async () => {
  await scenario.stop();
  rmSync(directory, { recursive: true });
});

it('keeps devices over a restart, and starts no cascade when one is deactivated and deleted', async () => {
  const device = { displayName: 'Door', active: true, serialNumber: 'S-1' };
  const { id } = expectStatus(await scenario.scim.post<{ id: string }>('/Devices', device), 201);
  const inactive = { ...device, active: false };
  expectStatus(await scenario.scim.put(`/Devices/${id}`, inactive), 200);
  await scenario.service.stop();
  await scenario.restart();
  expect((await scenario.scim.get(`/Devices/${id}`)).body).toMatchObject({ id, ...inactive });
  expectStatus(await scenario.scim.post('/Devices', device), 409);
  expectStatus(await scenario.scim.delete(`/Devices/${id}`), 204);
  expectStatus(await scenario.scim.get(`/Devices/${id}`), 404);

  // The log is worked off in its order: whoever is deactivated last is the last to have a cascade.
  const last = await scenario.provisionUser('last@example.com');
  await scenario.register(last, 1);
  await scenario.deactivate(last);
  await scenario.completed(last);
  expect(await scenario.cascadesOf(id)).toEqual([]);
});

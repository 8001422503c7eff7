// Resource types of an operator's own, such as devices (RFC 9944): served, stored and recorded like the standard ones.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@app/runtime';
import { resourceTypesIn } from './resource-types-file.js';
import { off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

const urn = 'urn:ietf:params:scim:schemas:core:2.0:Device';
const bleUrn = 'urn:ietf:params:scim:schemas:extension:ble:2.0:Device';
const device = {
  name: 'Device',
  endpoint: '/Devices',
  description: 'Device Account',
  schema: {
    id: urn,
    name: 'Device',
    attributes: [
      { name: 'displayName', required: true },
      { name: 'active', type: 'boolean', required: true },
      { name: 'mudUrl', type: 'reference', referenceTypes: ['external'], caseExact: true },
      { name: 'serialNumber', uniqueness: 'server', mutability: 'immutable' },
      { name: 'assetTag', uniqueness: 'server', caseExact: true },
      { name: 'groups', type: 'complex', multiValued: true, subAttributes: [{ name: 'value' }] },
    ],
  },
  extensions: [
    { id: bleUrn, name: 'Ble', attributes: [{ name: 'deviceMacAddress' }, { name: 'isRandom', type: 'boolean' }] },
  ],
};
const room = {
  name: 'Room',
  endpoint: '/Rooms',
  schema: { id: 'urn:example:params:scim:schemas:core:2.0:Room', name: 'Room', attributes: [{ name: 'floor' }] },
};

let directory: string;
const fileOf = (document: unknown): string => {
  const path = join(directory, 'types.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
};

let world: ScimWorld;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'types-'));
  world = await openScim({ types: resourceTypesIn(fileOf({ acme: [device], '*': [room] })) });
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await world.close();
});

let devices = 0;
const newDevice = (attributes: object = {}): Promise<Json> =>
  world.create('/Devices', { schemas: [urn], displayName: `Lock ${++devices}`, active: true, ...attributes });
const typesOf = async () => (await world.appended()).map(({ type }) => type);
const found = async (filter: string): Promise<string[]> => {
  const { body } = await world.ask('GET', `/Devices?filter=${encodeURIComponent(filter)}`);
  return body.Resources.map(({ id }: Json) => id);
};

describe('the file', () => {
  it('is refused with all that is wrong with it, or with how to mend it', () => {
    const refusal = (path: string): readonly string[] => {
      try {
        resourceTypesIn(path);
      } catch (error) {
        return (error as ConfigError).problems;
      }
      return [];
    };
    expect(refusal(join(directory, 'none.json'))[0]).toMatch(/^SCIM_RESOURCE_TYPES.*cannot be read/);
    expect(refusal(fileOf('{'))[0]).toMatch(/is not JSON/);
    expect(refusal(fileOf({ acme: [{ ...device, endpoint: 'Devices' }] }))).toHaveLength(1);
    expect(resourceTypesIn(undefined)).toEqual(new Map());
  });
});

describe('a resource type of its own', () => {
  it('is listed to its tenant with its schemas, and is nowhere to others', async () => {
    const { body } = await world.ask('GET', '/ResourceTypes/Device');
    expect(body).toMatchObject({
      endpoint: '/Devices',
      schema: urn,
      schemaExtensions: [{ schema: bleUrn, required: false }],
    });
    expect((await world.ask('GET', `/Schemas/${urn}`)).body.attributes).toContainEqual(
      expect.objectContaining({ name: 'serialNumber', uniqueness: 'server', mutability: 'immutable' }),
    );
    expect((await world.ask('GET', '/ResourceTypes')).body.Resources.map((type: Json) => type.name)).toEqual(
      expect.arrayContaining(['User', 'Device', 'Room']),
    );
    const as = 'lenient-globex';
    expect((await world.ask('GET', '/ResourceTypes/Device', { as })).status).toBe(404);
    expect((await world.ask('GET', '/ResourceTypes/Room', { as })).status).toBe(200);
    const { id } = await newDevice();
    for (const [method, path, body] of [
      ['GET', '/Devices'],
      ['GET', `/Devices/${id}`],
      ['DELETE', `/Devices/${id}`],
      ['POST', '/Devices', { displayName: 'x', active: true }],
      ['PATCH', `/Devices/${id}`, off],
    ] as const) {
      expect([method, path, (await world.ask(method, path, { as, body })).status]).toEqual([method, path, 404]);
    }
    expect((await world.ask('GET', `/Devices/${id}`)).status).toBe(200);
  });

  it('tells which methods its paths serve', async () => {
    const answer = await world.ask('PUT', '/Devices', { body: {} });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST, OPTIONS']);
  });
});

describe('a resource of such a type', () => {
  it('is created, shown, found, listed and searched', async () => {
    const ble = { deviceMacAddress: '2C:54:91:88:C9:E3', isRandom: false };
    const { id, ...shown } = await newDevice({
      schemas: [urn, bleUrn],
      displayName: 'Door',
      externalId: 'd-1',
      serialNumber: 'S1',
      groups: [{ value: 'north' }],
      [bleUrn]: ble,
    });
    expect(shown).toMatchObject({
      schemas: [urn, bleUrn],
      displayName: 'Door',
      active: true,
      groups: [{ value: 'north' }],
      [bleUrn]: ble,
      meta: { resourceType: 'Device', location: `http://scim.test/scim/v2/Devices/${id}`, version: 'W/"0"' },
    });
    for (const filter of [
      `id eq "${id}"`,
      'externalId eq "d-1"',
      'displayName eq "door"',
      'groups.value eq "north"',
      `${bleUrn}:deviceMacAddress sw "2c:54"`,
    ]) {
      expect([filter, await found(filter)]).toEqual([filter, [id]]);
    }
    const { body: page } = await world.ask('GET', '/Devices?count=1&sortBy=displayName');
    expect([page.totalResults, page.Resources.length]).toEqual([devices, 1]);
    const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: `id eq "${id}"` };
    for (const path of ['/Devices/.search', '/.search']) {
      const { body } = await world.ask('POST', path, { body: search });
      expect(body.Resources.map((one: Json) => one.meta.resourceType)).toEqual(['Device']);
    }
    expect((await world.ask('GET', `/Devices/${id}?attributes=displayName`)).body).not.toHaveProperty('active');
    expect((await world.ask('GET', `/Rooms/${id}`)).status).toBe(404);
  });

  it('is changed and deleted as its schema has it; a repetition records nothing', async () => {
    const { id, meta } = await newDevice({ serialNumber: 'S-once' });
    const path = `/Devices/${id}`;
    await world.appended();
    const stale = { 'if-match': 'W/"7"' };
    expect((await world.ask('PATCH', path, { body: off, headers: stale })).status).toBe(412);
    for (let i = 0; i < 2; i += 1) {
      const answer = await world.ask('PATCH', path, {
        body: off,
        ...(i === 0 ? { headers: { 'if-match': meta.version } } : {}),
      });
      expect([answer.status, answer.headers.etag, answer.body.active]).toEqual([200, 'W/"1"', false]);
    }
    const wrong = await world.ask('PATCH', path, { body: patch({ op: 'replace', path: 'active', value: 'maybe' }) });
    expect([wrong.status, wrong.body.scimType]).toEqual([400, 'invalidValue']);
    const put = { displayName: 'New', active: true };
    expect((await world.ask('PUT', path, { body: put })).body).toMatchObject({ ...put, serialNumber: 'S-once' });
    expect((await world.ask('PUT', path, { body: { active: true } })).status).toBe(400);
    expect((await world.ask('GET', path, { headers: { 'if-none-match': 'W/"2"' } })).status).toBe(304);
    expect((await world.ask('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await world.ask(method, path)).status).toBe(404);
    expect(await typesOf()).toEqual(['ResourceChanged', 'ResourceChanged', 'ResourceDeleted']);
  });

  it('is recorded without its values', async () => {
    await world.appended();
    const { id } = await newDevice({ displayName: 'canary-name', assetTag: 'canary-tag' });
    await world.ask('PATCH', `/Devices/${id}`, { body: patch({ op: 'replace', path: 'assetTag', value: 'canary-2' }) });
    const events = await world.appended();
    expect(events.map(({ data }) => (data as Json).changed)).toEqual([undefined, ['assetTag']]);
    expect(JSON.stringify(events.map(({ data }) => data))).not.toContain('canary');
  });

  it('alone has what is unique, in the case that counts, until it gives it up', async () => {
    const first = await newDevice({ serialNumber: 'Sn-7', assetTag: 'Tag-7' });
    const create = (attributes: object) =>
      world.ask('POST', '/Devices', { body: { displayName: 'Other', active: true, ...attributes } });
    const taken = await create({ serialNumber: 'SN-7' });
    expect([taken.status, taken.body.scimType]).toEqual([409, 'uniqueness']);
    const second = await create({ serialNumber: 'Sn-8', assetTag: 'TAG-7' });
    expect(second.status).toBe(201);
    const retag = (id: string, value: string) =>
      world.ask('PATCH', `/Devices/${id}`, { body: patch({ op: 'replace', path: 'assetTag', value }) });
    expect((await retag(second.body.id, 'Tag-7')).status).toBe(409);
    expect((await retag(first.id, 'Tag-8')).status).toBe(200);
    expect((await retag(second.body.id, 'Tag-7')).status).toBe(200);
    expect((await create({ assetTag: 'TAG-7' })).status).toBe(201);
    world.clock.advance(120_000);
    expect((await create({ serialNumber: 'sn-7' })).status).toBe(409);
    await world.ask('DELETE', `/Devices/${first.id}`);
    expect((await create({ serialNumber: 'sn-7' })).status).toBe(201);
  });

  it('belongs to the connection that created it', async () => {
    const { id } = await newDevice();
    const as = 'strict-acme';
    expect((await world.ask('GET', `/Devices/${id}`, { as })).status).toBe(404);
    expect((await world.ask('DELETE', `/Devices/${id}`, { as })).status).toBe(404);
    expect((await world.ask('GET', '/Devices', { as })).body.totalResults).toBe(0);
  });

  it('is written by a bulk request', async () => {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    const data = { displayName: 'Bulk', active: true };
    const Operations = [{ method: 'POST', path: '/devices', bulkId: 'd', data }];
    const { body } = await world.ask('POST', '/Bulk', { body: { schemas, Operations } });
    const { status, location } = body.Operations[0];
    expect(status).toBe('201');
    expect(await found('displayName eq "Bulk"')).toEqual([location.split('/').at(-1)]);
    const other = await world.ask('POST', '/Bulk', { body: { schemas, Operations }, as: 'lenient-globex' });
    expect(other.body.Operations[0].status).toBe('404');
  });
});

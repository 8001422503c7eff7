// An operator's own extension: shown as it is enforced, stored, filtered and patched, for its tenant alone.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@app/runtime';
import { extensionsIn } from './extensions-file.js';
import { newName, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

const urn = 'urn:example:params:scim:schemas:extension:clearance:2.0:User';
const document = {
  acme: {
    User: [
      {
        id: urn,
        name: 'Clearance',
        description: 'What a person may see.',
        attributes: [
          { name: 'clearedForProdData', type: 'boolean', description: 'Whether production data may be read.' },
          { name: 'level', type: 'integer' },
          { name: 'badge', mutability: 'immutable', returned: 'request' },
        ],
      },
    ],
  },
};

let directory: string;
const fileOf = (text: string): string => {
  const path = join(directory, 'extensions.json');
  writeFileSync(path, text);
  return path;
};

let world: ScimWorld;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'extensions-'));
  world = await openScim({ extensions: extensionsIn(fileOf(JSON.stringify(document))) });
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await world.close();
});

const extended = (attributes: object) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', urn],
  userName: newName(),
  [urn]: attributes,
});
const found = async (filter: string): Promise<string[]> => {
  const { body } = await world.ask('GET', `/Users?filter=${encodeURIComponent(filter)}`);
  return body.Resources.map(({ userName }: Json) => userName);
};

describe('the file', () => {
  it('is refused with all that is wrong with it, or with how to mend it', () => {
    const refusal = (path: string): readonly string[] => {
      try {
        extensionsIn(path);
      } catch (error) {
        return (error as ConfigError).problems;
      }
      return [];
    };
    expect(refusal(join(directory, 'none.json'))).toEqual([
      expect.stringMatching(/cannot be read.*path of a JSON file/),
    ]);
    expect(refusal(fileOf('{'))).toEqual([expect.stringMatching(/is not JSON/)]);
    expect(refusal(fileOf('{"acme":{"User":[{}]}}'))).toHaveLength(3);
    expect(extensionsIn(undefined)).toEqual(new Map());
  });
});

describe('an extension', () => {
  it('is shown to its tenant as it is enforced, and to no other', async () => {
    const schema = await world.ask('GET', `/Schemas/${urn}`);
    expect(schema.body).toMatchObject({
      id: urn,
      name: 'Clearance',
      attributes: [
        { name: 'clearedForProdData', type: 'boolean', mutability: 'readWrite', returned: 'default', required: false },
        { name: 'level', type: 'integer' },
        { name: 'badge', type: 'string', mutability: 'immutable', returned: 'request', caseExact: false },
      ],
    });
    expect((await world.ask('GET', '/ResourceTypes/User')).body.schemaExtensions).toContainEqual({
      schema: urn,
      required: false,
    });
    expect((await world.ask('GET', `/Schemas/${urn}`, { as: 'lenient-globex' })).status).toBe(404);
    const other = (await world.ask('GET', '/ResourceTypes/User', { as: 'lenient-globex' })).body;
    expect(JSON.stringify(other)).not.toContain(urn);
  });

  it('is stored and answered, in the words of the schema', async () => {
    const created = await world.ask('POST', '/Users', { body: extended({ CLEAREDFORPRODDATA: 'True', level: 3 }) });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', urn],
      [urn]: { clearedForProdData: true, level: 3 },
    });
    expect((await world.ask('GET', `/Users/${created.body.id}`)).body[urn]).toEqual({
      clearedForProdData: true,
      level: 3,
    });
  });

  it.each([
    [{ clearedForProdData: 'maybe' }],
    [{ clearedForProdData: 1 }],
    [{ level: 1.5 }],
    [{ level: 'high' }],
    [{ badge: { id: 1 } }],
  ])('is refused with a value of another type: %j', async (attributes) => {
    await world.appended();
    const answer = await world.ask('POST', '/Users', { body: extended(attributes) });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    expect(await world.appended()).toEqual([]);
  });

  it('is filtered and projected by its URN', async () => {
    const body = extended({ clearedForProdData: true, level: 7, badge: 'B7' });
    const { id } = (await world.ask('POST', '/Users', { body })).body;
    expect(await found(`${urn}:level gt 6 and ${urn}:clearedForProdData eq true`)).toEqual([body.userName]);
    expect(await found(`${urn}:level gt 7`)).toEqual([]);
    expect((await world.ask('GET', `/Users?filter=${encodeURIComponent(`${urn}:nothing pr`)}`)).status).toBe(400);
    const shown = async (query: string) => (await world.ask('GET', `/Users/${id}?${query}`)).body[urn];
    expect(await shown(`attributes=${urn}:level`)).toEqual({ level: 7 });
    expect(await shown(`attributes=${urn}:badge`)).toEqual({ badge: 'B7' });
    expect(await shown(`excludedAttributes=${urn}:level`)).toEqual({ clearedForProdData: true });
  });

  it('is patched by its URN, in every spelling, and the change is recorded by name', async () => {
    const created = (await world.ask('POST', '/Users', { body: extended({ clearedForProdData: true, badge: 'B1' }) }))
      .body;
    await world.appended();
    for (const [operation, expected] of [
      [{ op: 'replace', path: `${urn}:clearedForProdData`, value: 'False' }, { clearedForProdData: false }],
      [
        { op: 'add', value: { [`${urn}:level`]: 2 } },
        { clearedForProdData: false, level: 2 },
      ],
      [
        { op: 'replace', value: { [urn]: { level: 4 } } },
        { clearedForProdData: false, level: 4 },
      ],
      [{ op: 'remove', path: `${urn}:level` }, { clearedForProdData: false }],
      [{ op: 'replace', path: `${urn}:badge`, value: 'B2' }, { clearedForProdData: false }],
    ]) {
      const answer = await world.ask('PATCH', `/Users/${created.id}`, { body: patch(operation as object) });
      expect([answer.status, answer.body[urn]]).toEqual([200, expected]);
    }
    expect((await world.appended()).map(({ data }) => (data as Json).changed)).toEqual([
      [`${urn}:clearedForProdData`],
      [`${urn}:level`],
      [`${urn}:level`],
      [`${urn}:level`],
    ]);
    const { body } = await world.ask('GET', `/Users/${created.id}?attributes=${urn}:badge`);
    expect(body[urn]).toEqual({ badge: 'B1' });
  });

  it('is an unknown schema to another tenant', async () => {
    const answer = await world.ask('POST', '/Users', { body: extended({ level: 1 }), as: 'lenient-globex' });
    expect([answer.status, answer.body[urn]]).toEqual([201, undefined]);
    expect((await world.ask('POST', '/Users', { body: extended({ level: 1 }), as: 'strict-globex' })).status).toBe(400);
  });
});

// The committed OpenAPI document is the one this code makes. Renew it with UPDATE_DOCS=1.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { platformDocument } from './openapi.js';
import { openPlatform, type PlatformWorld } from './platform.fixture.js';

const COPY = new URL('../../../docs/openapi.json', import.meta.url);

let world: PlatformWorld;
beforeAll(async () => {
  world = await openPlatform();
});
afterAll(() => world.close());

describe('docs/openapi.json', () => {
  it('is what the code says', () => {
    const document = `${JSON.stringify(platformDocument(world.app), null, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(COPY, document);
    expect(JSON.parse(readFileSync(COPY, 'utf8'))).toEqual(JSON.parse(document));
  });

  it('describes a body for every route that takes one, and an answer for every route', () => {
    for (const [path, methods] of Object.entries(platformDocument(world.app).paths)) {
      for (const [method, operation] of Object.entries(
        methods as Record<string, { requestBody?: unknown; responses: object; summary?: string }>,
      )) {
        const named = `${method} ${path}`;
        expect([named, operation.summary]).toEqual([named, expect.any(String)]);
        expect([named, Object.keys(operation.responses)]).toEqual([named, expect.arrayContaining(['default'])]);
        const takesBody =
          ['put', 'patch'].includes(method) || (method === 'post' && !/\/(end|pause|resume)$/.test(path));
        expect([named, operation.requestBody !== undefined]).toEqual([named, takesBody]);
      }
    }
  });
});

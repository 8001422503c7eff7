// The committed OpenAPI document is the one this code makes. Renew it with UPDATE_DOCS=1.
import { readFileSync, writeFileSync } from 'node:fs';
import { readConfig } from '@app/runtime';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Infrastructure } from './infrastructure.js';
import { apiDocument } from './openapi.js';
import { StandaloneModule } from './standalone.module.js';

const COPY = new URL('../../../docs/openapi.json', import.meta.url);

let app: INestApplication;
beforeAll(async () => {
  // Nothing is opened: routes are described, not called.
  const nothing = new Proxy({}, { get: () => ({}) }) as Infrastructure;
  const config = { ...readConfig({}), roles: ['platform', 'console'] as const };
  const scimFiles = { extensions: new Map(), resourceTypes: new Map() };
  const address = { url: '' };
  const module = StandaloneModule.of({ config, scimFiles, infrastructure: nothing, address, logger: new Logger() });
  app = await NestFactory.create(module, new FastifyAdapter(), { logger: false, abortOnError: false });
});

interface Operation {
  readonly summary?: string;
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema?: object }>> }>>;
}

const operations = (): (Operation & { readonly path: string; readonly method: string })[] =>
  Object.entries(apiDocument(app).paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, one]) => ({ path, method, ...one })),
  );

describe('docs/openapi.json', () => {
  it('is what the code says', () => {
    const document = `${JSON.stringify(apiDocument(app), null, 2)}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(COPY, document);
    expect(JSON.parse(readFileSync(COPY, 'utf8'))).toEqual(JSON.parse(document));
  });

  it('describes what fails as problems, and the APIs of platforms, operators and auditors', () => {
    const { paths } = apiDocument(app);
    for (const { responses } of operations()) {
      expect(responses['default']).toMatchObject({
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDocument' } } },
      });
    }
    for (const path of [
      'credentials',
      'revocations',
      'cascades',
      'summary',
      'lanes',
      'trail',
      'evidence',
      'checkpoint',
    ])
      expect(paths).toHaveProperty([`/v1/${path}`]);
    expect(Object.keys(paths).every((path) => path.startsWith('/v1/'))).toBe(true);
  });

  it('gives every answer that has a body its schema', () => {
    for (const { method, path, responses } of operations()) {
      for (const [status, { content = {} }] of Object.entries(responses)) {
        if (status === '204') continue;
        const schemas = Object.values(content).map(({ schema = {} }) => Object.keys(schema).length);
        const isDescribed = schemas.length > 0 && schemas.every((keys) => keys > 0);
        expect([method, path, status, isDescribed]).toEqual([method, path, status, true]);
      }
    }
  });

  it('describes a body for every route that takes one, and an answer for every route', () => {
    for (const { method, path, summary, responses, requestBody } of operations()) {
      const named = `${method} ${path}`;
      expect([named, summary]).toEqual([named, expect.any(String)]);
      expect([named, Object.keys(responses)]).toEqual([named, expect.arrayContaining(['default'])]);
      const takesBody = ['put', 'patch'].includes(method) || (method === 'post' && !/\/(end|pause|resume)$/.test(path));
      expect([named, requestBody !== undefined]).toEqual([named, takesBody]);
    }
  });
});

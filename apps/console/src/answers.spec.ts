// What operators are answered is what the OpenAPI document says they are.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { mismatches } from './answer-schema.fixture.js';
import { openConsole, type ConsoleWorld } from './console.fixture.js';
import { ConsoleModule } from './console.module.js';
import { Lanes } from './lanes.js';

class TwoLanes extends Lanes {
  override async status(tenant: string) {
    const pausedUntil = '2026-03-01T10:00:05.000Z';
    return [
      { tenant, providerId: 'google', inFlight: 3, pausedUntil, broken: false },
      { tenant, providerId: 'github', inFlight: 1, pausedUntil: undefined, broken: true },
    ];
  }
}

let world: ConsoleWorld;
let document: OpenAPIObject;
beforeAll(async () => {
  world = await openConsole({ lanes: new TwoLanes() });
  document = SwaggerModule.createDocument(world.app, new DocumentBuilder().build(), { include: [ConsoleModule] });
});
afterAll(() => world.close());

const schemaOf = (method: 'get' | 'post', path: string) => {
  const answer = document.paths[path]?.[method]?.responses['200'];
  return answer !== undefined && 'content' in answer ? answer.content?.['application/json']?.schema : undefined;
};

const REASON = { reason: 'secret rotated', by: 'Carol Shaw' };

const asked: readonly (readonly ['get' | 'post', string, string, object?])[] = [
  ['get', '/v1/summary', '/v1/summary'],
  ['get', '/v1/lanes', '/v1/lanes'],
  ['get', '/v1/cascades', '/v1/cascades?limit=1'],
  ['get', '/v1/cascades', '/v1/cascades'],
  ['get', '/v1/cascades/{id}', '/v1/cascades/k1?limit=2'],
  ['get', '/v1/cascades/{id}', '/v1/cascades/k2'],
  ['get', '/v1/revocations', '/v1/revocations?state=pending'],
  ['get', '/v1/revocations', '/v1/revocations?state=failed'],
  ['get', '/v1/revocations', '/v1/revocations?state=parked'],
  ['get', '/v1/revocations', '/v1/revocations?state=settled'],
  ['get', '/v1/revocations/{targetId}', '/v1/revocations/t1'],
  ['post', '/v1/revocations/{targetId}/retry', '/v1/revocations/t3/retry', REASON],
  ['post', '/v1/revocations/{targetId}/waive', '/v1/revocations/t3/waive', REASON],
  ['get', '/v1/trail', '/v1/trail?limit=3'],
  ['get', '/v1/trail', '/v1/trail'],
  ['get', '/v1/events/{seq}/proof', '/v1/events/2/proof'],
];

// A fourth parameter would be taken for a callback where there is no body.
it.each(asked)('%s %s is answered as it is described: %s', async (...[method, path, url, payload]) => {
  const headers = { authorization: 'Bearer operator-acme' };
  const sent = payload === undefined ? {} : { payload };
  const answer = await world.app.inject({ method: method === 'get' ? 'GET' : 'POST', url, headers, ...sent });
  const schema = schemaOf(method, path);
  expect([answer.statusCode, schema]).toEqual([200, expect.any(Object)]);
  expect(mismatches(document, schema ?? {}, answer.json())).toEqual([]);
});

it('leaves out no route that answers JSON', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    (['get', 'post'] as const).flatMap((method) =>
      method in methods && schemaOf(method, path) !== undefined ? [`${method} ${path}`] : [],
    ),
  );
  expect([...new Set(asked.map(([method, path]) => `${method} ${path}`))].toSorted()).toEqual(described.toSorted());
});

describe('a comparison with a schema', () => {
  it.each([
    ['another type', { items: [{ seq: '1' }] }, '$.items[0].seq: no integer'],
    ['what is missing', { items: [{ seq: 1 }] }, '$.items[0].at: missing'],
    ['what is not described', { items: [], more: 1 }, '$.more: not described'],
  ])('finds %s', (_, value, expected) => {
    expect(mismatches(document, schemaOf('get', '/v1/trail') ?? {}, value)).toContain(expected);
  });
});

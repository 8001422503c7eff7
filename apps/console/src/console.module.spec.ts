import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Lanes } from './lanes.js';
import { openConsole, type ConsoleWorld } from './console.fixture.js';
import { second } from './story.fixture.js';

class OneLane extends Lanes {
  override async status(tenant: string) {
    return tenant === 'acme'
      ? [{ tenant, providerId: 'google', inFlight: 3, pausedUntil: undefined, broken: true }]
      : [];
  }
}

let world: ConsoleWorld;
beforeEach(async () => {
  world = await openConsole({ lanes: new OneLane() });
});
afterEach(async () => {
  await world.close();
  expect(world.failures).toEqual([]);
});

const get = (url: string, token = 'operator-acme') =>
  world.app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } });
const post = (url: string, payload: object, token = 'operator-acme') =>
  world.app.inject({ method: 'POST', url, payload, headers: { authorization: `Bearer ${token}` } });

const ids = async (url: string, key = 'targetId'): Promise<string[]> =>
  (await get(url)).json().items.map((item: Record<string, string>) => item[key]);

describe('the summary', () => {
  it('counts what has not ended and says how old the oldest is', async () => {
    expect((await get('/v1/summary')).json()).toEqual({
      openCascades: 1,
      pending: 3,
      failed: 1,
      parked: 1,
      oldestPlannedAt: second(101),
      oldestAgeSeconds: 3600 - 101,
      unplannedDenies: 0,
      oldestUnplannedAgeSeconds: 0,
    });
  });

  it('counts the denies that no worker has planned yet and says how old the oldest is', async () => {
    await world.denyUnplanned('cyd', 1800);
    expect((await get('/v1/summary')).json()).toMatchObject({
      openCascades: 1,
      unplannedDenies: 1,
      oldestUnplannedAt: second(1800),
      oldestUnplannedAgeSeconds: 1800,
    });
  });

  it('shows the lanes of the tenant where the worker runs, and says where they are known otherwise', async () => {
    expect((await get('/v1/lanes')).json()).toEqual({
      items: [{ tenant: 'acme', providerId: 'google', inFlight: 3, broken: true }],
    });
    const elsewhere = await openConsole();
    const headers = { authorization: 'Bearer operator-acme' };
    const answer = await elsewhere.app.inject({ method: 'GET', url: '/v1/lanes', headers });
    await elsewhere.close();
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'no_worker_here']);
  });
});

describe('the lists', () => {
  it.each([
    ['state=pending', ['t2', 't3', 't4']],
    ['state=failed', ['t2']],
    ['state=parked', ['t3']],
    ['state=settled', ['t1']],
    ['provider=github', ['t3']],
    ['subject=ada&order=newest', ['t4', 't3', 't2', 't1']],
    ['class=provider-error', ['t2']],
    ['class=timeout', []],
  ])('of revocations: %s', async (query, expected) => {
    expect(await ids(`/v1/revocations?${query}`)).toEqual(expected);
  });

  it.each([
    ['', ['k2', 'k1']],
    ['status=open', ['k1']],
    ['subject=bob', ['k2']],
    ['person=ada', ['k1']],
    ['provider=github', ['k1']],
    ['provider=slack', []],
  ])('of cascades: %s', async (query, expected) => {
    expect(await ids(`/v1/cascades?${query}`, 'cascadeId')).toEqual(expected);
  });

  it.each([
    ['/v1/revocations', 'targetId', ['t1', 't2', 't3', 't4']],
    ['/v1/cascades', 'cascadeId', ['k2', 'k1']],
    ['/v1/trail?order=oldest', 'seq', Array.from({ length: 11 }, (_, i) => i)],
  ])('are read page by page without gaps or repeats: %s', async (list, key, expected) => {
    const seen: unknown[] = [];
    let cursor: string | undefined = '';
    for (let page = 0; cursor !== undefined; page += 1) {
      expect(page).toBeLessThan(expected.length);
      const more: string = `limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const answer: { items: Record<string, unknown>[]; next?: string } = (
        await get(`${list}${list.includes('?') ? '&' : '?'}${more}`)
      ).json();
      seen.push(...answer.items.map((item) => item[key]));
      cursor = answer.next;
    }
    expect(seen).toEqual(expected);
  });

  it.each([
    ['/v1/revocations?cursor=nonsense', 'invalid_cursor'],
    ['/v1/cascades?cursor=nonsense', 'invalid_cursor'],
    ['/v1/cascades/k1?cursor=nonsense', 'invalid_cursor'],
    ['/v1/trail?cursor=nonsense', 'invalid_request'],
    ['/v1/revocations?cursor=<b>', 'invalid_request'],
    ['/v1/revocations?state=dead', 'invalid_request'],
    ['/v1/revocations?limit=501', 'invalid_request'],
    ['/v1/revocations?limit=0', 'invalid_request'],
    ['/v1/revocations?stat=failed', 'invalid_request'],
    ['/v1/trail?from=yesterday', 'invalid_request'],
    ['/v1/evidence?type=cascade', 'invalid_request'],
    ['/v1/evidence?type=population&from=2026-01-01T00:00:00.000Z', 'invalid_request'],
    ['/v1/evidence?type=cascade&id=k1&pinned=1,x', 'invalid_request'],
  ])('refuse what they do not understand with a problem: %s', async (url, code) => {
    const answer = await get(url);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
    expect(answer.body).not.toMatch(/nonsense|dead|yesterday/);
  });
});

describe('a cascade', () => {
  it('is shown with its cause, its times, its counts and a page of its targets', async () => {
    const cascade = (await get('/v1/cascades/k1?limit=3')).json();
    expect(cascade).toMatchObject({
      cascadeId: 'k1',
      subject: { type: 'user', id: 'ada', name: 'Ada Lovelace' },
      causeType: 'UserDeactivated',
      status: 'open',
      t0: second(100),
      t1: second(100),
      t2: second(102),
      t3: second(103),
      t4: second(111),
      counts: { planned: 1, deferred: 1, parked: 1, verified: 1 },
    });
    expect(cascade.targets.items.map((target: { targetId: string }) => target.targetId)).toEqual(['t1', 't2', 't3']);
    expect(cascade.targets.items[0].user).toEqual({ id: 'ada', name: 'Ada Lovelace' });
    const rest = (await get(`/v1/cascades/k1?cursor=${cascade.targets.next}`)).json();
    expect(rest.targets.items.map((target: { targetId: string }) => target.targetId)).toEqual(['t4']);
  });
});

describe('an operator', () => {
  it('retries a parked revocation: it is due at once, under the name of the key', async () => {
    const answer = await post('/v1/revocations/t3/retry', { reason: 'secret rotated' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ targetId: 't3', state: 'due', settled: false });
    expect(answer.json().history[0].sentence).toBe('Target t3: operator:key-1 asked for a retry (secret rotated).');
    expect(await ids('/v1/revocations?state=parked')).toEqual([]);
  });

  it('waives a revocation with a reason and a name, once', async () => {
    const body = { reason: 'account closed by hand', by: 'Carol Shaw' };
    const answer = await post('/v1/revocations/t3/waive', body);
    expect(answer.json()).toMatchObject({ targetId: 't3', state: 'waived', grade: 'W', settled: true });
    expect(answer.json().history[0]).toMatchObject({
      actor: 'operator:key-1',
      sentence: 'Target t3: waived by Carol Shaw (account closed by hand) (grade W).',
    });
    for (const action of ['waive', 'retry']) {
      const again = await post(`/v1/revocations/t3/${action}`, body);
      expect([again.statusCode, again.json().code]).toEqual([409, 'already_ended']);
    }
  });

  it.each([
    [{ by: 'Carol' }],
    [{ by: 'Carol', reason: '' }],
    [{ by: 'Carol', reason: ' \u00a0 ' }],
    [{ by: 'Carol', reason: 'x'.repeat(501) }],
    [{ by: 'Carol', reason: 'a\nb' }],
    [{ by: 'Carol', reason: 7 }],
    [{ by: ' ', reason: 'because' }],
    [{ reason: 'because' }],
    [{ by: 'Carol', reason: 'because', until: 'later' }],
  ])('waives nothing without a reason and a name: %j', async (body) => {
    const answer = await post('/v1/revocations/t3/waive', body);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request']);
    expect((await get('/v1/revocations/t3')).json().state).toBe('parked');
  });
});

describe('another tenant', () => {
  it.each([
    '/v1/cascades/k1',
    '/v1/revocations/t3',
    '/v1/evidence?type=cascade&id=k1',
    '/v1/evidence?type=user&id=ada',
    '/v1/events/10/proof',
  ])('is told that it does not exist: %s', async (url) => {
    expect((await get(url)).statusCode).toBe(200);
    const answer = await get(url, 'operator-globex');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, expect.stringMatching('problem')]);
  });

  it('neither sees nor changes anything', async () => {
    for (const url of ['/v1/cascades', '/v1/revocations', '/v1/revocations?subject=ada', '/v1/trail', '/v1/summary']) {
      expect((await get(url, 'operator-globex')).body).not.toMatch(/ada|acme|"k1"|"t[1-4]"(?!:)/i);
    }
    expect((await get('/v1/summary', 'operator-globex')).json()).toMatchObject({ pending: 1, failed: 0 });
    for (const action of ['retry', 'waive']) {
      const answer = await post(`/v1/revocations/t3/${action}`, { reason: 'r', by: 'Eve' }, 'operator-globex');
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'not_found']);
    }
    expect((await get('/v1/revocations/t3')).json().history).toHaveLength(1);
  });

  it('is answered 404 like an id that nobody has', async () => {
    for (const url of ['/v1/cascades/nope', '/v1/revocations/nope', '/v1/events/999/proof']) {
      expect((await get(url)).statusCode).toBe(404);
    }
    expect((await post('/v1/revocations/nope/retry', { reason: 'r' })).statusCode).toBe(404);
  });
});

describe('a token', () => {
  const routes: [method: 'GET' | 'POST', url: string][] = [
    ['GET', '/v1/summary'],
    ['GET', '/v1/lanes'],
    ['GET', '/v1/cascades'],
    ['GET', '/v1/cascades/k1'],
    ['GET', '/v1/revocations'],
    ['GET', '/v1/revocations/t3'],
    ['POST', '/v1/revocations/t3/retry'],
    ['POST', '/v1/revocations/t3/waive'],
    ['GET', '/v1/trail'],
    ['GET', '/v1/checkpoint'],
    ['GET', '/v1/checkpoint/vkey'],
    ['GET', '/v1/events/1/proof'],
    ['GET', '/v1/evidence?type=cascade&id=k1'],
  ];

  it.each(routes)("that is not an operator's opens nothing: %s %s", async (method, url) => {
    for (const [token, status] of [
      ['scim-acme', 403],
      ['platform-acme', 403],
      ['unknown', 401],
    ] as const) {
      const authorization = `Bearer ${token}`;
      const answer = await world.app.inject({ method, url, headers: { authorization } });
      expect(answer.statusCode).toBe(status);
    }
  });
});

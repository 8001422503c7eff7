// A POST with an Idempotency-Key is carried out once, whatever becomes of its answer.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RUNNING_MS } from './idempotency.js';
import { openPlatform, type PlatformWorld } from './platform.fixture.js';

const DAY = 24 * 60 * 60 * 1000;

let world: PlatformWorld;
let ada: string;
const token = (over: object = {}) => ({
  kind: 'api_key',
  providerId: 'idp',
  userId: ada,
  secret: 'canary-secret',
  ...over,
});
const post = (url: string, body: object | undefined, key: string, caller?: string) =>
  world.send('POST', url, body, { 'idempotency-key': key }, caller);
const registrations = async () =>
  (await world.log.readAll({ max: 100_000 })).filter((event) => event.type === 'CredentialRegistered').length;

beforeAll(async () => {
  world = await openPlatform();
  ada = await world.user('ada');
  const settings = { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' };
  await world.send('PUT', 'providers/idp', { connector: 'rfc7009', displayName: 'Identity', settings });
});
afterAll(() => world.close());

describe('an Idempotency-Key', () => {
  it('replays the answer to the same request', async () => {
    const first = await post('credentials', token(), 'k1');
    const before = await registrations();
    const again = await post('credentials', token(), 'k1');
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(await registrations()).toBe(before);
    expect((await post('credentials', token(), 'another')).body).not.toEqual(first.body);
  });

  it('is refused with another body, another path, and when it is not visible ASCII', async () => {
    await post('credentials', token(), 'k2');
    for (const [url, body] of [
      ['credentials', token({ secret: 'x' })],
      ['runs', { providerId: 'idp', userId: ada }],
    ] as const) {
      expect((await post(url, body, 'k2')).body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    }
    expect((await post('credentials', token(), 'with space')).body).toMatchObject({
      status: 400,
      code: 'invalid_idempotency_key',
    });
  });

  it('belongs to one tenant', async () => {
    await post('credentials', token(), 'k3');
    expect((await post('credentials', token(), 'k3', 'platform of globex')).body).toMatchObject({
      code: 'unknown_provider',
    });
  });

  it('carries out once what is sent many times at once', async () => {
    const before = await registrations();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('credentials', token(), 'k4')));
    expect(await registrations()).toBe(before + 1);
    const made = answers.filter((one) => one.status === 201);
    expect(new Set(made.map((one) => one.body.id)).size).toBe(1);
    for (const one of answers.filter((other) => other.status !== 201)) {
      expect(one.body).toMatchObject({ status: 409, code: 'idempotency_in_progress' });
    }
  });

  it('gives the same denial again, recorded once', async () => {
    const eve = await world.user('eve');
    await world.deactivate(eve);
    const before = await registrations();
    const first = await post('credentials', token({ userId: eve }), 'k5');
    const again = await post('credentials', token({ userId: eve }), 'k5');
    expect(first.body).toMatchObject({ status: 409, code: 'subject_denied', id: expect.any(String) });
    expect(again.body).toMatchObject({ code: 'subject_denied', id: first.body.id, reasons: first.body.reasons });
    expect(await registrations()).toBe(before + 1);
  });

  it('is free again after a refusal that recorded nothing', async () => {
    expect((await post('credentials', token({ providerId: 'later' }), 'k6')).status).toBe(422);
    const settings = { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' };
    await world.send('PUT', 'providers/later', { connector: 'rfc7009', displayName: 'Later', settings });
    expect((await post('credentials', token({ providerId: 'later' }), 'k6')).status).toBe(201);
  });

  it('keeps the id of what a request made that died before it answered', async () => {
    const first = await post('credentials', token({ secret: 'died' }), 'k7');
    // As a process leaves it that was killed between the append and the answer.
    await world.idempotencyDb.updateTable('idempotent_requests').set({ state: 'running', answer: null }).execute();
    expect((await post('credentials', token({ secret: 'died' }), 'k7')).body).toMatchObject({
      code: 'idempotency_in_progress',
    });
    world.clock.advance(DAY);
    const before = await registrations();
    expect((await post('credentials', token({ secret: 'died' }), 'k7')).body).toEqual(first.body);
    expect(await registrations()).toBe(before);
  });

  it('gives each credential of a batch its own id, the same ones again', async () => {
    const credentials = [token({ secret: 'a' }), token({ secret: 'b' })];
    const first = await post('credentials/batch', { credentials }, 'k8');
    const again = await post('credentials/batch', { credentials }, 'k8');
    expect(again.body).toEqual(first.body);
    expect(new Set(first.body.results.map((one: { id: string }) => one.id)).size).toBe(2);
  });

  it('replays an answer without a body', async () => {
    const run = await world.send('POST', 'runs', { providerId: 'idp', userId: ada });
    for (let times = 0; times < 2; times += 1) {
      const answer = await post(`runs/${run.body.id}/end`, undefined, 'k9');
      expect([answer.status, answer.text]).toEqual([204, '']);
    }
  });

  it('never replays a token: a second request is told that it was shown', async () => {
    const first = await post('keys', { roles: ['platform'] }, 'k10', 'operator of acme');
    expect(first.status).toBe(201);
    const again = await post('keys', { roles: ['platform'] }, 'k10', 'operator of acme');
    expect(again.body).toMatchObject({ status: 409, code: 'answer_shown_once' });
    const rows = JSON.stringify(await world.idempotencyDb.selectFrom('idempotent_requests').selectAll().execute());
    expect(rows).not.toContain(first.body.token);
    expect(rows).not.toMatch(/canary|k10/);
  });

  describe('whose claim a request outlives', () => {
    const run = () => post('runs', { providerId: 'idp', userId: ada }, 'slow');
    const schedule = () => post('schedules', { providerId: 'idp', userId: ada }, 'slow');

    it('keeps the answer of the request that has it now', async () => {
      const slow = await world.held(run);
      world.clock.advance(RUNNING_MS);
      const taken = await schedule();
      expect(taken.status).toBe(201);
      expect((await slow.release()).status).toBe(201);
      expect((await schedule()).body).toEqual(taken.body);
      expect((await run()).body).toMatchObject({ code: 'idempotency_key_reused' });
      world.clock.advance(DAY);
    });

    it('is not set free by the failure of that request', async () => {
      const slow = await world.held(run);
      world.clock.advance(RUNNING_MS);
      const taking = await world.held(schedule);
      expect((await slow.release('fails')).status).toBe(503);
      expect((await schedule()).body).toMatchObject({ code: 'idempotency_in_progress' });
      expect((await taking.release()).status).toBe(201);
    });
  });

  it('is forgotten after a day', async () => {
    const first = await post('runs', { providerId: 'idp', userId: ada }, 'k11');
    world.clock.advance(DAY - 1);
    expect((await post('runs', { providerId: 'idp', userId: ada }, 'k11')).body).toEqual(first.body);
    world.clock.advance(1);
    const other = await post('schedules', { providerId: 'idp', userId: ada }, 'k11');
    expect(other.status).toBe(201);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams, type AnyEvent } from '@app/events';
import { Bench } from './cascade.fixture.js';
import type { TargetRow } from './revocation-db.js';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
  await bench.user('ada');
  await bench.user('bob');
});

afterEach(() => bench.close());

const endAll = async (type: Parameters<Bench['settle']>[1] = 'RevocationAcknowledged') => {
  for (const row of await bench.targets()) if (row.state !== 'settled') await bench.settle(row, type);
  await bench.follow();
};

describe('after a crash the relay', () => {
  const crash = () => {
    throw new Error('the process died here');
  };

  it('appends nothing twice when it died between the append and the commit', async () => {
    await bench.credentials(3, 'ada');
    await bench.deactivate('ada');
    const events = await bench.next();
    await expect(bench.applyOnce(events, crash)).rejects.toThrow('died');
    const after = await bench.length();
    expect(await bench.events('CascadeStarted')).toHaveLength(1);
    expect(await bench.targets()).toEqual([]);
    await bench.follow();
    expect(await bench.length()).toBe(after);
    expect(await bench.targeted()).toEqual(['c0', 'c1', 'c2']);
  });

  it('continues a plan where it was cut off', async () => {
    await bench.credentials(2_000, 'ada');
    await bench.deactivate('ada');
    let appends = 0;
    const { log } = bench;
    bench.relay = bench.newRelay({
      append: (...args) => (++appends === 2 ? Promise.reject(new Error('the log is away')) : log.append(...args)),
      readStream: (...args) => log.readStream(...args),
    });
    bench.batch = 5_000;
    await expect(bench.follow()).rejects.toThrow('away');
    expect(await bench.events('RevocationPlanned')).toHaveLength(7);
    await bench.follow();
    expect(await bench.events('RevocationPlanned')).toHaveLength(10);
    expect(new Set(await bench.targeted()).size).toBe(2_000);
    const ids = (await bench.events('RevocationPlanned')).flatMap((e) => e.data.targets.map((t) => t.targetId));
    expect(new Set(ids).size).toBe(2_000);
  });

  it('completes a cascade once', async () => {
    await bench.credential('token', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.follow();
    await bench.settle((await bench.targets())[0] as TargetRow, 'RevocationAcknowledged');
    await expect(bench.applyOnce(await bench.next(), crash)).rejects.toThrow('died');
    expect(await bench.events('CascadeCompleted')).toHaveLength(1);
    await bench.follow();
    expect(await bench.events('CascadeCompleted')).toHaveLength(1);
    expect(await bench.db.selectFrom('work_cascades').select('completed').execute()).toEqual([{ completed: 1 }]);
  });

  it('lets a plan stand that other rules made, and goes on', async () => {
    await bench.credentials(2, 'ada');
    await bench.deactivate('ada');
    await bench.follow();
    await endAll();
    const before = await bench.length();
    await bench.forget();
    // As if a rule of today took more away than the rule that planned: a third holding appears where there were two.
    await bench.db.insertInto('held_holdings').values(extraHolding).execute();
    await bench.follow();
    expect(await bench.length()).toBe(before);
    expect(await bench.targeted()).toEqual(['c0', 'c1']);
    const extra = bench.db.selectFrom('held_holdings').select('state').where('holding_id', '=', 'extra');
    expect(await extra.executeTakeFirst()).toEqual({ state: 'held' });
  });

  const extraHolding = {
    tenant: 'acme',
    holding_type: 'credential',
    holding_id: 'extra',
    kind: 'api_key',
    provider_id: 'p',
    user_id: 'ada',
    agent_id: null,
    grant_id: null,
    reference: '{}',
    secret_ids: '[]',
    held_secrets: '[]',
    requires_groups: '[]',
    expires_at: null,
    state: 'held',
    cascade_id: null,
  };
});

describe('a plan of an earlier version, which does not say which secret it means', () => {
  const withoutSecrets = (event: AnyEvent): AnyEvent => {
    if (event.type !== 'RevocationPlanned') return event;
    const planned = structuredClone(event);
    for (const target of planned.data.targets) Reflect.deleteProperty(target, 'secretId');
    return planned;
  };

  it('means the one that was current when it was made, and no other after it', async () => {
    const { log } = bench;
    bench.relay = bench.newRelay({
      append: (stream, expected, events, options) =>
        log.append(stream, expected, (events as readonly AnyEvent[]).map(withoutSecrets), options),
      readStream: (...args) => log.readStream(...args),
    });
    await bench.credential('token', { userId: 'ada', secretId: 's1' });
    await bench.credential('by-reference', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.reactivate('ada', 2);
    await bench.rotate('token', 's2');
    await bench.rotate('by-reference', 's3');
    await bench.follow();
    const secrets = async () => (await bench.targets()).map((row) => [row.holding_id, row.secret_id]);
    const known = [
      ['by-reference', null],
      ['token', 's1'],
    ];
    expect(await secrets()).toEqual(known);
    bench.relay = bench.newRelay();
    await bench.forget();
    await bench.follow();
    expect(await secrets()).toEqual(known);
  });
});

describe('following from scratch', () => {
  it.each([1, 2, 7, 512])('builds the same rows with %i events a batch', async (batch) => {
    await bench.group('prod', 'ada');
    await bench.credentials(3, 'ada');
    await bench.credential('needs', { userId: 'ada', requiresGroups: ['prod'] });
    await bench.members('prod', [], ['ada']);
    await bench.follow();
    await bench.settle((await bench.targets())[0] as TargetRow, 'RevocationAcknowledged');
    const rotated = { credentialId: 'needs', secretId: 'new', fingerprint: 'f' };
    await bench.append(streams.credential('acme', 'needs'), 'CredentialRotated', rotated);
    await bench.deactivate('ada');
    await bench.provider('p', 'rfc7009');
    await bench.follow();
    await endAll('RevocationExpired');
    const [rows, length] = [await bench.rows(), await bench.length()];
    await bench.forget();
    bench.batch = batch;
    bench.clock.advance(1_000_000);
    await bench.follow();
    expect(await bench.rows()).toEqual(rows);
    expect(await bench.length()).toBe(length);
  });
});

import { runInThisContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
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

describe('the relay plans', () => {
  it('all that a person held, their orphaned agents and the children of those', async () => {
    await bench.agent('hers', ['ada']);
    await bench.agent('child', ['bob'], 'hers');
    await bench.agent('shared', ['ada', 'bob']);
    await bench.credential('own', { userId: 'ada' });
    await bench.credential('of-agent', { agentId: 'hers' });
    await bench.credential('of-child', { agentId: 'child' });
    await bench.credential('of-shared', { agentId: 'shared' });
    await bench.credential('of-bob', { userId: 'bob' });
    const cause = await bench.deactivate('ada');
    await bench.follow();
    expect(await bench.targeted()).toEqual(['of-agent', 'of-child', 'own']);
    const [started] = await bench.events('CascadeStarted');
    expect(started?.data).toMatchObject({ subject: { type: 'user', id: 'ada' }, targetCount: 3, policyHash: 'policy' });
    expect(started?.data.cause.eventId).toBe(cause);
  });

  it('only what requires the group that was lost', async () => {
    await bench.group('prod', 'ada', 'bob');
    await bench.credential('needs-prod', { userId: 'ada', requiresGroups: ['prod'] });
    await bench.credential('needs-nothing', { userId: 'ada' });
    await bench.credential('of-bob', { userId: 'bob', requiresGroups: ['prod'] });
    await bench.members('prod', [], ['ada']);
    await bench.follow();
    expect(await bench.targeted()).toEqual(['needs-prod']);
  });

  it('a cascade of its own for access registered after the denial', async () => {
    await bench.credential('before', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.follow();
    const registration = await bench.credential('late', { userId: 'ada' });
    await bench.follow();
    expect(await bench.targeted()).toEqual(['before', 'late']);
    const causes = (await bench.events('CascadeStarted')).map((event) => event.data.cause.eventId);
    expect(causes).toHaveLength(2);
    expect(causes[1]).toBe(registration);
  });

  it.each(['open', 'settled'])(
    'a second target for a secret that came in while the first target was %s',
    async (state) => {
      await bench.credential('token', { userId: 'ada', secretId: 'old' });
      await bench.deactivate('ada');
      await bench.follow();
      if (state === 'settled') await endAll();
      const rotated = { credentialId: 'token', secretId: 'new', fingerprint: 'f' };
      const cause = await bench.append(streams.credential('acme', 'token'), 'CredentialRotated', rotated);
      await bench.follow();
      expect(await bench.targeted()).toEqual(['token', 'token']);
      expect((await bench.events('CascadeStarted'))[1]?.data.cause.eventId).toBe(cause);
    },
  );

  it('nothing on a reactivation, and restores nothing', async () => {
    await bench.credential('token', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.follow();
    const before = await bench.length();
    await bench.reactivate('ada', 2);
    await bench.follow();
    expect(await bench.length()).toBe(before + 1);
    expect((await bench.targets()).map((row) => row.state)).toEqual(['due']);
    await bench.credential('new', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.follow();
    const generations = (await bench.targets()).map((row) => [row.holding_id, row.generation]);
    expect(generations).toEqual([
      ['new', 2],
      ['token', 1],
    ]);
  });

  it('nothing twice: a second loss of the same holdings is recorded as nothing to revoke', async () => {
    await bench.credential('token', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.append(streams.user('acme', 'ada'), 'UserDeleted', { userId: 'ada', userNameHash: 'h' });
    await bench.follow();
    expect(await bench.targeted()).toEqual(['token']);
    expect(await bench.events('NothingToRevoke')).toHaveLength(1);
  });

  it('1,000 holdings in several events, each below 256 KiB, refresh tokens first', async () => {
    await bench.credentials(990, 'ada');
    await bench.credentials(10, 'ada', 'r', { kind: 'oauth_refresh_token' });
    await bench.deactivate('ada');
    await bench.follow();
    const planned = await bench.events('RevocationPlanned');
    expect(planned.map((event) => event.data.targets.length)).toEqual([200, 200, 200, 200, 200]);
    for (const event of planned) expect(event.bytes.length).toBeLessThan(256 * 1024);
    expect(planned[0]?.data.targets.slice(0, 11).map((t) => t.order)).toEqual([...Array(10).fill(10), 20]);
    expect(new Set(await bench.targeted()).size).toBe(1000);
  });
});

describe('a cascade completes', () => {
  it('once, with every grade counted, when its last target has ended', async () => {
    await bench.credentials(5, 'ada');
    await bench.deactivate('ada');
    await bench.follow();
    const rows = await bench.targets();
    const ends = ['RevocationVerified', 'RevocationVerified', 'RevocationAcknowledged', 'RevocationExpired'] as const;
    for (const [i, type] of ends.entries()) await bench.settle(rows[i] as TargetRow, type);
    await bench.follow();
    expect(await bench.events('CascadeCompleted')).toEqual([]);
    await bench.settle(rows[4] as TargetRow, 'RevocationWaived');
    await bench.follow();
    const completed = await bench.events('CascadeCompleted');
    expect(completed.map((event) => event.data)).toEqual([
      { cascadeId: rows[0]?.cascade_id, verdict: 'complete-with-waivers', counts: { A: 2, B: 1, C: 1, W: 1 } },
    ]);
  });

  it('each for itself, also when their outcomes arrive in one batch', async () => {
    await bench.credential('of-ada', { userId: 'ada' });
    await bench.credential('of-bob', { userId: 'bob' });
    await bench.deactivate('ada');
    await bench.deactivate('bob');
    await bench.follow();
    await endAll();
    const verdicts = (await bench.events('CascadeCompleted')).map((event) => event.data.verdict);
    expect(verdicts).toEqual(['complete', 'complete']);
  });
});

it('is told of an append that failed beside the others, and the process lives on', async () => {
  const unhandled: unknown[] = [];
  const crash = (error: unknown) => unhandled.push(error);
  // Jest gives its specs a process of their own, which hears nothing of this.
  const node = runInThisContext('process') as NodeJS.Process;
  node.on('unhandledRejection', crash);
  await bench.credential('token', { userId: 'ada' });
  await bench.deactivate('bob');
  await bench.deactivate('ada');
  const ofBob = new Error('the log is closed');
  const append: typeof bench.log.append = async (stream, expected, events, options) => {
    if (events[0]?.type === 'NothingToRevoke') throw ofBob;
    // Long enough for Node.js to end a process because of a promise that nobody looks at.
    await new Promise((resolve) => setImmediate(resolve));
    return bench.log.append(stream, expected, events, options);
  };
  bench.relay = bench.newRelay({ append, readStream: bench.log.readStream.bind(bench.log) });
  await expect(bench.follow()).rejects.toBe(ofBob);
  node.off('unhandledRejection', crash);
  expect(unhandled).toEqual([]);
  bench.relay = bench.newRelay();
  await bench.follow();
  expect(await bench.targeted()).toEqual(['token']);
  expect(await bench.events('NothingToRevoke')).toHaveLength(1);
});

describe('what a target was for', () => {
  it('is named as ended when the target has ended, never before', async () => {
    await bench.credential('token', { userId: 'ada' });
    await bench.deactivate('ada');
    const ended: string[] = [];
    bench.onWork = (change) => ended.push(...change.ended.map((key) => key.holding_id));
    await bench.follow();
    expect(ended).toEqual([]);
    await endAll();
    expect(ended).toEqual(['token']);
  });

  it('is named as ended when the platform released it', async () => {
    await bench.credential('token', { userId: 'ada' });
    await bench.append(streams.credential('acme', 'token'), 'CredentialReleased', { credentialId: 'token' });
    const ended: string[] = [];
    bench.onWork = (change) => ended.push(...change.ended.map((key) => key.holding_id));
    await bench.follow();
    expect(ended).toEqual(['token']);
  });
});

describe('configuring a provider', () => {
  it('makes all that waits for it due at once, with a new curve, and leaves the probes their time', async () => {
    const classes = ['connector-broken', 'no-provider', 'permanent', 'exhausted', 'network', null];
    const states = ['parked', 'parked', 'parked', 'parked', 'due', 'acknowledged'];
    await bench.credentials(classes.length, 'ada');
    await bench.deactivate('ada');
    await bench.follow();
    const rows = await bench.targets();
    const later = bench.clock.now() + 86_400_000;
    for (const [i, last_class] of classes.entries()) {
      await bench.db
        .updateTable('work_targets')
        .set({ state: states[i] as string, last_class, due_at: later, consumed: 7 })
        .where('target_id', '=', (rows[i] as TargetRow).target_id)
        .execute();
    }
    bench.clock.advance(1_000);
    const reopened: string[] = [];
    bench.onWork = (change) => reopened.push(...change.reopened);
    await bench.provider('other', 'rfc7009');
    await bench.follow();
    expect((await bench.targets()).map((row) => row.due_at)).toEqual(Array(6).fill(later));
    await bench.provider('p', 'rfc7009');
    await bench.follow();
    const now = bench.clock.now();
    expect((await bench.targets()).map((row) => row.due_at)).toEqual([now, now, now, now, now, later]);
    expect((await bench.targets()).map((row) => row.consumed)).toEqual([0, 0, 0, 0, 0, 7]);
    expect((await bench.targets()).map((row) => row.state)).toEqual(states);
    expect(reopened).toEqual(['acme.other', 'acme.p']);
  });

  it.each([1, 512])('also when it was parked just before, at %i events a batch', async (batch) => {
    await bench.credential('token', { userId: 'ada' });
    await bench.deactivate('ada');
    await bench.follow();
    const [row] = await bench.targets();
    const { target_id: targetId, cascade_id: cascadeId } = row as TargetRow;
    const now = bench.clock.now();
    const attempt = { number: 1, startedAt: bench.clock.iso(), endedAt: bench.clock.iso() };
    const until = bench.clock.iso(now + 86_400_000);
    const parked = { targetId, cascadeId, attempt, class: 'no-provider' as const, reason: 'nobody to ask', until };
    await bench.append(streams.revocation('acme', targetId), 'RevocationParked', parked);
    await bench.provider('p', 'rfc7009');
    bench.batch = batch;
    await bench.follow();
    expect(await bench.targets()).toMatchObject([{ state: 'parked', due_at: now }]);
  });
});

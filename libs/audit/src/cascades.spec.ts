import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Kysely } from 'kysely';
import type { AuditDb } from './audit-db.js';
import { Cascades, type TargetQuery } from './cascades.js';
import { CascadesView } from './cascades.view.js';
import { LedgerView } from './ledger.view.js';
import { Offboarding, plannedTarget, second } from './offboarding.fixture.js';
import { InvalidCursor } from './page-cursor.js';
import { follow, openViews, RecordedLog } from './recorded-log.fixture.js';
import { TrailView } from './trail.view.js';

let db: Kysely<AuditDb>;
let log: RecordedLog;
let story: Offboarding;
let cascades: Cascades;
const view = new CascadesView();

beforeEach(async () => {
  db = await openViews(view);
  log = new RecordedLog();
  story = new Offboarding(log);
  cascades = new Cascades(db);
});
afterEach(() => db.destroy());

/** A cascade over as many targets of one user as there are ids; nothing attempted yet. */
function started(cascadeId: string, userId: string, targetIds: string[], at: number): void {
  story.plan(
    cascadeId,
    userId,
    story.deactivate(userId, at),
    targetIds.map((id) => plannedTarget(id, { userId })),
    at + 1,
  );
}

const idsOf = async (query: TargetQuery): Promise<string[]> =>
  (await cascades.targets('acme', { order: 'oldest', ...query })).items.map((target) => target.targetId);

describe('a deny', () => {
  const unplanned = async () => {
    const { unplannedDenies, oldestUnplannedAt } = await cascades.backlog('acme');
    return [unplannedDenies, oldestUnplannedAt];
  };
  const deleted = (applicationId: string, at: number) =>
    log.record(
      'ApplicationDeleted',
      { applicationId },
      { stream: `application-acme-${applicationId}`, at: second(at) },
    );

  it.each([1, 1000])('is counted until it is answered (batches of %d)', async (batch) => {
    const [ada, bob] = [story.deactivate('ada', 10), story.deactivate('bob', 20)];
    deleted('billing', 30);
    await follow(db, [view], log.events, batch);
    expect(await unplanned()).toEqual([3, second(10)]);
    log.events.length = 0;
    story.plan('k1', 'ada', ada, [plannedTarget('t1', { userId: 'ada' })], 40);
    story.plan('k2', 'bob', bob, [], 41);
    story.plan('k3', 'eve', story.deactivate('eve', 50), [], 51);
    await follow(db, [view], log.events, batch);
    expect(await unplanned()).toEqual([1, second(30)]);
  });

  it('of an earlier version is counted too', async () => {
    const views = [new LedgerView(), new TrailView(), view];
    for (const one of views) await one.migrate(db);
    story.plan('k1', 'ada', story.deactivate('ada', 10), [], 11);
    deleted('billing', 30);
    await follow(db, views, log.events);
    await db.schema.dropTable('cascade_denies').execute();
    await view.migrate(db);
    await view.migrate(db);
    expect(await unplanned()).toEqual([1, second(30)]);
  });
});

describe('a cascade', () => {
  it.each([1, 1000])('ends with its verdict, its counts and its five times (batches of %d)', async (batch) => {
    story.tell();
    await follow(db, [view], log.events, batch);
    expect(await cascades.cascade('acme', 'k1')).toMatchObject({
      subject: { type: 'user', id: 'ada' },
      causeType: 'UserDeactivated',
      status: 'complete-with-waivers',
      targetCount: 4,
      settledCount: 4,
      counts: { planned: 0, due: 0, deferred: 0, parked: 0, acknowledged: 1, verified: 1, expired: 1, waived: 1 },
      t0: second(99),
      t1: second(100),
      t2: second(102),
      t3: second(136),
      t4: second(202),
      startedAt: second(101),
      completedAt: second(401),
    });
  });

  it('of somebody who held nothing is complete and says as of which position', async () => {
    story.tell();
    await follow(db, [view], log.events);
    const nothing = await cascades.cascade('acme', 'k2');
    expect(nothing).toMatchObject({ status: 'complete', targetCount: 0, t1: second(150), completedAt: second(151) });
  });

  it('is open while one target is not settled', async () => {
    started('k1', 'ada', ['t1', 't2'], 10);
    story.acknowledge('t1', 'k1', 1, 20);
    story.defer('t2', 'k1', 1, 21);
    await follow(db, [view], log.events);
    expect(await cascades.cascade('acme', 'k1')).toMatchObject({
      status: 'open',
      settledCount: 1,
      counts: { planned: 0, acknowledged: 1, deferred: 1 },
      t2: second(20),
      t3: second(21),
      t4: undefined,
      completedAt: undefined,
    });
  });

  it('of another tenant is not found', async () => {
    story.tell();
    await follow(db, [view], log.events);
    expect(await cascades.cascade('globex', 'k1')).toBeUndefined();
    expect(await cascades.target('globex', 't1')).toBeUndefined();
    expect((await cascades.targets('globex')).items).toEqual([]);
  });
});

describe('a target', () => {
  const facts: [string, () => void, object][] = [
    ['is planned', () => undefined, { state: 'planned', attempts: 0, nextAt: second(11), settled: false }],
    [
      'is deferred after a failure, with its class',
      () => story.defer('t1', 'k1', 1, 20),
      {
        state: 'deferred',
        attempts: 1,
        nextAt: second(50),
        lastClass: 'provider-error',
        t2: second(20),
        settled: false,
      },
    ],
    [
      'waits for its probe after an acknowledgement',
      () => story.acknowledge('t1', 'k1', 1, 20, 80),
      { state: 'acknowledged', grade: 'B', nextAt: second(80), t3: second(21), settled: false },
    ],
    [
      'is settled by an acknowledgement where no probe is to be had',
      () => story.acknowledge('t1', 'k1', 1, 20),
      { state: 'acknowledged', grade: 'B', nextAt: undefined, settled: true },
    ],
    [
      'is settled with grade A when verified',
      () => {
        story.defer('t1', 'k1', 1, 15);
        story.acknowledge('t1', 'k1', 1, 20, 80);
        story.verify('t1', 'k1', 2, 81);
      },
      {
        state: 'verified',
        grade: 'A',
        attempts: 2,
        t3: second(21),
        t4: second(82),
        settled: true,
        lastReason: undefined,
      },
    ],
    [
      'is parked with its reason',
      () => story.park('t1', 'k1', 1, 20),
      { state: 'parked', lastClass: 'permanent', lastReason: 'the provider offers no revocation', settled: false },
    ],
    [
      'is due again when an operator asks for it',
      () => {
        story.park('t1', 'k1', 1, 20);
        const retried = { targetId: 't1', cascadeId: 'k1', by: 'carol', reason: 'secret rotated' };
        log.record('RevocationRetried', retried, { stream: 'revocation-acme-t1', at: second(30) });
      },
      { state: 'due', nextAt: second(30), lastClass: undefined, lastReason: 'secret rotated', settled: false },
    ],
    [
      'is settled with grade W when waived',
      () => {
        story.park('t1', 'k1', 1, 15);
        story.waive('t1', 'k1', 20);
      },
      { state: 'waived', grade: 'W', settled: true, lastClass: undefined, lastReason: 'account closed by hand' },
    ],
    [
      'is settled with grade C when expired',
      () => story.expire('t1', 'k1', 20),
      { state: 'expired', grade: 'C', settled: true },
    ],
    [
      'is due again when the probe finds it alive, without a grade',
      () => {
        story.acknowledge('t1', 'k1', 1, 20, 80);
        const { attempt, evidence, until } = {
          attempt: { number: 2, startedAt: second(80), endedAt: second(81) },
          evidence: { adapter: 'a@1', request: 'GET https://x', conclusion: 'alive' },
          until: second(90),
        };
        log.record(
          'VerificationFailed',
          { targetId: 't1', cascadeId: 'k1', attempt, evidence, until },
          { stream: 'revocation-acme-t1' },
        );
      },
      { state: 'deferred', grade: undefined, lastClass: 'unverified', nextAt: second(90), settled: false },
    ],
    [
      'is parked when the probe finds it alive and the retry curve is over',
      () => {
        story.acknowledge('t1', 'k1', 1, 20, 80);
        const attempt = { number: 2, startedAt: second(80), endedAt: second(81) };
        const evidence = { adapter: 'a@1', request: 'GET https://x', conclusion: 'alive' };
        const data = { targetId: 't1', cascadeId: 'k1', attempt, evidence, until: second(90), parked: true as const };
        log.record('VerificationFailed', data, { stream: 'revocation-acme-t1' });
      },
      { state: 'parked', grade: undefined, lastClass: 'unverified', nextAt: second(90), settled: false },
    ],
    [
      'keeps grade B when the probe is given up',
      () => {
        story.acknowledge('t1', 'k1', 1, 20, 80);
        const { attempt, evidence } = {
          attempt: { number: 2, startedAt: second(80), endedAt: second(81) },
          evidence: { adapter: 'a@1', request: 'GET https://x', conclusion: 'no answer' },
        };
        log.record(
          'VerificationDeferred',
          { targetId: 't1', cascadeId: 'k1', attempt, evidence },
          { stream: 'revocation-acme-t1' },
        );
      },
      { state: 'acknowledged', grade: 'B', nextAt: undefined, settled: true },
    ],
  ];

  it.each(facts)('%s', async (_name, happen, expected) => {
    started('k1', 'ada', ['t1'], 10);
    happen();
    await follow(db, [view], log.events, 2);
    expect(await cascades.target('acme', 't1')).toMatchObject(expected);
    const { counts } = (await cascades.cascade('acme', 'k1')) as { counts: Record<string, number> };
    expect(Object.values(counts).reduce((a, b) => a + b)).toBe(1);
    expect(await cascades.countsByState('acme')).toEqual(counts);
  });
});

describe('the lists', () => {
  beforeEach(async () => {
    started('k1', 'ada', ['t1', 't2', 't3'], 10);
    started('k2', 'bob', ['t4', 't5', 't6', 't7'], 20);
    story.defer('t1', 'k1', 1, 30);
    story.park('t4', 'k2', 1, 31);
    story.acknowledge('t5', 'k2', 1, 32, 90);
    story.acknowledge('t6', 'k2', 1, 33);
    story.waive('t7', 'k2', 34);
    await follow(db, [view], log.events);
  });

  it('show targets by state', async () => {
    expect(await idsOf({ state: 'pending' })).toEqual(['t1', 't2', 't3', 't4', 't5']);
    expect(await idsOf({ state: 'failed' })).toEqual(['t1']);
    expect(await idsOf({ state: 'parked' })).toEqual(['t4']);
    expect(await idsOf({ state: 'settled' })).toEqual(['t6', 't7']);
    expect(await idsOf({ state: 'waived' })).toEqual(['t7']);
  });

  it('show targets by provider, person, cascade and age', async () => {
    expect(await idsOf({ providerId: 'github' })).toEqual(['t3']);
    expect(await idsOf({ userId: 'ada' })).toEqual(['t1', 't2', 't3']);
    expect(await idsOf({ cascadeId: 'k2', state: 'pending' })).toEqual(['t4', 't5']);
    expect(await idsOf({ plannedBefore: second(15) })).toEqual(['t1', 't2', 't3']);
    expect(await idsOf({ holderId: 'ada', state: 'failed' })).toEqual(['t1']);
    expect(await idsOf({ lastClass: 'permanent' })).toEqual(['t4']);
    expect(await idsOf({ lastClass: 'timeout' })).toEqual([]);
  });

  it('are summed up as what has not ended yet', async () => {
    expect(await cascades.backlog('acme')).toEqual({
      openCascades: 2,
      pending: 5,
      failed: 1,
      parked: 1,
      oldestPlannedAt: second(11),
      unplannedDenies: 0,
      oldestUnplannedAt: undefined,
    });
    const none = { openCascades: 0, pending: 0, failed: 0, parked: 0, unplannedDenies: 0 };
    expect(await cascades.backlog('globex')).toEqual({
      ...none,
      oldestPlannedAt: undefined,
      oldestUnplannedAt: undefined,
    });
  });

  it('show cascades by status and subject, the newest first', async () => {
    const ids = async (query: object) => (await cascades.cascades('acme', query)).items.map((c) => c.cascadeId);
    expect(await ids({ status: 'open' })).toEqual(['k2', 'k1']);
    expect(await ids({ subjectId: 'ada' })).toEqual(['k1']);
    expect(await ids({ personId: 'bob' })).toEqual(['k2']);
    expect(await ids({ providerId: 'github' })).toEqual(['k1']);
    expect(await ids({ status: 'complete' })).toEqual([]);
    expect(await ids({ startedSince: second(15) })).toEqual(['k2']);
    expect(await ids({ startedBefore: second(15), order: 'oldest' })).toEqual(['k1']);
  });

  it('are read page by page without gaps or repeats', async () => {
    for (const order of ['newest', 'oldest'] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await cascades.targets('acme', { order, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.items.map((target) => target.targetId));
        cursor = page.next;
      } while (cursor !== undefined);
      const all = ['t1', 't2', 't3', 't4', 't5', 't6', 't7'];
      expect(seen).toEqual(order === 'oldest' ? all : all.reverse());
    }
  });

  it('refuse a cursor they did not give out', async () => {
    await expect(cascades.targets('acme', { cursor: 'nonsense' })).rejects.toThrow(InvalidCursor);
  });
});

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startPrivateRedis, startScheduleWorkload, type PrivateRedis, type ScheduleWorkload } from '@app/testkit';
import { BullmqSchedule } from './bullmq-schedule.js';
import { contextOf, loopbackHttp, planned, requestFor } from './connector.contract.js';
import type { ConnectorRequest } from './connector.port.js';

const EVERY_MS = 3_600_000;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

describe('bullmq-schedule', () => {
  const http = loopbackHttp();
  const context = contextOf(http);
  let redis: PrivateRedis;
  let workload: ScheduleWorkload;
  let connector: BullmqSchedule;

  beforeAll(async () => {
    redis = await startPrivateRedis();
  });

  beforeEach(() => {
    connector = new BullmqSchedule();
  });

  afterEach(async () => {
    await connector.close();
    await workload?.stop();
  });

  afterAll(async () => {
    await http.close();
    await redis.stop();
  });

  const socketPath = () => new URL(redis.url).pathname;

  const about = (
    reference: Record<string, string>,
    settings: Record<string, unknown> = {},
    url: string | undefined = redis.url,
  ): ConnectorRequest => {
    const type = 'jobId' in reference ? 'run' : 'schedule';
    const target = planned({ holdingType: type, kind: type, holdingId: 'h1' });
    return requestFor(settings, url, { target, reference, secret: undefined });
  };

  it('removes a schedule, cancels its active run and proves it', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'active' });
    await workload.schedule('nightly', EVERY_MS);
    await until(() => workload.running().length === 1);
    const request = about({ queue: 'active', schedulerId: 'nightly' });
    expect((await connector.probe(request, context)).kind).toBe('alive');

    const outcome = await connector.revoke(request, context);
    expect(outcome).toMatchObject({
      kind: 'revoked',
      evidence: { adapter: 'bullmq-schedule@1', request: 'DELETE bullmq:active/schedulers/nightly' },
    });
    expect(workload.running()).toEqual([]);
    expect(workload.runs.map((run) => run.outcome)).toEqual(['cancelled']);
    expect((await connector.probe(request, context)).kind).toBe('dead');
    expect((await connector.revoke(request, context)).kind).toBe('already-gone');
  });

  it('leaves the other schedules of the queue alone, also those whose id starts alike', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'alike' });
    for (const id of ['a', 'a:1', 'ab']) await workload.schedule(id, EVERY_MS);
    await until(() => workload.running().length === 3);
    await connector.revoke(about({ queue: 'alike', schedulerId: 'a' }), context);
    expect(workload.running()).toHaveLength(2);
    expect((await connector.probe(about({ queue: 'alike', schedulerId: 'a:1' }), context)).kind).toBe('alive');
    expect((await connector.probe(about({ queue: 'alike', schedulerId: 'ab' }), context)).kind).toBe('alive');
  });

  it('purges a run of the schedule that waits behind others', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'waiting', concurrency: 1 });
    await workload.enqueueRun('blocker');
    await until(() => workload.running().length === 1);
    await workload.schedule('nightly', EVERY_MS);
    const outcome = await connector.revoke(about({ queue: 'waiting', schedulerId: 'nightly' }), context);
    expect(outcome.kind).toBe('revoked');
    expect((await connector.probe(about({ queue: 'waiting', schedulerId: 'nightly' }), context)).kind).toBe('dead');
    expect(workload.running()).toEqual(['blocker']);
  });

  it('says retry as long as a run ignores the signal, and never executes it again', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'stubborn', stubborn: true });
    await workload.schedule('nightly', EVERY_MS);
    await until(() => workload.running().length === 1);
    const request = about({ queue: 'stubborn', schedulerId: 'nightly' }, { cancelGraceMs: 40 });
    expect(await connector.revoke(request, context)).toMatchObject({
      kind: 'retry',
      class: 'unverified',
      unknownEffect: true,
      evidence: { conclusion: 'no schedule, 0 waiting and 1 active runs left; 1 workers listen for cancellations' },
    });
    expect((await connector.probe(request, context)).kind).toBe('alive');
    workload.release();
    await until(async () => (await connector.probe(request, context)).kind === 'dead');
    expect(workload.runs).toHaveLength(1);
  });

  it('cancels one run and keeps the others', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'runs' });
    await workload.enqueueRun('r1');
    await workload.enqueueRun('r2');
    await workload.enqueueRun('later', EVERY_MS);
    await until(() => workload.running().length === 2);
    expect((await connector.revoke(about({ queue: 'runs', jobId: 'r1' }), context)).kind).toBe('revoked');
    expect((await connector.revoke(about({ queue: 'runs', jobId: 'later' }), context)).kind).toBe('revoked');
    expect(workload.running()).toEqual(['r2']);
    expect((await connector.probe(about({ queue: 'runs', jobId: 'later' }), context)).kind).toBe('dead');
    expect((await connector.revoke(about({ queue: 'runs', jobId: 'never' }), context)).kind).toBe('already-gone');
  });

  it('makes the next run of a schedule that is kept harmless', async () => {
    workload = await startScheduleWorkload(redis.url, { queue: 'next', concurrency: 1 });
    await workload.enqueueRun('blocker');
    await until(() => workload.running().length === 1);
    const nextRun = await workload.schedule('nightly', EVERY_MS);
    const run = about({ queue: 'next', jobId: nextRun });
    expect((await connector.probe(run, context)).kind).toBe('alive');
    expect((await connector.revoke(run, context)).kind).toBe('revoked');
    expect((await connector.probe(run, context)).kind).toBe('dead');
    await connector.revoke(about({ queue: 'next', jobId: 'blocker' }), context);
    await until(async () => (await workload.failedRuns()).includes(nextRun));
    expect(workload.runs.map((record) => record.runId)).toEqual(['blocker']);
  });

  it('does not prove anything by a queue this Redis has never seen', async () => {
    const request = about({ queue: 'typo', schedulerId: 'nightly' });
    expect(await connector.revoke(request, context)).toMatchObject({ kind: 'permanent' });
    expect((await connector.probe(request, context)).kind).toBe('no-answer');
  });

  it.each([{}, { queue: 'q' }, { queue: 'a:b', schedulerId: 's' }, { queue: '', schedulerId: 's' }])(
    'refuses the reference %j',
    async (reference: Record<string, string>) => {
      expect(await connector.revoke(about(reference), context)).toMatchObject({ kind: 'permanent' });
    },
  );

  it('says retry while Redis is down', async () => {
    const own = await startPrivateRedis();
    const request = about({ queue: 'q', schedulerId: 's' }, {}, own.url);
    expect((await connector.revoke(request, context)).kind).toBe('permanent');
    await own.stop();
    expect(await connector.revoke(request, context)).toMatchObject({ kind: 'retry', class: 'network' });
    expect((await connector.probe(request, context)).kind).toBe('no-answer');
  });

  it('is broken without a usable Redis URL, and never shows it', async () => {
    const reference = { queue: 'q', schedulerId: 's' };
    for (const url of ['https://redis.example', 'canary-no-url', `redis://203.0.113.7?path=${socketPath()}`]) {
      const outcome = await connector.revoke(about(reference, {}, url), context);
      expect(outcome).toMatchObject({ kind: 'connector-broken', code: 'no-redis-url' });
      expect(JSON.stringify(outcome)).not.toContain(url);
    }
    const barred = new BullmqSchedule({ mayConnect: (tenant) => tenant !== 'acme' });
    expect(await barred.revoke(about(reference), context)).toMatchObject({ code: 'no-redis-url' });
  });

  describe('of providers that are not used any more', () => {
    const connected = async (own: PrivateRedis): Promise<number> => {
      const client = connect(new URL(own.url).pathname).end('CLIENT LIST\r\nQUIT\r\n');
      const answer = await text(client);
      return [...answer.matchAll(/^id=/gm)].length - 1;
    };
    const at = (providerId: string, url: string): ConnectorRequest => {
      const request = about({ queue: 'q', schedulerId: 's' }, {}, url);
      return { ...request, provider: { ...request.provider, providerId } };
    };
    let own: PrivateRedis;
    beforeAll(async () => void (own = await startPrivateRedis()));
    afterAll(() => own.stop());

    it('keeps so many connections', async () => {
      connector = new BullmqSchedule({ connections: 2 });
      for (const id of ['a', 'b', 'c', 'd']) await connector.probe(at(id, own.url), context);
      await until(async () => (await connected(own)) === 2);
    });

    it('keeps a connection for so long', async () => {
      connector = new BullmqSchedule({ idleMs: 20 });
      await connector.probe(at('a', own.url), context);
      await until(async () => (await connected(own)) === 0);
      expect((await connector.probe(at('a', own.url), context)).kind).toBe('no-answer');
    });
  });

  it('is broken when Redis refuses the password', async () => {
    const own = await startPrivateRedis('--requirepass', 'right');
    const reference = { queue: 'q', schedulerId: 's' };
    const refused = await connector.revoke(about(reference, {}, `${own.url}?password=wrong`), context);
    const accepted = await connector.revoke(about(reference, {}, `${own.url}?password=right`), context);
    await own.stop();
    expect(refused).toMatchObject({ kind: 'connector-broken', code: 'redis-refused' });
    expect(accepted.kind).toBe('permanent');
  });
});

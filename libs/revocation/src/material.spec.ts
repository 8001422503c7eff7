// What cannot be read is said of the target it concerns, and the others of its job go on.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench } from './cascade.fixture.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { jobFor } from './held-queue.fixture.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import type { StepRunner } from './run-step.js';
import { evidence, oddConnector, runnerOf } from './worker.fixture.js';

let bench: Bench;
let http: OutboundHttp;
let runner: StepRunner;
let told: (string | undefined)[];
let defects: string[];
let ids: string[];

const odd = oddConnector({
  verifyAfterMs: () => 60_000,
  revoke: async ({ secret }) => {
    told.push(secret);
    return { kind: 'revoked', evidence };
  },
  probe: async () => ({ kind: 'dead', evidence }),
});

const stored = async (secret: string) => (await bench.vault.putSecret('acme', secret)).secretId;

beforeEach(async () => {
  bench = await Bench.open();
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  [told, defects] = [[], []];
  runner = runnerOf(bench, http, odd, {
    onDefect: (error, targetId) => defects.push(`${targetId}: ${(error as Error).message}`),
  });
  await bench.user('ada');
  ids = [await stored('s0'), await stored('s1'), await stored('s2')];
  for (const [i, secretId] of ids.entries()) await bench.credential(`c${i}`, { userId: 'ada', secretId });
});

afterEach(async () => {
  await http.close();
  await bench.close();
});

const attemptAll = async () => {
  await bench.follow();
  await runner.run(jobFor(...(await bench.targets())), new AbortController().signal);
  await bench.follow();
};

const deactivate = async () => {
  await bench.provider('p', 'odd', {}, await stored('ours'));
  await bench.deactivate('ada');
  await bench.follow();
};

const states = async () => (await bench.targets()).map((row) => [row.holding_id, row.state, row.last_class]);

describe('of the targets of one job', () => {
  it('one whose secret does not open is parked and reported, the others are revoked', async () => {
    await deactivate();
    await bench.damage(ids[1] as string);
    await attemptAll();
    expect(told.sort()).toEqual(['s0', 's2']);
    expect(await states()).toEqual([
      ['c0', 'acknowledged', null],
      ['c1', 'parked', 'permanent'],
      ['c2', 'acknowledged', null],
    ]);
    const [parked] = await bench.events('RevocationParked');
    expect(parked?.data.reason).toContain('cannot be read');
    expect(defects).toEqual([expect.stringMatching(`^${parked?.data.targetId}: .*does not open`)]);
  });

  it('one whose secret is restored is revoked at its next attempt', async () => {
    await deactivate();
    const restore = await bench.damage(ids[1] as string);
    await attemptAll();
    await restore();
    bench.clock.advance(DEFAULT_RETRY_POLICY.parkedEvery);
    await attemptAll();
    expect(told.sort()).toEqual(['s0', 's1', 's2']);
  });

  it('one without a holding is parked, the others are revoked', async () => {
    await deactivate();
    await bench.db.deleteFrom('held_holdings').where('holding_id', '=', 'c1').execute();
    await attemptAll();
    expect(told.sort()).toEqual(['s0', 's2']);
    expect((await states())[1]).toEqual(['c1', 'parked', 'permanent']);
    expect(defects).toEqual([expect.stringContaining('rebuild the views')]);
  });

  it('one whose secret no longer opens when it is to be probed stays acknowledged', async () => {
    await deactivate();
    await attemptAll();
    await bench.damage(ids[1] as string);
    bench.clock.advance(60_000);
    await attemptAll();
    expect((await bench.targets()).map((row) => [row.state, row.grade, row.probes])).toEqual([
      ['settled', 'A', 0],
      ['acknowledged', 'B', 1],
      ['settled', 'A', 0],
    ]);
  });
});

describe('a provider whose secret does not open', () => {
  it('is told nothing, and its targets are due again once it is configured anew', async () => {
    await deactivate();
    const ours = await bench.db.selectFrom('held_providers').select('secret_id').executeTakeFirstOrThrow();
    await bench.damage(ours.secret_id as string);
    await attemptAll();
    expect(told).toEqual([]);
    expect(new Set((await bench.targets()).map((row) => row.last_class))).toEqual(new Set(['connector-broken']));
    await bench.provider('p', 'odd', {}, await stored('ours again'));
    await attemptAll();
    expect(told.sort()).toEqual(['s0', 's1', 's2']);
  });
});

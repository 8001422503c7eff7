// A rotation while access is being taken away: what was condemned dies, and nothing else does.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bench } from './cascade.fixture.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { jobFor } from './held-queue.fixture.js';
import type { TargetRow } from './revocation-db.js';
import type { StepRunner } from './run-step.js';
import { evidence, oddConnector, runnerOf } from './worker.fixture.js';

const HOUR = 3_600_000;

let bench: Bench;
let http: OutboundHttp;
let runner: StepRunner;
let revoked: (string | undefined)[];

const odd = oddConnector({
  revoke: async ({ secret }) => {
    revoked.push(secret);
    return { kind: 'revoked', evidence };
  },
});

beforeEach(async () => {
  bench = await Bench.open();
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  revoked = [];
  runner = runnerOf(bench, http, odd);
  await bench.provider('p', 'odd');
  await bench.user('ada');
  await hold('s1');
});

afterEach(async () => {
  await http.close();
  await bench.close();
});

const stored = async (secret: string) => (await bench.vault.putSecret('acme', secret)).secretId;
const hold = async (secret: string, expiresAt?: string) =>
  bench.credential('c', { userId: 'ada', secretId: await stored(secret), ...(expiresAt && { expiresAt }) });
const rotate = async (secret: string, expiresAt?: string) => bench.rotate('c', await stored(secret), expiresAt);
const hours = (n: number) => bench.clock.iso(bench.clock.now() + n * HOUR);

/** One attempt at all that is open. @returns the secrets that the provider was told, sorted */
async function attemptAll(): Promise<(string | undefined)[]> {
  await bench.follow();
  await runner.run(jobFor(...(await open())), new AbortController().signal);
  await bench.follow();
  return revoked.splice(0).sort();
}

const open = async (): Promise<TargetRow[]> => (await bench.targets()).filter((row) => row.state !== 'settled');
const holding = () => bench.db.selectFrom('held_holdings').selectAll().executeTakeFirstOrThrow();
const grades = async () => (await bench.events('CascadeCompleted')).map((event) => event.data.counts.B);

describe('a secret that was condemned', () => {
  it('is the one revoked, when its credential was rotated after its holder had come back', async () => {
    await bench.deactivate('ada');
    await bench.follow();
    await bench.reactivate('ada', 2);
    await rotate('s2');
    expect(await attemptAll()).toEqual(['s1']);
    expect(await grades()).toEqual([1]);
    expect((await holding()).state).toBe('held');
  });

  it('is revoked beside the one that came in while its holder was denied, each once', async () => {
    await bench.deactivate('ada');
    await bench.follow();
    await rotate('s2');
    expect(await attemptAll()).toEqual(['s1', 's2']);
    expect(await grades()).toEqual([1, 1]);
  });

  it.each([1, 512])('is known however late the relay reads of it, at %i events a batch', async (batch) => {
    bench.batch = batch;
    await bench.deactivate('ada');
    await rotate('s2');
    await bench.reactivate('ada', 2);
    await rotate('s3');
    expect(await attemptAll()).toEqual(['s1', 's2']);
  });

  it('is the same when the rows are made from the log again', async () => {
    await bench.deactivate('ada');
    await rotate('s2');
    await bench.follow();
    const rows = await bench.rows();
    await bench.forget();
    await bench.follow();
    expect(await bench.rows()).toEqual(rows);
  });
});

describe('a secret that was rotated away before', () => {
  it('is revoked with the others: the rotation is no proof that it is dead', async () => {
    await rotate('s2');
    await rotate('s3');
    await bench.deactivate('ada');
    expect(await attemptAll()).toEqual(['s1', 's2', 's3']);
    expect(await grades()).toEqual([3]);
  });

  it('is revoked once, by the first loss', async () => {
    await bench.deactivate('ada');
    expect(await attemptAll()).toEqual(['s1']);
    await bench.reactivate('ada', 2);
    await rotate('s2');
    await bench.deactivate('ada');
    expect(await attemptAll()).toEqual(['s2']);
  });

  it('is left alone once it has outlived itself', async () => {
    await rotate('s2', hours(1));
    await rotate('s3', hours(2));
    bench.clock.advance(1.5 * HOUR);
    await rotate('s4', hours(2));
    await bench.deactivate('ada');
    expect(await attemptAll()).toEqual(['s1', 's3', 's4']);
  });

  it('ends at its own expiry, not at that of its successor', async () => {
    await rotate('s2', hours(1));
    await rotate('s3', hours(100));
    await bench.deactivate('ada');
    await bench.follow();
    bench.clock.advance(2 * HOUR);
    expect(await attemptAll()).toEqual(['s1', 's3']);
    expect(await bench.events('RevocationExpired')).toHaveLength(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RevocationJob } from '@app/jobs';
import { startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { Bench } from './cascade.fixture.js';
import { jobFor } from './held-queue.fixture.js';
import type { Connector } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { Connectors } from './connectors/registry.js';
import type { TargetFact } from './outcome.js';
import type { TargetRow } from './revocation-db.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { StepRunner, type StepParts } from './run-step.js';

const CLIENT_SECRET = 'client-secret-canary';

let bench: Bench;
let provider: OAuthProvider;
let http: OutboundHttp;
let runner: StepRunner;
let connectors: { get(name: string): Connector | undefined };
let facts: TargetFact[];
let defects: string[];
const real = new Connectors();

beforeEach(async () => {
  bench = await Bench.open();
  provider = await startOAuthProvider({ clientSecret: CLIENT_SECRET });
  http = new OutboundHttp({ allowHttp: true, allowLoopback: true });
  connectors = real;
  facts = [];
  defects = [];
  runner = newRunner();
  await bench.user('ada');
});

afterEach(async () => {
  await http.close();
  await provider.stop();
  await bench.close();
});

const newRunner = (over: Partial<StepParts> = {}): StepRunner =>
  new StepRunner({
    db: bench.db,
    log: bench.log,
    vault: bench.vault,
    clock: bench.clock,
    http,
    connectors: { get: (name) => connectors.get(name) },
    policy: { ...DEFAULT_RETRY_POLICY, jitter: 0 },
    callTimeoutMs: 5_000,
    isDisproved: () => false,
    onAnswer: () => undefined,
    onFact: (_row, fact) => facts.push(fact),
    onDefect: (error, targetId) => defects.push(`${targetId}: ${(error as Error).message}`),
    ...over,
  });

/** A provider configured for ada; introspection is due so long after an acknowledgement, or never. */
async function configure(verifyAfterMs?: number): Promise<void> {
  const { secretId } = await bench.vault.putSecret('acme', CLIENT_SECRET);
  const endpoints = { revocationEndpoint: `${provider.issuer}/revoke`, clientId: provider.clientId };
  const introspection = { introspectionEndpoint: `${provider.issuer}/introspect`, verifyAfterMs };
  await bench.provider(
    'p',
    'rfc7009',
    { ...endpoints, ...(verifyAfterMs === undefined ? {} : introspection) },
    secretId,
  );
}

async function hold(token: string, credentialId = 'token', expiresAt?: string): Promise<void> {
  const { secretId } = await bench.vault.putSecret('acme', token);
  const expiry = expiresAt === undefined ? {} : { expiresAt };
  await bench.credential(credentialId, { userId: 'ada', secretId, ...expiry });
}

const issue = (): string => provider.issueGrant(1).accessTokens[0] as string;

const run = (job: RevocationJob, signal = new AbortController().signal) => runner.run(job, signal);

/** One attempt at all that is planned, as of now. */
async function attemptAll(): Promise<void> {
  await bench.follow();
  await run(jobFor(...(await bench.targets())));
  await bench.follow();
}

const target = async (): Promise<TargetRow> => {
  await bench.follow();
  return (await bench.targets())[0] as TargetRow;
};

const types = () => facts.map((fact) => fact.type);

describe('an attempt', () => {
  it('revokes at the provider and records the acknowledgement with its evidence', async () => {
    await configure();
    const token = issue();
    await hold(token);
    await bench.deactivate('ada');
    await attemptAll();
    expect(provider.isAlive(token)).toBe(false);
    expect(await target()).toMatchObject({ state: 'settled', grade: 'B', attempts: 1, revision: 0 });
    const [recorded] = await bench.events('RevocationAcknowledged');
    expect(recorded?.data.evidence).toMatchObject({ adapter: 'rfc7009@1', status: 200 });
    expect(recorded?.metadata).toMatchObject({ actor: 'system:worker', correlationId: 'request' });
    expect(await bench.events('CascadeCompleted')).toHaveLength(1);
  });

  it('proves it at once where the provider may be probed at once: grade A by two facts', async () => {
    await configure(0);
    await hold(issue());
    await bench.deactivate('ada');
    await attemptAll();
    expect(types()).toEqual(['RevocationAcknowledged', 'RevocationVerified']);
    expect(await target()).toMatchObject({ state: 'settled', grade: 'A', attempts: 2, revision: 1 });
  });

  it('leaves the probe for later where the provider needs time', async () => {
    await configure(60_000);
    await hold(issue());
    await bench.deactivate('ada');
    await attemptAll();
    const row = await target();
    expect(row).toMatchObject({ state: 'acknowledged', grade: 'B', due_at: bench.clock.now() + 60_000 });
    await run(jobFor(row));
    expect(provider.count('POST /introspect')).toBe(0);
    bench.clock.advance(60_000);
    await run(jobFor(row));
    expect(await target()).toMatchObject({ state: 'settled', grade: 'A' });
  });

  it('catches a provider that lies, tries again, and ends verified', async () => {
    await configure(0);
    const token = issue();
    await hold(token);
    await bench.deactivate('ada');
    provider.behave({ lies: 1 });
    await attemptAll();
    expect(types()).toEqual(['RevocationAcknowledged', 'VerificationFailed']);
    expect(provider.isAlive(token)).toBe(true);
    expect(await target()).toMatchObject({ state: 'due', grade: null, consumed: 1, last_class: 'unverified' });
    bench.clock.advance(5_000);
    await attemptAll();
    expect(provider.isAlive(token)).toBe(false);
    expect(await target()).toMatchObject({ state: 'settled', grade: 'A', attempts: 4 });
  });

  it.each([
    ['needs no call for what has surely expired', 61_000, 'C', 0],
    ['is made until the clocks of both surely agree that it has expired', 60_999, 'B', 1],
  ] as const)('%s', async (_name, later, grade, calls) => {
    await configure();
    await hold(issue(), 'token', bench.clock.iso(bench.clock.now() + 1_000));
    await bench.deactivate('ada');
    await bench.follow();
    bench.clock.advance(later);
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'settled', grade });
    expect(provider.calls).toHaveLength(calls);
  });

  it('waits for the provider no longer than it may, and tries again', async () => {
    await configure();
    await hold(issue());
    await bench.deactivate('ada');
    provider.behave({ dead: true });
    runner = newRunner({ callTimeoutMs: 50 });
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'due', last_class: 'timeout', consumed: 1 });
    expect(defects).toEqual([]);
  });

  it('ends with the worker, and is tried again', async () => {
    await configure();
    await hold(issue());
    await bench.deactivate('ada');
    await bench.follow();
    provider.behave({ dead: true });
    const stopping = new AbortController();
    const running = run(jobFor(await target()), stopping.signal);
    stopping.abort();
    await running;
    expect(await target()).toMatchObject({ state: 'due', last_class: 'timeout' });
  });
});

describe('a job', () => {
  it('skips what was waived, settled or attempted meanwhile, and handles the rest', async () => {
    await configure();
    for (const id of ['a', 'b', 'c']) await hold(issue(), id);
    await bench.deactivate('ada');
    await bench.follow();
    const [a, b, c] = (await bench.targets()) as [TargetRow, TargetRow, TargetRow];
    const job = jobFor(a, b, c);
    await bench.settle(a, 'RevocationWaived');
    await bench.follow();
    await bench.db.updateTable('work_targets').set({ attempts: 1 }).where('target_id', '=', b.target_id).execute();
    await run(job);
    expect(provider.count('POST /revoke')).toBe(1);
    expect(facts.map((fact) => fact.data.targetId)).toEqual([c.target_id]);
  });

  it('names what nobody knows any more without harm', async () => {
    await run({
      id: 'job-2',
      tenant: 'acme',
      lane: 'acme.p',
      items: [{ targetId: 'gone', generation: 1, attempt: 1 }],
    });
    expect(facts).toEqual([]);
  });

  it('of a worker that comes too late records nothing: the first record stands', async () => {
    await configure();
    await hold(issue());
    await bench.deactivate('ada');
    await bench.follow();
    const job = jobFor(await target());
    provider.behave({ latencyMs: 30 });
    const zombie = run(job);
    await run(job);
    await zombie;
    expect(provider.count('POST /revoke')).toBe(2);
    expect(types()).toEqual(['RevocationAcknowledged']);
    await bench.follow();
    expect(await bench.events('RevocationAcknowledged')).toHaveLength(1);
    expect(await bench.events('CascadeCompleted')).toHaveLength(1);
  });

  it('that fails in one target still ends the others before it is reported as failed', async () => {
    await configure();
    await hold(issue(), 'a');
    await hold(issue(), 'b');
    await bench.deactivate('ada');
    await bench.follow();
    const rows = await bench.targets();
    provider.behave({ latencyMs: 20 });
    const { log } = bench;
    const append: typeof log.append = (...args) =>
      args[0].includes(rows[0]?.target_id as string) ? Promise.reject(new Error('no disk')) : log.append(...args);
    const failing = newRunner({ log: { append } as typeof log });
    await expect(failing.run(jobFor(...rows), new AbortController().signal)).rejects.toThrow('no disk');
    expect(facts.map((fact) => fact.data.targetId)).toEqual([rows[1]?.target_id]);
  });
});

describe('nobody to ask', () => {
  it('parks the target visibly when the provider is not configured, and again when its connector is unknown', async () => {
    await hold(issue());
    await bench.deactivate('ada');
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'parked', last_class: 'no-provider', attempts: 1 });
    await bench.provider('p', 'of-a-later-version');
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'parked', last_class: 'no-provider', attempts: 2 });
    await configure();
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'settled', grade: 'B' });
  });

  it('leaves an acknowledged target with grade B when the provider is removed before the proof', async () => {
    await configure(1_000);
    await hold(issue());
    await bench.deactivate('ada');
    await attemptAll();
    await bench.append('provider-acme-p', 'ProviderRemoved', { providerId: 'p' });
    for (let i = 0; i < DEFAULT_RETRY_POLICY.probes; i += 1) {
      bench.clock.advance(86_400_000);
      await attemptAll();
    }
    expect(await target()).toMatchObject({ state: 'settled', grade: 'B', probes: 4 });
  });

  it('waits for the expiry when the token was never handed to us', async () => {
    await configure();
    const expiresAt = bench.clock.iso(bench.clock.now() + 3_600_000);
    await bench.credential('token', { userId: 'ada', expiresAt });
    await bench.deactivate('ada');
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'parked', due_at: Date.parse(expiresAt) + 60_000 });
    bench.clock.advance(3_660_000);
    await attemptAll();
    expect(await target()).toMatchObject({ state: 'settled', grade: 'C' });
  });
});

it('no secret is in any event', async () => {
  await configure(0);
  const token = issue();
  await hold(token);
  await bench.deactivate('ada');
  provider.behave({ script: [500, 400, 429] });
  for (let i = 0; i < 5; i += 1) {
    await attemptAll();
    bench.clock.advance(86_400_000);
  }
  const bytes = (await bench.log.readAll()).map((event) => Buffer.from(event.bytes).toString('utf8')).join('\n');
  expect(bytes).toContain('RevocationVerified');
  expect(bytes).not.toContain(token);
  expect(bytes).not.toContain(CLIENT_SECRET);
});

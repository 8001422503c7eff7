import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InProcessQueue } from '@app/jobs';
import { eventually, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import { SystemClock } from '@app/runtime';
import { Bench } from './cascade.fixture.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { Connectors } from './connectors/registry.js';
import { Engine, type EngineParts } from './engine.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';

let bench: Bench;
let engine: Engine;
let http: OutboundHttp;
let provider: OAuthProvider;
let errors: string[];
const connectors = new Connectors();

const newEngine = (over: Partial<EngineParts> = {}): Engine =>
  new Engine({
    db: bench.db,
    log: bench.log,
    queue: new InProcessQueue({ onError: (error) => errors.push(String(error)) }),
    vault: bench.vault,
    clock: new SystemClock(),
    http,
    connectors,
    policy: { ...DEFAULT_RETRY_POLICY, curve: [20, 20, 20, 20], jitter: 0 },
    laneConcurrency: 200,
    jobConcurrency: 128,
    sweepIntervalMs: 50,
    callTimeoutMs: 2_000,
    onError: (error, where) => errors.push(`${where}: ${String(error)}`),
    ...over,
  });

beforeEach(async () => {
  errors = [];
  bench = await Bench.open();
  http = new OutboundHttp({ allowHttp: true, allowLoopback: true });
  provider = await startOAuthProvider();
  engine = newEngine();
});

afterEach(async () => {
  await engine.stop();
  await http.close();
  await provider.stop();
  await bench.close();
});

async function configure(providerId = 'p', at: OAuthProvider = provider): Promise<void> {
  const endpoints = { revocationEndpoint: `${at.issuer}/revoke`, introspectionEndpoint: `${at.issuer}/introspect` };
  const settings = { ...endpoints, clientId: at.clientId, authMethod: 'none', verifyAfterMs: 0 };
  await bench.provider(providerId, 'rfc7009', settings);
}

async function hire(userId: string, count: number, providerId = 'p', at: OAuthProvider = provider): Promise<string[]> {
  await bench.user(userId);
  const tokens = [...at.issueGrant(count).accessTokens];
  for (const [i, token] of tokens.entries()) {
    const { secretId } = await bench.vault.putSecret('acme', token);
    await bench.credential(`${userId}-${i}`, { userId, providerId, secretId });
  }
  return tokens;
}

const verdicts = async () => (await bench.events('CascadeCompleted')).map((event) => event.data.counts);
const verdict = (n = 1) => eventually('the verdict', async () => ((await verdicts()).length >= n ? true : undefined));

describe('the engine', () => {
  it('takes everything away that a person held, proves it, says so once and destroys the material', async () => {
    await engine.start();
    await configure();
    const tokens = await hire('ada', 120);
    await bench.deactivate('ada');
    await verdict();
    expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
    expect(await verdicts()).toEqual([{ A: 120, B: 0, C: 0, W: 0 }]);
    await eventually('the material is destroyed', async () => {
      const left = await bench.db
        .selectFrom('held_holdings')
        .select('secret_ids')
        .where('secret_ids', '!=', '[]')
        .execute();
      return left.length === 0 ? true : undefined;
    });
    expect(errors).toEqual([]);
  });

  it('asks the provider for each proof once', async () => {
    await engine.start();
    await configure();
    await hire('ada', 60);
    await bench.deactivate('ada');
    await verdict();
    expect(provider.count('POST /revoke')).toBe(60);
    expect(provider.count('POST /introspect')).toBe(60);
  });

  it('delays nobody behind a provider that never answers', async () => {
    const dead = await startOAuthProvider({ behaviour: { dead: true } });
    await engine.start();
    await configure();
    await configure('dead', dead);
    await hire('bob', 300, 'dead', dead);
    await bench.deactivate('bob');
    await eventually('the dead provider holds its lane', async () => (dead.calls.length >= 200 ? true : undefined));
    await hire('ada', 10);
    await bench.deactivate('ada');
    await verdict();
    expect(await verdicts()).toEqual([{ A: 10, B: 0, C: 0, W: 0 }]);
    expect(dead.calls.length).toBe(200);
    await engine.stop();
    await dead.stop();
  });

  it('recovers through refusals, lies and rate limits, and still ends verified', async () => {
    await engine.start();
    await configure();
    const tokens = await hire('ada', 30);
    provider.behave({ script: [500, 503, 'ok', 500], lies: 3 });
    await bench.deactivate('ada');
    await verdict();
    expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
    expect(await verdicts()).toEqual([{ A: 30, B: 0, C: 0, W: 0 }]);
  });

  it('asks nobody again about what was settled when its rows are rebuilt from the log', async () => {
    await engine.start();
    await configure();
    await hire('ada', 60);
    await bench.deactivate('ada');
    await verdict();
    await engine.stop();
    const calls = provider.calls.length;
    await bench.forget();
    engine = newEngine();
    await engine.start();
    await engine.relay.reached((await bench.log.head()) as bigint, 5_000);
    await bench.user('bob');
    await hire('eve', 1);
    await bench.deactivate('eve');
    await verdict(2);
    expect(provider.calls.length).toBe(calls + 2);
    expect(await bench.events('CascadeStarted')).toHaveLength(2);
    expect(await verdicts()).toEqual([
      { A: 60, B: 0, C: 0, W: 0 },
      { A: 1, B: 0, C: 0, W: 0 },
    ]);
  });

  it('goes on after a restart where it was stopped', async () => {
    provider.behave({ dead: true });
    engine = newEngine({ callTimeoutMs: 200 });
    await engine.start();
    await configure();
    const tokens = await hire('ada', 60);
    await bench.deactivate('ada');
    await eventually('the first attempts', async () => (provider.calls.length > 0 ? true : undefined));
    await engine.stop();
    provider.behave({});
    engine = newEngine();
    await engine.start();
    await verdict();
    expect(tokens.filter((token) => provider.isAlive(token))).toEqual([]);
  });
});

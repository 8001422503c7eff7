// Measures a cascade through the engine in this process, beside undici alone making the same calls in the same run.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streams, type AnyEvent, type EventData, type EventType } from '@app/events';
import { newEvent, SqliteEventLog } from '@app/event-log';
import { InProcessQueue } from '@app/jobs';
import { Connectors, DEFAULT_RETRY_POLICY, Engine, OutboundHttp, type RevocationDb } from '@app/revocation';
import { openSqlite, SystemClock } from '@app/runtime';
import { SqlVault, type VaultDb } from '@app/vault';
import { Pool } from 'undici';
import { startChild } from './floors.js';
import { median } from './rows.js';

export interface CascadeOptions {
  readonly credentials: number;
  /** Cascades measured, after as many that warm up. */
  readonly rounds: number;
}

/** Medians over the rounds. */
export interface CascadeResult {
  /** ms from the append of the deactivation to the cascade's durable verdict: plan, calls, outcomes and counts. */
  readonly cascadeMs: number;
  /** ms of undici alone making the same calls and recording nothing. */
  readonly undiciMs: number;
  /** Of the two in one round. */
  readonly ratio: number;
}

const TENANT = 'bench';
const CONNECTIONS = 200;

/** Everything the worker role stands on, in a directory of its own. */
async function startEngine() {
  const directory = mkdtempSync(join(tmpdir(), 'cascade-bench-'));
  const onError = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  const log = SqliteEventLog.open({ directory });
  const db = openSqlite<RevocationDb>(join(directory, 'revocation.db'), { gatherMs: 50 });
  const vaultDb = openSqlite<VaultDb>(join(directory, 'vault.db'), { durable: true });
  const vault = await SqlVault.open({ db: vaultDb, rootKey: randomBytes(32) });
  const http = new OutboundHttp({ allowHttp: true, allowLoopback: true }, { connections: CONNECTIONS });
  const connectors = new Connectors();
  const queue = new InProcessQueue({ onError });
  const engine = new Engine({
    db,
    log,
    queue,
    vault,
    http,
    connectors,
    clock: new SystemClock(),
    policy: DEFAULT_RETRY_POLICY,
    laneConcurrency: CONNECTIONS,
    jobConcurrency: 128,
    sweepIntervalMs: 5_000,
    callTimeoutMs: 15_000,
    onError: (error, where) => onError(`${where}: ${String(error)}`),
  });
  await engine.start();
  const stop = async () => {
    await engine.stop();
    await connectors.close();
    await http.close();
    await vault.close();
    await log.close();
    await Promise.all([db.destroy(), vaultDb.destroy()]);
    rmSync(directory, { recursive: true, force: true });
  };
  return { log, vault, engine, stop };
}

type Running = Awaited<ReturnType<typeof startEngine>>;

async function append<T extends EventType>(
  { log }: Running,
  stream: string,
  type: T,
  data: EventData[T],
  revision = -1n,
) {
  const context = { tenant: TENANT, actor: 'system:bench', correlationId: 'bench', causationId: 'bench' };
  const event = newEvent(type, data, { ...context, at: new Date().toISOString() }) as AnyEvent;
  return log.append(stream, revision < 0n ? 'no-stream' : revision, [event]);
}

/** One person with so many credentials, all seen by the relay. */
async function hire(running: Running, round: number, credentials: number): Promise<void> {
  const userId = `user-${round}`;
  const user = { userId, active: true, dataKeyId: 'k', userNameHash: userId, sealed: 's' };
  await append(running, streams.user(TENANT, userId), 'UserProvisioned', user);
  const held = { kind: 'oauth_access_token' as const, providerId: 'p', userId, reference: {}, requiresGroups: [] };
  await Promise.all(
    Array.from({ length: credentials }, async (_, i) => {
      const credentialId = `credential-${round}-${i}`;
      const { secretId } = await running.vault.putSecret(TENANT, `${'x'.repeat(32)}${round}-${i}`);
      const stream = streams.credential(TENANT, credentialId);
      await append(running, stream, 'CredentialRegistered', { ...held, credentialId, secretId });
    }),
  );
  await running.engine.relay.reached((await running.log.head()) as bigint, 60_000);
}

/** @returns ms from the append of the deactivation to the durable verdict */
async function deactivate(running: Running, round: number, credentials: number): Promise<number> {
  const userId = `user-${round}`;
  const after = (await running.log.head()) as bigint;
  const stop = new AbortController();
  const started = performance.now();
  await append(running, streams.user(TENANT, userId), 'UserDeactivated', { userId }, 0n);
  for await (const { events } of running.log.subscribe({ after, signal: stop.signal })) {
    const verdict = events.find((event) => event.type === 'CascadeCompleted');
    if (verdict?.type !== 'CascadeCompleted') continue;
    if (verdict.data.counts.B !== credentials)
      throw new Error(`not all revoked: ${JSON.stringify(verdict.data.counts)}`);
    stop.abort();
  }
  return performance.now() - started;
}

/** @returns ms that undici alone takes for the same calls over as many connections */
async function bareCalls(origin: string, count: number): Promise<number> {
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      const body = `token=${'x'.repeat(32)}${sent++}&token_type_hint=access_token`;
      const answer = await pool.request({ method: 'POST', path: '/revoke', headers, body });
      await answer.body.dump();
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  const elapsed = performance.now() - started;
  await pool.close();
  return elapsed;
}

/** Measures both in turns, so that each round meets the same machine. */
export async function measureCascade({ credentials, rounds }: CascadeOptions): Promise<CascadeResult> {
  const provider = await startChild('provider-server.js');
  const running = await startEngine();
  try {
    const settings = { revocationEndpoint: `${provider.origin}/revoke`, clientId: 'bench' };
    const configured = { providerId: 'p', connector: 'rfc7009', displayName: 'bench', settings };
    await append(running, streams.provider(TENANT, 'p'), 'ProviderConfigured', configured);
    const took: { readonly cascade: number; readonly undici: number }[] = [];
    for (let round = 0; round < 2 * rounds; round += 1) {
      await hire(running, round, credentials);
      const cascade = await deactivate(running, round, credentials);
      const undici = await bareCalls(provider.origin, credentials);
      if (round >= rounds) took.push({ cascade, undici });
    }
    return {
      cascadeMs: median(took.map(({ cascade }) => cascade)),
      undiciMs: median(took.map(({ undici }) => undici)),
      ratio: median(took.map(({ cascade, undici }) => cascade / undici)),
    };
  } finally {
    await running.stop();
    provider.child.kill();
  }
}

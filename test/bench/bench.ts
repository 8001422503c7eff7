// Measures the service as one command starts it, as ratios against bare floors in the same run, and prints a table.
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { ApiClient, eventually, startPrivateRedis, startService, type ServiceProcess } from '@app/testkit';
import { bullMqFloor } from './bullmq-floor.js';
import { measureCascade } from './cascade.bench.js';
import { measureEngine as measureScimEngine } from './engine.bench.js';
import { load, type LoadRequest } from './load.js';

const USERS = 10_000;
const WARM = 2_000;
const REQUESTS = 10_000;
const CREDENTIALS = 1_000;
const CONNECTIONS = 16;
const CASCADES = 3;

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly floor: string;
  readonly ratio: number;
  readonly goal: string;
}

const folder = join('dist', 'test', 'bench');

async function startChild(file: string): Promise<{ origin: string; child: ChildProcess }> {
  const child = fork(join(folder, file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { port: number }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
  return { origin: `http://127.0.0.1:${port}`, child };
}

const perSecond = (value: number): string => `${Math.round(value)}/s`;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const userOf = (i: number): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: `user-${i}@example.com`,
  externalId: `00u${i}`,
  name: { givenName: 'Grace', familyName: `Hopper ${i}` },
  displayName: `Grace Hopper ${i}`,
  emails: [{ value: `user-${i}@example.com`, type: 'work', primary: true }],
  active: true,
});

const activeOf = (active: boolean): string =>
  JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: active }],
  });

/** Requests per second of both floors: R echoes, W makes one row durable first. */
async function measureFloors(): Promise<{ r: number; w: number }> {
  const { origin, child } = await startChild('floor-server.js');
  const run = (next: LoadRequest, status: number, headers: Record<string, string> = {}) =>
    load({ origin, headers, connections: CONNECTIONS, count: REQUESTS, next: () => next, status });
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify(userOf(1));
  await run({ method: 'GET', path: '/echo' }, 200);
  const r = await run({ method: 'GET', path: '/echo' }, 200);
  await run({ method: 'POST', path: '/durable', body }, 201, json);
  const w = await run({ method: 'POST', path: '/durable', body }, 201, json);
  child.kill();
  return { r: r.perSecond, w: w.perSecond };
}

async function measureRequests(service: ServiceProcess, floors: { r: number; w: number }): Promise<Row[]> {
  const origin = new URL(service.scimBaseUrl).origin;
  const headers = { authorization: `Bearer ${service.scimToken}`, 'content-type': 'application/scim+json' };
  const run = (count: number, status: number, next: (i: number) => LoadRequest) =>
    load({ origin, headers, connections: CONNECTIONS, count, next, status });

  const create = (i: number): LoadRequest => ({
    method: 'POST',
    path: '/scim/v2/Users',
    body: JSON.stringify(userOf(i)),
  });
  // Everything is measured warm, as the floors are.
  await run(WARM, 201, create);
  const posted = await run(USERS - WARM, 201, (i) => create(WARM + i));
  const filterOf = (i: number): string => encodeURIComponent(`userName eq "USER-${(i * 7919) % USERS}@example.com"`);
  const find = (i: number): LoadRequest => ({ method: 'GET', path: `/scim/v2/Users?filter=${filterOf(i)}` });
  await run(WARM, 200, find);
  const found = await run(REQUESTS, 200, find);

  const scim = new ApiClient(service.scimBaseUrl, service.scimToken as string, 'application/scim+json');
  const ids: string[] = [];
  for (let start = 1; start <= USERS / 2; start += 1000) {
    const page = await scim.get<{ Resources: { id: string }[] }>(`/Users?startIndex=${start}&count=1000&attributes=id`);
    ids.push(...page.body.Resources.map(({ id }) => id));
  }
  const patch = (i: number): LoadRequest => ({
    method: 'PATCH',
    path: `/scim/v2/Users/${ids[i % ids.length]}`,
    body: activeOf(Math.floor(i / ids.length) % 2 === 1),
  });
  await run(ids.length * 2, 200, patch);
  const patched = await run(ids.length * 2, 200, patch);

  const row = (what: string, value: number, floor: 'R' | 'W', goal: number): Row => {
    const base = floor === 'R' ? floors.r : floors.w;
    const floorName = `${floor} ${perSecond(base)}`;
    return {
      what,
      measured: perSecond(value),
      floor: floorName,
      ratio: value / base,
      goal: `>= ${goal.toFixed(2)} ${floor}`,
    };
  };
  return [
    row('POST /Users', posted.perSecond, 'W', 0.35),
    row('PATCH active', patched.perSecond, 'W', 0.35),
    row(`filter userName eq at ${USERS} users`, found.perSecond, 'R', 0.4),
  ];
}

interface CascadeView {
  readonly status: string;
  readonly settledCount: number;
  readonly completedAt: string;
}

/** ms from sending the PATCH to the verdict, which is made when every acknowledgement is durable. */
async function cascade(service: ServiceProcess, provider: string, round: number): Promise<number> {
  const scim = new ApiClient(service.scimBaseUrl, service.scimToken as string, 'application/scim+json');
  const api = new ApiClient(service.apiBaseUrl, service.apiKey as string);
  const settings = { revocationEndpoint: `${provider}/revoke`, clientId: 'bench' };
  await api.put('/providers/bench', { connector: 'rfc7009', displayName: 'bench', settings, secret: 'bench-secret' });
  const { body: user } = await scim.post<{ id: string }>('/Users', userOf(1_000_000 + round));
  for (let sent = 0; sent < CREDENTIALS; sent += 500) {
    const held = { kind: 'oauth_access_token', providerId: 'bench', userId: user.id };
    const credentials = Array.from({ length: 500 }, (_, i) => ({ ...held, secret: `token-${round}-${sent + i}` }));
    const answer = await api.post('/credentials/batch', { credentials });
    if (answer.status !== 200) throw new Error(`registering: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const started = Date.now();
  await scim.patch(`/Users/${user.id}`, activeOf(false));
  const isComplete = async () => {
    const { body } = await api.get<{ items: CascadeView[] }>(`/cascades?subject=${user.id}`);
    const [found] = body.items;
    return found?.status === 'complete' && found.settledCount === CREDENTIALS ? found.completedAt : undefined;
  };
  // The verdict tells its own time, so it is asked for rarely: each question takes time from what is measured.
  const completedAt = await eventually('the cascade is complete', isComplete, 30_000, 200);
  return Date.parse(completedAt) - started;
}

async function measureCascades(service: ServiceProcess, redisPath: string): Promise<Row> {
  const { origin, child } = await startChild('provider-server.js');
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= CASCADES; round += 1) {
    const ms = await cascade(service, origin, round);
    const floor = await bullMqFloor({ redisPath, provider: origin, jobs: CREDENTIALS, concurrency: 50 });
    // The first round warms both up.
    if (round > 0) {
      ours.push(ms);
      bare.push(floor);
    }
  }
  child.kill();
  return {
    what: `deactivation -> ${CREDENTIALS} credentials acknowledged`,
    measured: `${median(ours).toFixed(0)} ms`,
    floor: `bare BullMQ ${median(bare).toFixed(0)} ms`,
    ratio: median(bare) / median(ours),
    goal: '>= 1.00 x bare BullMQ',
  };
}

/** The embedded default: the engine with the queue in process, beside undici alone making the same calls. */
async function measureEngine(): Promise<Row> {
  const { cascadeMs, undiciMs } = await measureCascade({ credentials: CREDENTIALS, rounds: CASCADES });
  return {
    what: `the engine alone, ${CREDENTIALS} credentials`,
    measured: `${cascadeMs.toFixed(0)} ms`,
    floor: `U ${undiciMs.toFixed(0)} ms`,
    ratio: cascadeMs / undiciMs,
    goal: '<= 2.80 U',
  };
}

/** The SCIM engine by itself; its goals are numbers, so the ratio is that to the goal. */
function measureScim(): Row[] {
  const { filtersPerSecond, patchesPerSecond, largePutMs } = measureScimEngine();
  const row = (what: string, value: number, goal: number): Row => ({
    what,
    measured: perSecond(value),
    floor: '-',
    ratio: value / goal,
    goal: `>= ${goal}/s`,
  });
  return [
    row('SCIM engine: filters parsed', filtersPerSecond, 100_000),
    row('SCIM engine: users patched', patchesPerSecond, 50_000),
    {
      what: 'SCIM engine: PUT of 5,000 members',
      measured: `${largePutMs.toFixed(0)} ms`,
      floor: '-',
      ratio: largePutMs / 50,
      goal: '<= 50 ms',
    },
  ];
}

function print(rows: readonly Row[]): void {
  const cells = [
    ['what', 'measured', 'floor in this run', 'ratio', 'goal'],
    ...rows.map(({ what, measured, floor, ratio, goal }) => [what, measured, floor, ratio.toFixed(2), goal]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length))) ?? [];
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}\n\n`,
  );
  for (const row of cells) process.stdout.write(`${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}\n`);
}

const redis = await startPrivateRedis('--appendonly', 'yes');
const service = await startService({ env: { LOG_LEVEL: 'error' } });
try {
  const floors = await measureFloors();
  const rows = await measureRequests(service, floors);
  rows.push(await measureCascades(service, redis.socketPath), await measureEngine(), ...measureScim());
  print(rows);
} finally {
  await service.stop();
  await redis.stop();
}

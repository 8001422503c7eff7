// Measures cascades through the whole service on Redis: beside a bare BullMQ worker that makes the same calls, and what others feel.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient, eventually, type ServiceProcess } from '@app/testkit';
import { bullMqFloor } from './bullmq-floor.js';
import { startChild } from './floors.js';
import { median, type Row } from './rows.js';
import { activeOf, userOf } from './scim.bench.js';

const CREDENTIALS = 1_000;
/** Before it is measured: as with single requests, the way must be warm. */
const WARM_CASCADES = 10;
const CASCADES = 9;
/** What somebody loses while others are served. */
const LARGE = 10_000;
const LARGE_CASCADES = 3;
/** ms after the registrations, so that what they and the last cascade left to do is not measured: the trail, spent secrets. */
const SETTLE_MS = 1_500;

interface CascadeView {
  readonly status: string;
  readonly settledCount: number;
  readonly completedAt: string;
}

const scimOf = (service: ServiceProcess): ApiClient =>
  new ApiClient(service.scimBaseUrl, service.scimToken as string, 'application/scim+json');
const apiOf = (service: ServiceProcess): ApiClient => new ApiClient(service.apiBaseUrl, service.apiKey as string);

/** @returns the id of somebody with so many credentials */
async function hire(service: ServiceProcess, provider: string, name: number, count: number): Promise<string> {
  const api = apiOf(service);
  const settings = { revocationEndpoint: `${provider}/revoke`, clientId: 'bench' };
  await api.put('/providers/bench', { connector: 'rfc7009', displayName: 'bench', settings, secret: 'bench-secret' });
  const { body: user } = await scimOf(service).post<{ id: string }>('/Users', userOf(name));
  for (let sent = 0; sent < count; sent += 500) {
    const held = { kind: 'oauth_access_token', providerId: 'bench', userId: user.id };
    const credentials = Array.from({ length: 500 }, (_, i) => ({ ...held, secret: `token-${name}-${sent + i}` }));
    const answer = await api.post('/credentials/batch', { credentials });
    if (answer.status !== 200) throw new Error(`registering: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  await sleep(SETTLE_MS);
  return user.id;
}

/** ms from sending the PATCH to the verdict, which is made when every acknowledgement is durable. */
async function deactivate(service: ServiceProcess, userId: string, count: number): Promise<number> {
  const started = Date.now();
  await scimOf(service).patch(`/Users/${userId}`, activeOf(false));
  const isComplete = async () => {
    const { body } = await apiOf(service).get<{ items: CascadeView[] }>(`/cascades?subject=${userId}`);
    const [found] = body.items;
    return found?.status === 'complete' && found.settledCount === count ? found.completedAt : undefined;
  };
  // The verdict tells its own time, so it is asked for rarely: each question takes time from what is measured.
  const completedAt = await eventually('the cascade is complete', isComplete, 30_000, 200);
  return Date.parse(completedAt) - started;
}

/** @param redisPath socket of the private Redis for the floor */
export async function measureCascades(service: ServiceProcess, redisPath: string): Promise<Row> {
  const { origin, child } = await startChild('provider-server.js');
  const ours: number[] = [];
  const bare: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < WARM_CASCADES + CASCADES; round += 1) {
    const userId = await hire(service, origin, 1_000_000 + round, CREDENTIALS);
    const ms = await deactivate(service, userId, CREDENTIALS);
    const floor = await bullMqFloor({ redisPath, provider: origin, jobs: CREDENTIALS, concurrency: 50 });
    if (round < WARM_CASCADES) continue;
    ours.push(ms);
    bare.push(floor);
    ratios.push(floor / ms);
  }
  child.kill();
  return {
    what: `deactivation -> ${CREDENTIALS} credentials acknowledged`,
    measured: `${median(ours).toFixed(0)} ms`,
    floor: `bare BullMQ ${median(bare).toFixed(0)} ms`,
    ratio: median(ratios),
    goal: '>= 2.00 x bare BullMQ',
  };
}

/** p99 in ms of GETs that are sent one after another as long as `during` lasts. */
async function p99While(service: ServiceProcess, path: string, during: Promise<unknown>): Promise<number> {
  const scim = scimOf(service);
  let isOver = false;
  void during.finally(() => (isOver = true)).catch(() => undefined);
  const times: number[] = [];
  while (!isOver) {
    const started = performance.now();
    await scim.get(path);
    times.push(performance.now() - started);
    await sleep(1);
  }
  await during;
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

/** What one who reads somebody else waits while a large cascade runs, beside the same without one. */
export async function measureOthers(service: ServiceProcess): Promise<Row> {
  const { origin, child } = await startChild('provider-server.js');
  const path = `/Users/${await hire(service, origin, 2_000_000, 0)}`;
  const idle: number[] = [];
  const busy: number[] = [];
  for (let round = 0; round < LARGE_CASCADES; round += 1) {
    const userId = await hire(service, origin, 3_000_000 + round, LARGE);
    idle.push(await p99While(service, path, sleep(3 * SETTLE_MS)));
    busy.push(await p99While(service, path, deactivate(service, userId, LARGE)));
  }
  child.kill();
  return {
    what: `GET one user during a cascade of ${LARGE}, p99`,
    measured: `${median(busy).toFixed(1)} ms`,
    floor: `idle ${median(idle).toFixed(1)} ms`,
    ratio: median(busy.map((ms, i) => ms / (idle[i] ?? Number.NaN))),
    goal: '<= 3.00 x idle',
  };
}

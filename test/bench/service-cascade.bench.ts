// Measures a cascade through the whole service on Redis, beside a bare BullMQ worker that makes the same calls.
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
/** ms after the registrations, so that what they and the last cascade left to do is not measured: the trail, spent secrets. */
const SETTLE_MS = 1_500;

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
  await sleep(SETTLE_MS);
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

/** @param redisPath socket of the private Redis for the floor */
export async function measureCascades(service: ServiceProcess, redisPath: string): Promise<Row> {
  const { origin, child } = await startChild('provider-server.js');
  const ours: number[] = [];
  const bare: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < WARM_CASCADES + CASCADES; round += 1) {
    const ms = await cascade(service, origin, round);
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

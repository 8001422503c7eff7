// Measures the service as one command starts it, as ratios against bare floors in the same run, and prints a table.
import { startPrivateRedis, startService } from '@app/testkit';
import { measureCascade } from './cascade.bench.js';
import { measureEngine as measureScimEngine } from './engine.bench.js';
import { Floors } from './floors.js';
import { perSecond, print, type Row } from './rows.js';
import { ScimBench, userOf } from './scim.bench.js';
import { measureCascades, measureOthers } from './service-cascade.bench.js';

const CREDENTIALS = 1_000;
const CASCADES = 5;

/** The embedded default: the engine with the queue in process, beside undici alone making the same calls. */
async function measureEngine(): Promise<Row> {
  const { cascadeMs, undiciMs, ratio } = await measureCascade({ credentials: CREDENTIALS, rounds: CASCADES });
  return {
    what: `the engine alone, ${CREDENTIALS} credentials`,
    measured: `${cascadeMs.toFixed(0)} ms`,
    floor: `U ${undiciMs.toFixed(0)} ms`,
    ratio,
    goal: '<= 1.40 U',
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

const redis = await startPrivateRedis('--appendonly', 'yes');
const service = await startService({ env: { LOG_LEVEL: 'error' } });
const floors = await Floors.start(userOf(0));
try {
  const rows = await new ScimBench(service, floors).measure(process.argv.includes('--many'));
  rows.push(await measureCascades(service, redis.socketPath), await measureOthers(service));
  rows.push(await measureEngine(), ...measureScim());
  print(rows);
} finally {
  floors.stop();
  await service.stop();
  await redis.stop();
}

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Evidence } from '@app/events';
import { Bench } from './cascade.fixture.js';
import type { Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { jobFor } from './held-queue.fixture.js';
import type { TargetRow } from './revocation-db.js';
import { oddConnector, runnerOf } from './worker.fixture.js';

const evidence: Evidence = { adapter: 'odd@3', request: 'none', conclusion: 'said so' };

let bench: Bench;
let http: OutboundHttp;
let facts: string[];
let defects: string[];

beforeEach(async () => {
  bench = await Bench.open();
  http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  facts = [];
  defects = [];
});

afterEach(async () => {
  await http.close();
  await bench.close();
});

const crash = () => Promise.reject(new Error('a defect'));

/** One attempt by a connector that does as told; @returns the target afterwards */
async function attempt(revoke: () => Promise<Outcome>, probe: () => Promise<ProbeOutcome>): Promise<TargetRow> {
  const connector = oddConnector({ version: 3, verifyAfterMs: () => 0, revoke, probe });
  const runner = runnerOf(bench, http, connector, {
    onFact: (_row, fact) => facts.push(fact.type),
    onDefect: (error, targetId) => defects.push(`${targetId}: ${(error as Error).message}`),
  });
  await bench.provider('p', 'odd');
  await bench.user('ada');
  await bench.credential('token', { userId: 'ada' });
  await bench.deactivate('ada');
  await bench.follow();
  await runner.run(jobFor(...(await bench.targets())), new AbortController().signal);
  await bench.follow();
  return (await bench.targets())[0] as TargetRow;
}

describe('a connector that throws', () => {
  it('while revoking is our defect: reported, and tried again as crashed', async () => {
    const target = await attempt(crash, crash);
    expect(target).toMatchObject({ state: 'due', last_class: 'crashed', consumed: 1 });
    const [deferred] = await bench.events('RevocationDeferred');
    expect(deferred?.data.evidence).toMatchObject({ adapter: 'odd@3', conclusion: expect.stringContaining('failed') });
    expect(defects).toEqual([`${target.target_id}: a defect`]);
  });

  it('while probing leaves the acknowledgement and probes again', async () => {
    const target = await attempt(async () => ({ kind: 'revoked', evidence }), crash);
    expect(facts).toEqual(['RevocationAcknowledged', 'VerificationDeferred']);
    expect(target).toMatchObject({ state: 'acknowledged', grade: 'B', probes: 1 });
    expect(defects).toHaveLength(1);
  });
});

import { describe, expect, it } from '@jest/globals';
import { attempt, evidence, Offboarding, plannedTarget, second } from './offboarding.fixture.js';
import { RecordedLog } from './recorded-log.fixture.js';
import { plannedRow, targetChange } from './target-fold.js';
import { Account } from './verifier/verify.mjs';

type Step = (story: Offboarding, log: RecordedLog, at: number) => void;
const OF = { targetId: 't1', cascadeId: 'k1' };
const about = (at: number) => ({ stream: 'revocation-acme-t1', at: second(at) });

/** What can happen to a target; attempts are numbered by their time. */
const STEPS: Readonly<Record<string, Step>> = {
  deferred: (story, _, at) => story.defer('t1', 'k1', at, 200 + at),
  parked: (story, _, at) => story.park('t1', 'k1', at, 200 + at),
  acknowledged: (story, _, at) => story.acknowledge('t1', 'k1', at, 200 + at),
  'acknowledged, to be verified': (story, _, at) => story.acknowledge('t1', 'k1', at, 200 + at, 900),
  verified: (story, _, at) => story.verify('t1', 'k1', at, 200 + at),
  'found alive': (_, log, at) =>
    void log.record(
      'VerificationFailed',
      { ...OF, attempt: attempt(at, 200 + at), evidence, until: second(900) },
      about(at),
    ),
  'not answered by the probe': (_, log, at) =>
    void log.record('VerificationDeferred', { ...OF, attempt: attempt(at, 200 + at), evidence }, about(at)),
  retried: (_, log, at) => void log.record('RevocationRetried', { ...OF, by: 'carol', reason: 'now' }, about(200 + at)),
  waived: (story, _, at) => story.waive('t1', 'k1', 200 + at),
  expired: (story, _, at) => story.expire('t1', 'k1', 200 + at),
};

const STORIES = [
  ...Object.keys(STEPS).map((step) => [step]),
  ['deferred', 'parked', 'retried', 'deferred', 'acknowledged'],
  ['acknowledged, to be verified', 'found alive', 'acknowledged, to be verified', 'verified'],
  ['acknowledged, to be verified', 'not answered by the probe', 'retried', 'deferred', 'verified'],
  ['acknowledged', 'retried'],
  ['acknowledged, to be verified', 'retried', 'not answered by the probe'],
  ['parked', 'waived', 'retried', 'expired'],
];

/** What operators see of the target, and what the report of a bundle says. */
function told(steps: readonly string[]) {
  const log = new RecordedLog();
  const story = new Offboarding(log);
  const planned = plannedTarget('t1', { userId: 'ada' });
  story.plan('k1', 'ada', story.deactivate('ada', 100), [planned], 101);
  steps.forEach((step, i) => (STEPS[step] as Step)(story, log, i + 1));
  const account = new Account({ type: 'cascade', cascadeId: 'k1' });
  const row = plannedRow('acme', 'k1', planned, second(101));
  for (const event of log.events) {
    account.add(JSON.parse(Buffer.from(event.bytes).toString('utf8')), event.type);
    Object.assign(row, targetChange(row, event));
  }
  const { state, grade, attempts, t2, t3, t4 } = row;
  const reported = account.cascades.get('k1')?.targets.get('t1');
  return {
    seen: { state, grade: grade ?? '', attempts, t2: t2 ?? '', t3: t3 ?? '', t4: t4 ?? '', ended: row.settled === 1 },
    reported: reported && {
      ...{ state: reported.state, grade: reported.grade, attempts: reported.attempts },
      ...{ t2: reported.t2, t3: reported.t3, t4: reported.t4, ended: reported.endedAt !== '' },
    },
  };
}

describe('operators see of a target what a bundle reports of it', () => {
  it.each(STORIES.map((steps) => [steps.join(', then '), steps] as const))('when it was %s', (_, steps) => {
    const { seen, reported } = told(steps);
    expect(reported).toEqual(seen);
  });

  it('and one that is tried again has no grade', () => {
    expect(told(['acknowledged', 'retried']).seen).toMatchObject({ state: 'due', grade: '', ended: false });
  });
});

// A worker for specs: one connector that does as it is told, and a dispatcher that hears of all it does.
import type { Bench } from './cascade.fixture.js';
import type { Connector } from './connectors/connector.port.js';
import type { OutboundHttp } from './connectors/outbound-http.js';
import { Dispatcher } from './dispatcher.js';
import type { HeldQueue } from './held-queue.fixture.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { StepRunner, type StepParts } from './run-step.js';

export const evidence = { adapter: 'odd@1', request: 'none', conclusion: 'said so' };

/** Says yes and proves nothing, unless told otherwise. */
export const oddConnector = (told: Partial<Connector>): Connector => ({
  name: 'odd',
  version: 1,
  scope: 'token',
  checkSettings: () => [],
  verifyAfterMs: () => undefined,
  revoke: async () => ({ kind: 'revoked', evidence }),
  ...told,
});

/** Attempts through `connector` whatever is configured; defects are thrown unless `told` takes them. */
export function runnerOf(
  { db, log, vault, clock }: Bench,
  http: OutboundHttp,
  connector: Connector,
  told: Partial<StepParts> = {},
): StepRunner {
  return new StepRunner({
    ...{ db, log, vault, clock, http },
    connectors: { get: () => connector },
    policy: { ...DEFAULT_RETRY_POLICY, jitter: 0 },
    callTimeoutMs: 5_000,
    isDisproved: () => false,
    onAnswer: () => undefined,
    onFact: () => undefined,
    onDefect: (error) => {
      throw error;
    },
    ...told,
  });
}

/** Started, and told what the relay commits. */
export function dispatcherOf(bench: Bench, queue: HeldQueue): Dispatcher {
  const onError = (error: unknown) => {
    throw error;
  };
  const dispatcher = new Dispatcher({ db: bench.db, queue, clock: bench.clock, laneConcurrency: 50, onError });
  dispatcher.start();
  bench.onWork = (change) => dispatcher.onCommitted(change);
  return dispatcher;
}

/** What a worker tells its dispatcher. */
export const tellingOf = (dispatcher: Dispatcher): Pick<StepParts, 'isDisproved' | 'onAnswer' | 'onFact'> => ({
  isDisproved: (row) => dispatcher.isDisproved(row),
  onAnswer: (row, fact) => dispatcher.onAcknowledged(row, fact),
  onFact: (row, fact) => dispatcher.onRecorded(row, fact),
});

/** Everything that does not wait for the clock or for a job has run. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

// A few people and the parts of the engine around one bench, for specs that let anything happen to their cascades.
import { expect } from '@jest/globals';
import type { Evidence } from '@app/events';
import { Decisions } from '@app/event-log';
import type { Bench } from './cascade.fixture.js';
import type { Connector, Outcome, ProbeOutcome } from './connectors/connector.port.js';
import { OutboundHttp } from './connectors/outbound-http.js';
import { Dispatcher } from './dispatcher.js';
import { HeldQueue } from './held-queue.fixture.js';
import { RetryRevocation, TargetSettled, WaiveRevocation } from './operator.commands.js';
import { OperatorDecisions, RetryRevocationHandler, WaiveRevocationHandler } from './operator.handlers.js';
import { DEFAULT_RETRY_POLICY } from './retry-policy.js';
import { StepRunner } from './run-step.js';
import { Sweep } from './sweep.js';

export const evidence: Evidence = { adapter: 'odd@1', request: 'none', conclusion: 'said so' };
export const HOUR = 3_600_000;

/** What may happen next in the life of a few cascades. */
export type Step =
  | { readonly do: 'work'; readonly revoke: Outcome | 'throw'; readonly probe: ProbeOutcome | 'throw' }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'lose the queue' | 'follow' | 'sweep' | 'configure' }
  | { readonly do: 'crash'; readonly twice: boolean }
  | { readonly do: 'retry' | 'waive'; readonly target: number }
  | { readonly do: 'register late' | 'deactivate' | 'rotate'; readonly person: number };

/** A few people, the engine's parts, and a connector that answers as told. */
export class World {
  readonly queue = new HeldQueue();
  /** Never called: the connector answers by itself. */
  readonly http = new OutboundHttp({ allowHttp: false, allowLoopback: false });
  readonly errors: unknown[] = [];
  private readonly deactivated = new Set<number>();
  private credentials = 0;
  private answers: { revoke: Outcome | 'throw'; probe: ProbeOutcome | 'throw' } = { revoke: 'throw', probe: 'throw' };
  private readonly dispatcher: Dispatcher;
  private readonly sweep: Sweep;
  private readonly runner: StepRunner;
  private readonly operator: OperatorDecisions;

  constructor(readonly bench: Bench) {
    const { db, clock, log, vault } = bench;
    const { queue, http } = this;
    const onError = (error: unknown) => this.errors.push(error);
    this.dispatcher = new Dispatcher({ db, queue, clock, laneConcurrency: 50, onError });
    this.dispatcher.start();
    bench.onWork = (change) => this.dispatcher.onCommitted(change);
    this.sweep = new Sweep({ dispatcher: this.dispatcher, queue, clock, intervalMs: HOUR, onError });
    const connector: Connector = {
      name: 'odd',
      version: 1,
      scope: 'token',
      checkSettings: () => [],
      revoke: () => orThrow(this.answers.revoke),
      probe: () => orThrow(this.answers.probe),
      verifyAfterMs: ({ provider: { settings } }) => (settings['verifyAfterMs'] ?? undefined) as number | undefined,
    };
    this.runner = new StepRunner({
      db,
      log,
      vault,
      clock,
      http,
      connectors: { get: () => connector },
      policy: DEFAULT_RETRY_POLICY,
      callTimeoutMs: 5_000,
      isDisproved: (row) => this.dispatcher.isDisproved(row),
      onAnswer: (row, fact) => this.dispatcher.onAcknowledged(row, fact),
      onFact: (row, fact) => this.dispatcher.onRecorded(row, fact),
      onDefect: () => undefined,
    });
    this.operator = new OperatorDecisions(new Decisions(log), clock);
  }

  async open(): Promise<void> {
    for (const i of [0, 1, 2]) await this.bench.user(`person-${i}`);
    await this.configure();
    for (const i of [0, 0, 0, 1, 1, 2]) await this.register(i);
    await this.take({ do: 'deactivate', person: 0 });
  }

  async take(next: Step): Promise<void> {
    switch (next.do) {
      case 'work':
        this.answers = next;
        await this.queue.run((job, signal) => this.runner.run(job, signal));
        return this.follow();
      case 'wait':
        this.bench.clock.advance(next.hours * HOUR);
        return quiet();
      case 'lose the queue':
        this.queue.take();
        return;
      case 'follow':
        return this.follow();
      case 'sweep':
        await this.sweep.once();
        return quiet();
      case 'configure':
        return this.configure();
      case 'crash':
        return this.crash(next.twice);
      case 'retry':
      case 'waive':
        return this.operate(next.do, next.target);
      case 'register late':
        return this.register(next.person);
      case 'rotate':
        return this.rotate(next.person);
      case 'deactivate':
        if (this.deactivated.has(next.person)) return;
        this.deactivated.add(next.person);
        await this.bench.deactivate(`person-${next.person}`);
        return this.follow();
    }
  }

  async follow(): Promise<void> {
    await this.bench.follow();
    await quiet();
  }

  /** Everything answers well from here on: whatever is open comes to its end, by the clock and the sweep alone. */
  async settle(): Promise<void> {
    await this.follow();
    for (let day = 0; day < 60; day += 1) {
      this.answers = { revoke: { kind: 'revoked', evidence }, probe: { kind: 'dead', evidence } };
      await this.sweep.once();
      await quiet();
      await this.queue.run((job, signal) => this.runner.run(job, signal));
      await this.follow();
      if ((await this.bench.targets()).every((row) => row.state === 'settled')) return;
      this.bench.clock.advance(HOUR);
      await quiet();
    }
  }

  async close(): Promise<void> {
    await this.dispatcher.stop();
    await this.http.close();
  }

  private async configure(): Promise<void> {
    this.verifies = !this.verifies;
    await this.bench.provider('p', 'odd', this.verifies ? { verifyAfterMs: 60_000 } : {});
  }
  private verifies = false;

  private async register(i: number): Promise<void> {
    const id = `credential-${this.credentials++}`;
    const day = this.bench.clock.iso(this.bench.clock.now() + 24 * HOUR);
    await this.bench.credential(id, {
      userId: `person-${i}`,
      ...(this.credentials % 2 === 0 ? { expiresAt: day } : {}),
    });
  }

  private async rotate(i: number): Promise<void> {
    const credentialId = `credential-${i}`;
    const rotated = { credentialId, secretId: `secret-${this.credentials++}`, fingerprint: 'f' };
    await this.bench.append(`credential-acme-${credentialId}`, 'CredentialRotated', rotated);
  }

  private async crash(twice: boolean): Promise<void> {
    const events = await this.bench.next();
    if (events.length === 0) return;
    const die = () => {
      throw new Error('the process died here');
    };
    for (let i = 0; i < (twice ? 2 : 1); i += 1)
      await expect(this.bench.applyOnce(events, die)).rejects.toThrow('died');
  }

  private async operate(command: 'retry' | 'waive', n: number): Promise<void> {
    const rows = await this.bench.targets();
    const row = rows[n % Math.max(rows.length, 1)];
    if (row === undefined) return;
    const who = { reason: 'ticket', actor: 'operator:key', by: 'Grace', correlationId: 'request' };
    const data = { tenant: 'acme', targetId: row.target_id, cascadeId: row.cascade_id, ...who };
    try {
      if (command === 'retry') await new RetryRevocationHandler(this.operator).execute(new RetryRevocation(data));
      else await new WaiveRevocationHandler(this.operator).execute(new WaiveRevocation(data));
    } catch (error) {
      if (!(error instanceof TargetSettled)) throw error;
    }
    await this.follow();
  }
}

const orThrow = <T>(answer: T | 'throw'): Promise<T> =>
  answer === 'throw' ? Promise.reject(new Error('a defect')) : Promise.resolve(answer as T);

const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

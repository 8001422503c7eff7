// One attempt at each target of a job: eight steps in reading order, ending in a recorded outcome.
import { catalog, streams, type AnyEvent } from '@app/events';
import { WrongExpectedRevision, type EventLog } from '@app/event-log';
import type { JobItem, RevocationJob } from '@app/jobs';
import { newId, Turns, type Clock } from '@app/runtime';
import type { Vault } from '@app/vault';
import type { Kysely } from 'kysely';
import type { Connector, ConnectorContext, Outcome, ProbeOutcome } from './connectors/connector.port.js';
import type { OutboundHttp } from './connectors/outbound-http.js';
import { findTargets, loadMaterial, outcomeOfUnreadable, requestFor, type LoadedTarget } from './material.js';
import { decideOutcome, decideProbe, noProvider, type AttemptContext, type TargetFact } from './outcome.js';
import type { RetryPolicy } from './retry-policy.js';
import type { RevocationDb, TargetRow } from './revocation-db.js';
import { EXPIRY_LEEWAY_MS, evolveTarget, type Target } from './target.js';
import { targetOf } from './targets.view.js';

export interface StepParts {
  readonly db: Kysely<RevocationDb>;
  readonly log: EventLog;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly http: OutboundHttp;
  readonly connectors: { get(name: string): Connector | undefined };
  readonly policy: RetryPolicy;
  /** Longest time in ms that one call to a connector may take. */
  readonly callTimeoutMs: number;
  /** Whether a provider that refuses our credentials for this target has accepted them for another one since. */
  readonly isDisproved: (row: TargetRow) => boolean;
  /** Told what is about to be recorded, so that others need not wait for that. */
  readonly onAnswer: (row: TargetRow, fact: TargetFact) => void;
  /** Told what was recorded, so that a lane can slow down at once. */
  readonly onFact: (row: TargetRow, fact: TargetFact) => void;
  /** A connector threw, or something stored cannot be read: ours to mend; the target is tried again all the same. */
  readonly onDefect: (error: unknown, targetId: string) => void;
}

/** A target, and the revision of its stream that made it so; -1 before the first event. */
interface Standing {
  readonly target: Target;
  readonly revision: number;
}

/** What to record of an attempt that has ended, by how the target stands when it is recorded. */
type Decision = (target: Target) => TargetFact;

const revokedAs =
  (context: AttemptContext, outcome: Outcome): Decision =>
  (target) =>
    decideOutcome({ ...context, target }, outcome);

const probedAs =
  (context: AttemptContext, outcome: ProbeOutcome): Decision =>
  (target) =>
    decideProbe({ ...context, target }, outcome);

/** The answers of fast providers come in hundreds at once. */
const turns = new Turns();

/** Runs jobs. A job is a hint: what is no longer due is skipped, and the stream's revision fences out a late worker. */
export class StepRunner {
  constructor(private readonly parts: StepParts) {}

  async run(job: RevocationJob, signal: AbortSignal): Promise<void> {
    const { db, vault, clock } = this.parts;
    await turns.share();
    // 1. Load the targets the job names.
    const items = new Map(job.items.map((item) => [item.targetId, item]));
    const rows = await findTargets(db, job.tenant, items.keys());
    // 2. Drop what was settled, waived or attempted meanwhile.
    const due = rows.filter((row) => isStillDue(row, items.get(row.target_id), clock.now()));
    if (due.length === 0) return;
    // 3. Open the material: the only moment a secret is in memory.
    const loaded = await loadMaterial(db, vault, job.tenant, due);
    for (const { row, unreadable } of loaded)
      if (unreadable !== undefined) this.parts.onDefect(unreadable.error, row.target_id);
    const calls = this.callContext(signal);
    const ends = await Promise.allSettled(loaded.map((one) => this.attempt(one, calls, signal)));
    // Only when all have ended: a job that is tried again must not meet its own attempts.
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  private async attempt(loaded: LoadedTarget, calls: ConnectorContext, signal: AbortSignal): Promise<void> {
    await turns.share();
    const { row } = loaded;
    const target = targetOf(row);
    // 4. What has outlived itself needs no call.
    if (isExpired(row, this.parts.clock.now())) {
      const data = { targetId: row.target_id, cascadeId: row.cascade_id, expiredAt: row.expires_at as string };
      await this.record(loaded, { target, revision: row.revision }, () => ({ type: 'RevocationExpired', data }));
      return;
    }
    // 5. Call the provider, and 6. decide what its answer means.
    const probing = target.state === 'acknowledged';
    const decide = probing ? await this.probe(loaded, target, calls) : await this.revoke(loaded, target, calls);
    await turns.share();
    // 7. Record it at the revision the attempt was made on.
    const recorded = await this.record(loaded, { target, revision: row.revision }, decide);
    // 8. Prove it, if the probe is due at once.
    if (recorded?.target.state !== 'acknowledged') return;
    if ((recorded.target.dueAt ?? Infinity) > this.parts.clock.now()) return;
    await this.record(loaded, recorded, await this.probe(loaded, recorded.target, this.callContext(signal)));
  }

  private async revoke(loaded: LoadedTarget, target: Target, calls: ConnectorContext): Promise<Decision> {
    const { provider, unreadable } = loaded;
    const connector = provider && this.parts.connectors.get(provider.connectorName);
    const ended = this.startAttempt(loaded, target);
    if (provider === undefined || connector === undefined) {
      const context = ended();
      return () => noProvider(context);
    }
    if (unreadable !== undefined) return revokedAs(ended(), outcomeOfUnreadable(unreadable));
    try {
      const request = requestFor(loaded, provider, target.attempts + 1);
      const outcome = await connector.revoke(request, calls);
      const verifyAfterMs = connector.probe === undefined ? undefined : connector.verifyAfterMs(request, calls);
      return revokedAs(ended(verifyAfterMs), outcome);
    } catch (error) {
      this.parts.onDefect(error, loaded.row.target_id);
      const evidence = defectOf(connector);
      return revokedAs(ended(), { kind: 'retry', class: 'crashed', unknownEffect: true, evidence });
    }
  }

  private async probe(loaded: LoadedTarget, target: Target, calls: ConnectorContext): Promise<Decision> {
    const { provider, unreadable } = loaded;
    const connector = provider && this.parts.connectors.get(provider.connectorName);
    const ended = this.startAttempt(loaded, target);
    if (provider === undefined || connector?.probe === undefined) {
      const evidence = { adapter: 'none', request: 'none', conclusion: 'the provider can no longer be probed' };
      return probedAs(ended(), { kind: 'no-answer', evidence });
    }
    if (unreadable !== undefined) {
      return probedAs(ended(), { kind: 'no-answer', evidence: outcomeOfUnreadable(unreadable).evidence });
    }
    try {
      const request = requestFor(loaded, provider, target.attempts + 1);
      return probedAs(ended(), await connector.probe(request, calls));
    } catch (error) {
      this.parts.onDefect(error, loaded.row.target_id);
      return probedAs(ended(), { kind: 'no-answer', evidence: defectOf(connector) });
    }
  }

  /** Notes the start; the returned function is called when the answer is there. */
  private startAttempt({ row, planned }: LoadedTarget, target: Target): (verifyAfterMs?: number) => AttemptContext {
    const { clock, policy } = this.parts;
    const startedAt = clock.iso();
    return (verifyAfterMs) => ({
      cascadeId: row.cascade_id,
      planned,
      target,
      attempt: { number: target.attempts + 1, startedAt, endedAt: clock.iso() },
      policy,
      verifyAfterMs,
      isDisproved: this.parts.isDisproved(row),
    });
  }

  /** For calls that start now. */
  private callContext(signal: AbortSignal): ConnectorContext {
    const { http, clock, callTimeoutMs } = this.parts;
    return { http, signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]), now: () => clock.now() };
  }

  /** @returns where the target stands then, or undefined when somebody else recorded first: then that record stands */
  private async record(loaded: LoadedTarget, before: Standing, decide: Decision): Promise<Standing | undefined> {
    try {
      return await this.append(loaded, before, decide(before.target));
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
    const retried = await this.retriedSince(loaded, before);
    if (retried === undefined) return undefined;
    const fact = decide(retried.target);
    // A probe without an answer says less than the attempt that was asked for will.
    if (fact.type === 'VerificationDeferred') return undefined;
    try {
      return await this.append(loaded, retried, fact);
    } catch (error) {
      if (error instanceof WrongExpectedRevision) return undefined;
      throw error;
    }
  }

  /** Where the target stands when all that came between is that an operator asked for a retry. */
  private async retriedSince({ row }: LoadedTarget, { target, revision }: Standing): Promise<Standing | undefined> {
    const stream = streams.revocation(row.tenant, row.target_id);
    const since = await this.parts.log.readStream(stream, { from: BigInt(revision + 1) });
    if (since.some((event) => event.type !== 'RevocationRetried')) return undefined;
    return { target: since.reduce<Target>(evolveTarget, target), revision: revision + since.length };
  }

  /** @throws WrongExpectedRevision */
  private async append(loaded: LoadedTarget, { target, revision }: Standing, fact: TargetFact): Promise<Standing> {
    const { row, correlationId } = loaded;
    this.parts.onAnswer(row, fact);
    const event = {
      id: newId(),
      ...fact,
      metadata: {
        tenant: row.tenant,
        actor: 'system:worker',
        correlationId,
        causationId: row.cascade_id,
        schemaVersion: catalog[fact.type].version,
        at: this.parts.clock.iso(),
      },
    } as AnyEvent;
    const expected = revision < 0 ? 'no-stream' : BigInt(revision);
    await this.parts.log.append(streams.revocation(row.tenant, row.target_id), expected, [event], { patient: true });
    this.parts.onFact(row, fact);
    return { target: evolveTarget(target, event), revision: revision + 1 };
  }
}

const isStillDue = (row: TargetRow, item: JobItem | undefined, now: number): boolean =>
  row.due_at !== null && Number(row.due_at) <= now && item?.attempt === row.attempts + 1;

const isExpired = (row: TargetRow, now: number): boolean =>
  row.expires_at !== null && row.state !== 'acknowledged' && now >= Date.parse(row.expires_at) + EXPIRY_LEEWAY_MS;

const defectOf = (connector: Connector) => ({
  adapter: `${connector.name}@${connector.version}`,
  request: 'unknown',
  conclusion: 'the connector failed before it could interpret an answer',
});

// Stops what an agent platform runs on BullMQ: removes a schedule, purges its waiting runs and cancels the active ones.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Evidence } from '@app/events';
import { InvalidRedisUrl, redisAddressOf, type RedisAddress } from '@app/jobs';
import { LRUCache } from 'lru-cache';
import { BullmqQueues, redisFault, type Found, type QueueAddress, type Selection } from './bullmq-queue.adapter.js';
import type {
  Connector,
  ConnectorContext,
  ConnectorRequest,
  Outcome,
  ProbeOutcome,
  ProviderInstance,
} from './connector.port.js';
import { milliseconds, problemsOf, text } from './settings-check.js';

interface ScheduleSettings {
  /** BullMQ's key prefix when the reference names none. */
  readonly prefix?: string;
  readonly cancelGraceMs?: number;
  readonly verifyAfterMs?: number;
}

const RULES = { prefix: text, cancelGraceMs: milliseconds, verifyAfterMs: milliseconds };
const CANCEL_GRACE_MS = 1_000;
const VERIFY_AFTER_MS = 1_000;
const ROUND_MS = 20;

interface Place {
  readonly address: QueueAddress;
  readonly selection: Selection;
}

export interface BullmqScheduleOptions {
  /** Whether a tenant's provider may connect to this Redis. Hosts of several tenants must set it. */
  readonly mayConnect?: (tenant: string, address: RedisAddress) => boolean;
  /** Connections kept; the one that was used least lately is given up for another. Default 500. */
  readonly connections?: number;
  /** ms after its last use at which a connection is given up: its provider may be there no longer. Default 10 minutes. */
  readonly idleMs?: number;
}

const CONNECTIONS = 500;
const IDLE_MS = 600_000;

interface Connection {
  readonly url: string;
  readonly queues: BullmqQueues;
}

/**
 * Provider secret: the URL of the platform's Redis. Reference of a schedule: `{queue, schedulerId, prefix?}`; of a run:
 * `{queue, jobId, prefix?}`. No program outside can kill a run: it is signalled and has to end by itself. As long as
 * it is active at BullMQ the outcome is `retry`, so a run that ignores the signal stays visible.
 */
export class BullmqSchedule implements Connector {
  readonly name = 'bullmq-schedule';
  readonly version = 1;
  readonly scope = 'schedule';
  /** One for each provider, replaced when its URL changes. */
  private readonly connections: LRUCache<string, Connection>;
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly options: BullmqScheduleOptions = {}) {
    this.connections = new LRUCache({
      max: options.connections ?? CONNECTIONS,
      ttl: options.idleMs ?? IDLE_MS,
      ttlAutopurge: true,
      updateAgeOnGet: true,
      dispose: ({ queues }) => this.giveUp(queues),
    });
  }

  checkSettings(settings: Readonly<Record<string, unknown>>): string[] {
    return problemsOf(settings, RULES);
  }

  checkSecret(secret: string): string[] {
    try {
      redisAddressOf(secret);
      return [];
    } catch (error) {
      if (error instanceof InvalidRedisUrl) return [`The secret is the URL of the platform's Redis. ${error.message}`];
      throw error;
    }
  }

  async revoke(request: ConnectorRequest, context: ConnectorContext): Promise<Outcome> {
    const place = placeOf(request);
    if (place === undefined) {
      const evidence = this.evidence(request, 'DELETE', 'the reference names no queue with a schedulerId or a jobId');
      return { kind: 'permanent', reason: 'the reference must be {queue, schedulerId} or {queue, jobId}', evidence };
    }
    const queues = this.queuesOf(request);
    if (queues === undefined) {
      const evidence = this.evidence(request, 'DELETE', 'the provider has no Redis URL that may be used');
      return { kind: 'connector-broken', code: 'no-redis-url', evidence };
    }
    try {
      return await this.stop(queues, place, request, context);
    } catch (error) {
      return this.outcomeOfFault(request, error);
    }
  }

  async probe(request: ConnectorRequest, _context: ConnectorContext): Promise<ProbeOutcome> {
    const place = placeOf(request);
    const queues = this.queuesOf(request);
    if (place === undefined || queues === undefined) {
      return {
        kind: 'no-answer',
        evidence: this.evidence(request, 'GET', 'the reference or the Redis URL is missing'),
      };
    }
    try {
      const found = await queues.find(place.address, place.selection);
      const evidence = this.evidence(request, 'GET', `the queue holds ${counted(found)}`);
      if (!found.queueExists) return { kind: 'no-answer', evidence };
      return { kind: isGone(found) ? 'dead' : 'alive', evidence };
    } catch (error) {
      const fault = redisFault(error);
      if (fault === undefined) throw error;
      return { kind: 'no-answer', evidence: this.evidence(request, 'GET', `Redis gave no answer (${fault})`) };
    }
  }

  verifyAfterMs({ provider }: ConnectorRequest): number {
    return settingsOf(provider).verifyAfterMs ?? VERIFY_AFTER_MS;
  }

  /** Disconnects from every provider's Redis. */
  async close(): Promise<void> {
    this.connections.clear();
    await Promise.all(this.closing);
  }

  private async stop(
    queues: BullmqQueues,
    { address, selection }: Place,
    request: ConnectorRequest,
    context: ConnectorContext,
  ): Promise<Outcome> {
    const before = await queues.find(address, selection);
    if (!before.queueExists) {
      const evidence = this.evidence(request, 'DELETE', 'this Redis has never seen the queue: the reference is wrong');
      return { kind: 'permanent', reason: 'there is no such queue at this Redis', evidence };
    }
    if (isGone(before)) {
      return { kind: 'already-gone', evidence: this.evidence(request, 'DELETE', `the queue holds ${counted(before)}`) };
    }
    if ('schedulerId' in selection) await queues.removeScheduler(address, selection.schedulerId);
    const rounds = Math.ceil((settingsOf(request.provider).cancelGraceMs ?? CANCEL_GRACE_MS) / ROUND_MS);
    const told = new Set<string>();
    let left = before;
    let listeners = 0;
    for (let round = 0; round <= rounds && !context.signal.aborted; round += 1) {
      await queues.removePending(address, left.pending);
      const untold = left.active.filter((jobId) => !told.has(jobId));
      if (untold.length > 0) listeners = await queues.cancelActive(address, untold);
      for (const jobId of untold) told.add(jobId);
      left = await queues.find(address, selection);
      if (isGone(left)) break;
      await sleep(ROUND_MS);
    }
    if (isGone(left)) {
      return { kind: 'revoked', evidence: this.evidence(request, 'DELETE', `stopped ${counted(before)}`) };
    }
    const conclusion = `${counted(left)} left; ${listeners} workers listen for cancellations`;
    const evidence = this.evidence(request, 'DELETE', conclusion);
    return { kind: 'retry', class: 'unverified', unknownEffect: true, evidence };
  }

  private outcomeOfFault(request: ConnectorRequest, error: unknown): Outcome {
    const fault = redisFault(error);
    if (fault === undefined) throw error;
    if (fault === 'refused') {
      const evidence = this.evidence(request, 'DELETE', 'Redis refuses the credentials of the URL');
      return { kind: 'connector-broken', code: 'redis-refused', evidence };
    }
    const evidence = this.evidence(request, 'DELETE', `Redis gave no answer (${fault})`);
    return { kind: 'retry', class: fault === 'busy' ? 'provider-error' : fault, unknownEffect: true, evidence };
  }

  private queuesOf({ tenant, provider }: ConnectorRequest): BullmqQueues | undefined {
    const url = provider.secret;
    if (url === undefined || this.checkSecret(url).length > 0) return undefined;
    const address = redisAddressOf(url);
    if (this.options.mayConnect?.(tenant, address) === false) return undefined;
    const key = `${tenant} ${provider.providerId}`;
    const known = this.connections.get(key);
    if (known?.url === url) return known.queues;
    const queues = new BullmqQueues(address);
    this.connections.set(key, { url, queues });
    return queues;
  }

  private giveUp(queues: BullmqQueues): void {
    const closed = queues.close().finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  /** Names the queue and the id, never the Redis URL. */
  private evidence({ reference }: ConnectorRequest, method: 'DELETE' | 'GET', conclusion: string): Evidence {
    const what =
      reference['jobId'] === undefined ? `schedulers/${reference['schedulerId']}` : `jobs/${reference['jobId']}`;
    return {
      adapter: `${this.name}@${this.version}`,
      request: `${method} bullmq:${reference['queue']}/${what}`,
      conclusion,
    };
  }
}

function settingsOf(provider: ProviderInstance): ScheduleSettings {
  return provider.settings;
}

function placeOf({ reference, target, provider }: ConnectorRequest): Place | undefined {
  const { queue, schedulerId, jobId } = reference;
  // BullMQ takes the colon for itself.
  if (queue === undefined || queue === '' || queue.includes(':')) return undefined;
  const address = { queue, prefix: reference['prefix'] ?? settingsOf(provider).prefix ?? 'bull' };
  if (target.holdingType === 'run') return jobId === undefined ? undefined : { address, selection: { jobId } };
  return schedulerId === undefined ? undefined : { address, selection: { schedulerId } };
}

function isGone(found: Found): boolean {
  return !found.scheduled && found.pending.length === 0 && found.active.length === 0;
}

function counted(found: Found): string {
  return `${found.scheduled ? 'the' : 'no'} schedule, ${found.pending.length} waiting and ${found.active.length} active runs`;
}

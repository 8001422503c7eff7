// A queue and a vault in memory, for specs that decide themselves when jobs run, get lost, or nobody answers.
import { randomBytes } from 'node:crypto';
import { JobQueue, QueueUnavailable, type JobHandler, type QueueCounts, type RevocationJob } from '@app/jobs';
import { newId } from '@app/runtime';
import { Vault, type StoredSecret } from '@app/vault';

/** Keeps jobs until a spec runs them; can be emptied like a Redis that lost everything, and be unreachable. */
export class HeldQueue extends JobQueue {
  jobs: RevocationJob[] = [];
  /** Every job ever accepted. */
  readonly accepted: RevocationJob[] = [];
  reachable = true;
  active = 0;
  private handler: JobHandler | undefined;

  async enqueue(jobs: readonly RevocationJob[]): Promise<void> {
    this.mustBeReachable();
    const fresh = jobs.filter((job) => !this.jobs.some((queued) => queued.id === job.id));
    this.jobs.push(...fresh);
    this.accepted.push(...fresh);
  }

  async work(handler: JobHandler): Promise<void> {
    this.handler = handler;
  }

  async counts(): Promise<QueueCounts> {
    this.mustBeReachable();
    return { waiting: this.jobs.length, active: this.active };
  }

  async close(): Promise<void> {
    this.handler = undefined;
  }

  /** Runs what waits, in order; `handler` in place of the one given to `work`. */
  async run(handler: JobHandler | undefined = this.handler): Promise<void> {
    if (handler === undefined) throw new Error('nobody works on this queue');
    for (const job of this.take()) await handler(job, new AbortController().signal);
  }

  /** Takes what waits away from the queue, as a worker or a crash of Redis does. */
  take(): RevocationJob[] {
    return this.jobs.splice(0);
  }

  private mustBeReachable(): void {
    if (!this.reachable) throw new QueueUnavailable('the queue does not answer');
  }
}

/** Secrets in memory, with a record of what was destroyed. */
export class MemoryVault extends Vault {
  readonly secrets = new Map<string, string>();
  readonly destroyed: string[] = [];
  reachable = true;

  async putSecret(tenant: string, plaintext: string): Promise<StoredSecret> {
    const secretId = newId();
    this.secrets.set(`${tenant} ${secretId}`, plaintext);
    return { secretId, fingerprint: randomBytes(16).toString('base64url') };
  }

  async openSecret(tenant: string, secretId: string): Promise<string | undefined> {
    return this.secrets.get(`${tenant} ${secretId}`);
  }

  async openSecrets(tenant: string, secretIds: readonly string[]): Promise<Map<string, string>> {
    const found = secretIds.map((id) => [id, this.secrets.get(`${tenant} ${id}`)] as const);
    return new Map(found.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
  }

  async destroySecrets(tenant: string, secretIds: readonly string[]): Promise<void> {
    if (!this.reachable) throw new Error('the vault does not answer');
    for (const id of secretIds) {
      this.secrets.delete(`${tenant} ${id}`);
      this.destroyed.push(id);
    }
  }

  newDataKey = () => notHere();
  seal = () => notHere();
  open = () => notHere();
  eraseDataKey = () => notHere();
  fingerprint = () => {
    throw new Error('this vault keeps secrets only');
  };
}

const notHere = () => Promise.reject(new Error('this vault keeps secrets only'));

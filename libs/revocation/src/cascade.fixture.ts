// A cascade on a bench, for specs: a real log, real tables, and a clock that stands still.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  streams,
  type AnyEvent,
  type CredentialKind,
  type EventData,
  type EventType,
  type RecordedEvent,
} from '@app/events';
import { newEvent, SqliteEventLog, type EventLog } from '@app/event-log';
import { ManualClock, openSqlite } from '@app/runtime';
import { SqlVault, type VaultDb } from '@app/vault';
import type { Kysely } from 'kysely';
import { Relay } from './relay.js';
import { migrateRevocationDb, type RevocationDb, type TargetRow } from './revocation-db.js';
import type { WorkChange } from './targets.view.js';

export const TENANT = 'acme';

export interface HeldCredential {
  readonly userId?: string;
  readonly agentId?: string;
  readonly kind?: CredentialKind;
  readonly providerId?: string;
  readonly secretId?: string;
  readonly requiresGroups?: string[];
  readonly expiresAt?: string;
  readonly tenant?: string;
}

/** Appends facts, lets the relay follow them when told to, and shows what came of it. */
export class Bench {
  readonly clock = new ManualClock();
  /** Events per batch of the relay. */
  batch = 512;
  /** Told of what the relay committed. */
  onWork: (change: WorkChange) => void = () => undefined;
  relay: Relay;
  private readonly heads = new Map<string, bigint>();
  private position = -1n;

  private constructor(
    private readonly directory: string,
    public db: Kysely<RevocationDb>,
    readonly log: SqliteEventLog,
    readonly vault: SqlVault,
    private readonly vaultDb: Kysely<VaultDb>,
  ) {
    this.relay = this.newRelay();
  }

  static async open(db = openSqlite<RevocationDb>(':memory:')): Promise<Bench> {
    const directory = mkdtempSync(join(tmpdir(), 'cascade-'));
    const vaultDb = openSqlite<VaultDb>(':memory:');
    const vault = await SqlVault.open({ db: vaultDb, rootKey: randomBytes(32) });
    const bench = new Bench(directory, db, SqliteEventLog.open({ directory }), vault, vaultDb);
    await migrateRevocationDb(bench.db);
    return bench;
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.vault.close();
    await Promise.all([this.db.destroy(), this.vaultDb.destroy()]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A relay over this log, or over one that stands in front of it. */
  newRelay(log: Pick<EventLog, 'append' | 'readStream'> = this.log): Relay {
    const onWork = (change: WorkChange) => this.onWork(change);
    return new Relay({ log: log as EventLog, clock: this.clock, policyHash: 'policy', onWork });
  }

  /** @returns the id of the event */
  async append<T extends EventType>(stream: string, type: T, data: EventData[T], tenant = TENANT): Promise<string> {
    const at = this.clock.iso();
    const context = {
      tenant,
      actor: 'system:test',
      correlationId: 'request',
      causationId: 'request',
      at,
      receivedAt: at,
    };
    const event = newEvent(type, data, context);
    const { revision } = await this.log.append(stream, this.heads.get(stream) ?? 'no-stream', [event as AnyEvent]);
    this.heads.set(stream, revision);
    return event.id;
  }

  user(userId: string, tenant = TENANT) {
    const data = { userId, active: true, dataKeyId: 'k', userNameHash: 'h', sealed: 's' };
    return this.append(streams.user(tenant, userId), 'UserProvisioned', data, tenant);
  }

  deactivate(userId: string, tenant = TENANT) {
    return this.append(streams.user(tenant, userId), 'UserDeactivated', { userId }, tenant);
  }

  reactivate(userId: string, generation: number) {
    return this.append(streams.user(TENANT, userId), 'UserReactivated', { userId, generation });
  }

  agent(agentId: string, ownerIds: readonly string[], parentId?: string) {
    const owners = ownerIds.map((id) => ({ type: 'User' as const, id }));
    const parent = parentId === undefined ? {} : { parentId };
    const data = { agentId, name: agentId, active: true, owners, resource: {}, ...parent };
    return this.append(streams.agent(TENANT, agentId), 'AgentProvisioned', data);
  }

  async group(groupId: string, ...members: string[]): Promise<void> {
    await this.append(streams.group(TENANT, groupId), 'GroupCreated', { groupId, displayName: groupId, resource: {} });
    await this.members(groupId, members, []);
  }

  members(groupId: string, added: readonly string[], removed: readonly string[]) {
    const refs = (ids: readonly string[]) => ids.map((id) => ({ id, type: 'User' as const }));
    const data = { groupId, added: refs(added), removed: refs(removed) };
    return this.append(streams.group(TENANT, groupId), 'GroupMembershipChanged', data);
  }

  provider(
    providerId: string,
    connector: string,
    settings: Record<string, unknown> = {},
    secretId?: string,
    tenant = TENANT,
  ) {
    const secret = secretId === undefined ? {} : { secretId };
    const data = { providerId, connector, displayName: providerId, settings, ...secret };
    return this.append(streams.provider(tenant, providerId), 'ProviderConfigured', data, tenant);
  }

  credential(credentialId: string, { tenant = TENANT, ...held }: HeldCredential) {
    const defaults = { kind: 'oauth_access_token' as const, providerId: 'p', requiresGroups: [], reference: {} };
    const data = { credentialId, ...defaults, ...held };
    return this.append(streams.credential(tenant, credentialId), 'CredentialRegistered', data, tenant);
  }

  rotate(credentialId: string, secretId: string, expiresAt?: string) {
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    const data = { credentialId, secretId, fingerprint: 'f', ...expiry };
    return this.append(streams.credential(TENANT, credentialId), 'CredentialRotated', data);
  }

  release(credentialId: string) {
    return this.append(streams.credential(TENANT, credentialId), 'CredentialReleased', { credentialId });
  }

  /** What the vault stores of this secret does not open any more. @returns mends it */
  async damage(secretId: string): Promise<() => Promise<void>> {
    const { vaultDb } = this;
    const write = async (sealed: string) =>
      void (await vaultDb.updateTable('vault_secrets').set({ sealed }).where('secret_id', '=', secretId).execute());
    const stored = vaultDb.selectFrom('vault_secrets').select('sealed').where('secret_id', '=', secretId);
    const { sealed } = await stored.executeTakeFirstOrThrow();
    await write('v1.x');
    return () => write(sealed);
  }

  /** Many at once, `<prefix>0` and on, all of one person. */
  async credentials(count: number, userId: string, prefix = 'c', held: HeldCredential = {}): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, i) => this.credential(`${prefix}${i}`, { userId, ...held })));
  }

  /** The relay applies all there is, its own appends included, as the projector does: a transaction for each batch. */
  async follow(): Promise<void> {
    while (await this.followOnce());
  }

  /** @returns false when there is nothing left */
  async followOnce(): Promise<boolean> {
    const events = await this.next();
    const last = events.at(-1);
    if (last === undefined) return false;
    await this.applyOnce(events);
    this.position = last.position;
    return true;
  }

  /** One batch; whatever is thrown inside rolls the rows back and leaves the position where it was. */
  async applyOnce(events: readonly RecordedEvent[], beforeCommit: () => void = () => undefined): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      await this.relay.apply(trx, events);
      beforeCommit();
    });
    this.relay.committed();
  }

  /** What the relay has not applied yet. */
  next(): Promise<RecordedEvent[]> {
    return this.log.readAll({ after: this.position, max: this.batch });
  }

  /** Throws the tables away. The next `follow` starts from the beginning of the log. */
  async forget(): Promise<void> {
    await this.db.destroy();
    this.db = openSqlite<RevocationDb>(':memory:');
    await migrateRevocationDb(this.db);
    this.position = -1n;
  }

  /** Every row of every table, in an order that does not depend on how they were written. */
  async rows(): Promise<Record<string, string[]>> {
    const tables = await this.db.introspection.getTables();
    const found = tables.map(async ({ name }) => {
      const rows = await this.db
        .selectFrom(name as keyof RevocationDb)
        .selectAll()
        .execute();
      return [name, rows.map((row) => JSON.stringify(row)).sort()] as const;
    });
    return Object.fromEntries(await Promise.all(found));
  }

  targets(): Promise<TargetRow[]> {
    return this.db.selectFrom('work_targets').selectAll().orderBy('holding_id').execute();
  }

  /** The ids of what is to be revoked, sorted. */
  async targeted(): Promise<string[]> {
    return (await this.targets()).map((row) => row.holding_id);
  }

  async events<T extends EventType>(type: T): Promise<Extract<RecordedEvent, { type: T }>[]> {
    const all: RecordedEvent[] = [];
    for (let page = await this.log.readAll(); page.length > 0;) {
      all.push(...page);
      page = await this.log.readAll({ after: (page.at(-1) as RecordedEvent).position });
    }
    return all.filter((event): event is Extract<RecordedEvent, { type: T }> => event.type === type);
  }

  async length(): Promise<number> {
    return Number(await this.log.head());
  }

  /** Records how an attempt at a target ended, as a worker does. */
  settle(
    row: TargetRow,
    type: 'RevocationAcknowledged' | 'RevocationVerified' | 'RevocationExpired' | 'RevocationWaived',
  ) {
    const attempt = { number: row.attempts + 1, startedAt: this.clock.iso(), endedAt: this.clock.iso() };
    const evidence = { adapter: 'test@1', request: 'none', conclusion: 'said so' };
    const about = { targetId: row.target_id, cascadeId: row.cascade_id };
    const ended = { expiredAt: this.clock.iso(), by: 'Grace', reason: 'known', alreadyGone: false };
    const data = { ...about, attempt, evidence, ...ended };
    return this.append(streams.revocation(row.tenant, row.target_id), type, data as never, row.tenant);
  }
}

// The access side of the room as an application for its specs: a real log, vault and gate, and facts of the directory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decisions, EventLog, newEvent, Projector, ProjectorSet, ReadModels, SqliteEventLog } from '@app/event-log';
import { streams, type EventData, type EventType, type OwnerRef, type RequestContext } from '@app/events';
import { Clock, ManualClock, openSqlite } from '@app/runtime';
import { SqlVault, Vault, type VaultDb } from '@app/vault';
import { Module, type DynamicModule } from '@nestjs/common';
import { CommandBus, CqrsModule, QueryBus } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { Connectors } from './connectors/registry.js';
import { GATE_DB, type GateDb } from './gate-db.js';
import { GateView } from './gate.view.js';
import { RevocationModule } from './revocation.module.js';

@Module({})
class World {
  static of(values: ReadonlyArray<readonly [unknown, unknown]>): DynamicModule {
    const providers = values.map(([provide, useValue]) => ({ provide: provide as symbol, useValue }));
    return { module: World, global: true, providers, exports: providers };
  }
}

export const contextFor = (tenant: string): RequestContext => ({
  tenant,
  actor: 'platform:key-1',
  correlationId: 'request',
  receivedAt: '2026-01-01T00:00:00.000Z',
});

export type AccessWorld = Awaited<ReturnType<typeof openAccess>>;

export async function openAccess() {
  const directory = mkdtempSync(join(tmpdir(), 'access-'));
  const log = SqliteEventLog.open({ directory });
  const clock = new ManualClock();
  const vaultDb = openSqlite<VaultDb>(join(directory, 'vault.db'));
  const vault = await SqlVault.open({ db: vaultDb, rootKey: Buffer.alloc(32, 1), clock });
  const gateDb = openSqlite<GateDb>(join(directory, 'gate.db'));
  const failures: unknown[] = [];
  const gate = new Projector({ log, db: gateDb, projection: new GateView(), onError: (error) => failures.push(error) });
  await gate.start();
  const readModels = new ProjectorSet([gate as unknown as Projector<never>]);
  const connectors = new Connectors();
  const world = World.of([
    [EventLog, log],
    [Decisions, new Decisions(log, { soleWriter: true })],
    [ReadModels, readModels],
    [Vault, vault],
    [Clock, clock],
    [Connectors, connectors],
    [GATE_DB, gateDb],
  ]);
  const app = await Test.createTestingModule({ imports: [CqrsModule.forRoot(), world, RevocationModule] }).compile();
  await app.init();

  /** Appends a fact to the end of a stream and waits for the gate. */
  async function tell<T extends EventType>(stream: string, type: T, data: EventData[T], tenant = 'acme') {
    const last = (await log.readStream(stream, { direction: 'backwards', max: 1 }))[0];
    const context = { ...contextFor(tenant), causationId: 'test', at: clock.iso() };
    const event = newEvent(type, data, context);
    const { position } = await log.append(stream, last?.revision ?? 'no-stream', [event] as never);
    await readModels.reached(position);
  }

  return {
    log,
    vault,
    commands: app.get(CommandBus),
    queries: app.get(QueryBus),
    tell,
    reached: async (position: bigint | undefined) => {
      if (position !== undefined) await readModels.reached(position);
    },
    user: (userId: string, tenant = 'acme') => {
      const data = { userId, active: true, dataKeyId: 'k', userNameHash: 'h', sealed: 's' };
      return tell(streams.user(tenant, userId), 'UserProvisioned', data, tenant);
    },
    deactivate: (userId: string) => tell(streams.user('acme', userId), 'UserDeactivated', { userId }),
    agent: (agentId: string, owners: OwnerRef[], parentId?: string) => {
      const parent = parentId === undefined ? {} : { parentId };
      const data = { agentId, name: agentId, active: true, owners, resource: {}, ...parent };
      return tell(streams.agent('acme', agentId), 'AgentProvisioned', data);
    },
    group: async (groupId: string, ...members: string[]) => {
      const stream = streams.group('acme', groupId);
      await tell(stream, 'GroupCreated', { groupId, displayName: groupId, resource: {} });
      const added = members.map((id) => ({ id, type: 'User' as const }));
      await tell(stream, 'GroupMembershipChanged', { groupId, added, removed: [] });
    },
    /** How many secrets the vault holds. */
    secrets: async () => (await vaultDb.selectFrom('vault_secrets').select('secret_id').execute()).length,
    /** No secret of the vault opens any more. */
    damageSecrets: () => vaultDb.updateTable('vault_secrets').set({ sealed: 'v1.x' }).execute(),
    /** Types of the events in a stream. */
    typesIn: async (stream: string) => (await log.readStream(stream)).map((event) => event.type),
    close: async () => {
      await app.close();
      await gate.stop();
      await connectors.close();
      await log.close();
      await vault.close();
      await Promise.all([gateDb.destroy(), vaultDb.destroy()]);
      rmSync(directory, { recursive: true });
      if (failures.length > 0) throw failures[0];
    },
  };
}

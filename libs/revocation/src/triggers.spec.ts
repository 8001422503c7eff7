import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { catalog, type EventData, type EventType, type RecordedEvent } from '@app/events';
import { openSqlite } from '@app/runtime';
import type { Kysely } from 'kysely';
import type { GateDb } from './gate-db.js';
import { GateView } from './gate.view.js';
import { applyToHoldings } from './holdings.view.js';
import { migrateRevocationDb, type RevocationDb } from './revocation-db.js';
import { lossOf } from './triggers.js';

let db: Kysely<RevocationDb>;
let gateDb: Kysely<GateDb>;
/** What all the facts so far took away. */
let taken: Set<string>;
let position = 0n;

const recorded = <T extends EventType>(type: T, data: EventData[T], tenant: string): RecordedEvent =>
  ({
    id: `event-${position}`,
    type,
    data,
    stream: 'any',
    revision: 0n,
    position: position++,
    bytes: new Uint8Array(),
    metadata: {
      tenant,
      actor: 'system:test',
      correlationId: 'c',
      causationId: 'c',
      schemaVersion: catalog[type].version,
      at: '2026-01-01T00:00:00.000Z',
    },
  }) as unknown as RecordedEvent;

/** Applies the fact and says which holdings it took away; undefined when it is no loss at all. The gate refuses them. */
async function when<T extends EventType>(type: T, data: EventData[T], tenant = 'acme'): Promise<string[] | undefined> {
  const event = recorded(type, data, tenant);
  await applyToHoldings(db, event);
  const lost = (await lossOf(db, event))?.holdings.map((row) => row.holding_id).sort();
  await new GateView().apply(gateDb, [event]);
  if (event.type === 'CredentialRotated') taken.delete(event.data.credentialId);
  for (const id of lost ?? []) taken.add(id);
  expect(await refused()).toEqual([...taken].sort());
  return lost;
}

/** What the gate takes for revoked. */
async function refused(): Promise<string[]> {
  const rows = await gateDb
    .selectFrom('held_holdings')
    .select('holding_id')
    .where('state', '=', 'revoked')
    .orderBy('holding_id')
    .execute();
  return rows.map((row) => row.holding_id);
}

const user = (userId: string, tenant = 'acme') =>
  when('UserProvisioned', { userId, active: true, dataKeyId: 'k', userNameHash: 'h', sealed: 's' }, tenant);

const agent = (agentId: string, owners: { type: 'User' | 'Group'; id: string }[], parentId?: string) =>
  when('AgentProvisioned', {
    agentId,
    name: agentId,
    active: true,
    owners,
    resource: {},
    ...(parentId === undefined ? {} : { parentId }),
  });

const credential = (
  credentialId: string,
  holder: { userId?: string; agentId?: string },
  requiresGroups: string[] = [],
  tenant = 'acme',
) =>
  when(
    'CredentialRegistered',
    { credentialId, kind: 'oauth_access_token', providerId: 'p', reference: {}, requiresGroups, ...holder },
    tenant,
  );

const group = async (groupId: string, ...members: string[]) => {
  await when('GroupCreated', { groupId, displayName: groupId, resource: {} });
  await when('GroupMembershipChanged', {
    groupId,
    added: members.map((id) => ({ id, type: 'User' as const })),
    removed: [],
  });
};

const leaves = (groupId: string, ...members: string[]) =>
  when('GroupMembershipChanged', { groupId, added: [], removed: members.map((id) => ({ id, type: 'User' as const })) });

beforeEach(async () => {
  db = openSqlite<RevocationDb>(':memory:');
  await migrateRevocationDb(db);
  gateDb = openSqlite<GateDb>(':memory:');
  await new GateView().migrate(gateDb);
  taken = new Set();
  await user('ada');
  await user('bob');
});
afterEach(() => Promise.all([db.destroy(), gateDb.destroy()]));

describe('deactivating a person', () => {
  it.each(['UserDeactivated', 'UserDeleted'] as const)(
    '%s takes what is held on the person’s behalf and nothing else',
    async (type) => {
      await credential('ada-token', { userId: 'ada' });
      await credential('bob-token', { userId: 'bob' });
      expect(await when(type, { userId: 'ada', userNameHash: 'h' })).toEqual(['ada-token']);
    },
  );

  it('takes the schedules and runs too', async () => {
    await when('ScheduleRegistered', { scheduleId: 's', providerId: 'p', reference: {}, userId: 'ada' });
    await when('RunStarted', { runId: 'r', providerId: 'p', reference: {}, userId: 'ada' });
    await when('RunStarted', { runId: 'over', providerId: 'p', reference: {}, userId: 'ada' });
    await when('RunEnded', { runId: 'over' });
    expect(await when('UserDeactivated', { userId: 'ada' })).toEqual(['r', 's']);
  });

  it('takes what agents hold that nobody else owns, and what is held below them, however far', async () => {
    await agent('only-hers', [{ type: 'User', id: 'ada' }]);
    await agent('child', [{ type: 'User', id: 'bob' }], 'only-hers');
    await agent('grandchild', [{ type: 'User', id: 'bob' }], 'child');
    await agent('shared', [
      { type: 'User', id: 'ada' },
      { type: 'User', id: 'bob' },
    ]);
    await credential('orphaned', { agentId: 'only-hers' });
    await credential('below', { agentId: 'child' });
    await credential('far-below', { agentId: 'grandchild' });
    await credential('kept', { agentId: 'shared' });
    expect(await when('UserDeactivated', { userId: 'ada' })).toEqual(['below', 'far-below', 'orphaned']);
    expect(await when('UserDeactivated', { userId: 'bob' })).toContain('kept');
  });

  it('is recorded even when nothing was held', async () => {
    expect(await when('UserDeactivated', { userId: 'ada' })).toEqual([]);
  });

  it('leaves what the platform released', async () => {
    await credential('released', { userId: 'ada' });
    await when('CredentialReleased', { credentialId: 'released' });
    expect(await when('UserDeactivated', { userId: 'ada' })).toEqual([]);
  });

  it('stays within its tenant, even where ids are the same', async () => {
    await user('ada', 'other');
    await credential('here', { userId: 'ada' });
    await credential('there', { userId: 'ada' }, [], 'other');
    expect(await when('UserDeactivated', { userId: 'ada' })).toEqual(['here']);
  });
});

describe('losing a group', () => {
  it('takes the credentials that require it from those who left it', async () => {
    await group('prod', 'ada', 'bob');
    await credential('ada-prod', { userId: 'ada' }, ['prod']);
    await credential('ada-plain', { userId: 'ada' });
    await credential('bob-prod', { userId: 'bob' }, ['prod']);
    expect(await leaves('prod', 'ada')).toEqual(['ada-prod']);
  });

  it('takes them from everybody when the group is deleted', async () => {
    await group('prod', 'ada', 'bob');
    await credential('ada-prod', { userId: 'ada' }, ['prod']);
    await credential('bob-prod', { userId: 'bob' }, ['prod']);
    expect(await when('GroupDeleted', { groupId: 'prod' })).toEqual(['ada-prod', 'bob-prod']);
  });

  it('takes nothing that does not require it', async () => {
    await group('prod', 'ada');
    await credential('ada-plain', { userId: 'ada' });
    expect(await leaves('prod', 'ada')).toEqual([]);
  });

  it('orphans the agents that only the group owned', async () => {
    await group('prod', 'ada');
    await agent('team-agent', [{ type: 'Group', id: 'prod' }]);
    await credential('team-token', { agentId: 'team-agent' });
    expect(await when('GroupDeleted', { groupId: 'prod' })).toEqual(['team-token']);
  });
});

describe('losing a role', () => {
  const role = (roleId: string, change: { added?: string[]; changed?: string[]; removed?: string[] }) => {
    const members = (ids: string[] = []) => ids.map((userId) => ({ userId, sources: ['manual'] }));
    const { added, changed, removed = [] } = change;
    return when('RoleMembershipChanged', { roleId, added: members(added), changed: members(changed), removed });
  };
  const requiring = (credentialId: string, userId: string, requiresRoles: string[], requiresGroups: string[] = []) =>
    when('CredentialRegistered', {
      credentialId,
      kind: 'api_key',
      providerId: 'p',
      reference: {},
      userId,
      requiresGroups,
      requiresRoles,
    });

  it('takes the credentials that require it from those who lost it, and no others', async () => {
    await role('prod', { added: ['ada', 'bob'] });
    await role('test', { added: ['ada'] });
    await requiring('ada-prod', 'ada', ['prod']);
    await requiring('ada-test', 'ada', ['test']);
    await requiring('bob-prod', 'bob', ['prod']);
    expect(await role('prod', { removed: ['ada'] })).toEqual(['ada-prod']);
  });

  it('happens only when the last way to it is gone', async () => {
    await role('prod', { added: ['ada'] });
    await requiring('ada-prod', 'ada', ['prod']);
    expect(await role('prod', { changed: ['ada'] })).toEqual([]);
    expect(await role('prod', { removed: ['ada'] })).toEqual(['ada-prod']);
  });

  it('takes them from everybody when the role is deleted, and whoever comes later may not hold them', async () => {
    await role('prod', { added: ['ada', 'bob'] });
    await role('test', { added: ['ada'] });
    await requiring('ada-prod', 'ada', ['prod']);
    await requiring('ada-test', 'ada', ['test']);
    await requiring('bob-prod', 'bob', ['prod']);
    expect(await when('RoleDeleted', { roleId: 'prod' })).toEqual(['ada-prod', 'bob-prod']);
    expect(await requiring('late', 'ada', ['prod'])).toEqual(['late']);
  });

  it('is not losing a group that has the same id', async () => {
    await group('prod', 'ada');
    await role('prod', { added: ['ada'] });
    await requiring('by-role', 'ada', ['prod']);
    await requiring('by-group', 'ada', [], ['prod']);
    expect(await role('prod', { removed: ['ada'] })).toEqual(['by-role']);
    expect(await leaves('prod', 'ada')).toEqual(['by-group']);
  });

  it('before registering is itself the loss', async () => {
    await group('prod', 'ada');
    expect(await requiring('late', 'ada', ['prod'])).toEqual(['late']);
  });
});

describe('losing an agent', () => {
  it.each(['AgentDeactivated', 'AgentDeleted', 'AgentOrphaned'] as const)('%s takes what it holds', async (type) => {
    await agent('a', [{ type: 'User', id: 'ada' }]);
    await credential('of-agent', { agentId: 'a', userId: 'ada' });
    await credential('of-person', { userId: 'ada' });
    expect(await when(type, { agentId: 'a', reason: 'r' })).toEqual(['of-agent']);
  });

  it('happens when its last active owner is taken from it', async () => {
    await agent('a', [{ type: 'User', id: 'ada' }]);
    await credential('of-agent', { agentId: 'a' });
    const removed = [{ type: 'User' as const, id: 'ada' }];
    expect(await when('AgentOwnersChanged', { agentId: 'a', added: [], removed })).toEqual(['of-agent']);
  });
});

describe('registering access', () => {
  it('is no loss for somebody who may act', async () => {
    await agent('a', [{ type: 'User', id: 'ada' }]);
    await group('prod', 'ada');
    expect(await credential('fine', { userId: 'ada', agentId: 'a' }, ['prod'])).toBeUndefined();
  });

  it('for a denied person is itself the loss', async () => {
    await when('UserDeactivated', { userId: 'ada' });
    expect(await credential('late', { userId: 'ada' })).toEqual(['late']);
    expect(await when('RunStarted', { runId: 'late-run', providerId: 'p', reference: {}, userId: 'ada' })).toEqual([
      'late-run',
    ]);
  });

  it('for an unknown holder, an ownerless agent, or somebody outside a required group is denied too', async () => {
    expect(await credential('stranger', { userId: 'nobody' })).toEqual(['stranger']);
    await agent('ownerless', []);
    expect(await credential('ownerless-token', { agentId: 'ownerless' })).toEqual(['ownerless-token']);
    await group('prod', 'bob');
    expect(await credential('outside', { userId: 'ada' }, ['prod'])).toEqual(['outside']);
  });

  it('of a rotated secret for a denied person is a loss again', async () => {
    await credential('token', { userId: 'ada' });
    await when('UserDeactivated', { userId: 'ada' });
    const rotated = { credentialId: 'token', secretId: 'new', fingerprint: 'f' };
    expect(await when('CredentialRotated', rotated)).toEqual(['token']);
  });
});

describe('an application', () => {
  const application = (applicationId: string, active = true) =>
    when('ApplicationProvisioned', { applicationId, name: applicationId, active, resource: {} });
  const agentOf = (agentId: string, applicationIds: string[], parentId?: string) =>
    when('AgentProvisioned', {
      agentId,
      name: agentId,
      active: true,
      owners: [{ type: 'User', id: 'ada' }],
      resource: {},
      applicationIds,
      ...(parentId === undefined ? {} : { parentId }),
    });

  beforeEach(async () => {
    await application('billing');
    await application('sales');
    await agentOf('b1', ['billing']);
    await agentOf('b2', ['sales', 'billing']);
    await agentOf('child', [], 'b1');
    await agentOf('s1', ['sales']);
    for (const agentId of ['b1', 'b2', 'child', 's1']) await credential(`${agentId}-token`, { agentId });
  });

  it.each(['ApplicationDeactivated', 'ApplicationDeleted'] as const)(
    '%s takes what its agents and their children hold',
    async (type) => {
      expect(await when(type, { applicationId: 'billing' })).toEqual(['b1-token', 'b2-token', 'child-token']);
      expect(await credential('late', { agentId: 'b1' })).toEqual(['late']);
      expect(await credential('below', { agentId: 'child' })).toEqual(['below']);
      expect(await credential('other', { agentId: 's1' })).toBeUndefined();
    },
  );

  it('that an agent has left takes nothing from it', async () => {
    await when('AgentApplicationsChanged', { agentId: 'b2', added: [], removed: ['billing'] });
    expect(await when('ApplicationDeactivated', { applicationId: 'billing' })).toEqual(['b1-token', 'child-token']);
  });

  it('that is not active takes what those hold who join it', async () => {
    await when('ApplicationDeactivated', { applicationId: 'sales' });
    expect(await when('AgentApplicationsChanged', { agentId: 'b1', added: ['sales'], removed: [] })).toEqual([
      'b1-token',
      'child-token',
    ]);
  });

  it('that is active again denies nobody any more', async () => {
    await when('ApplicationDeactivated', { applicationId: 'billing' });
    await when('ApplicationReactivated', { applicationId: 'billing' });
    expect(await credential('new', { agentId: 'b1' })).toBeUndefined();
  });
});

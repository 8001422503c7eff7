// What the gate answers to "may this agent still act?", fact by fact.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams, type EventType, type PlannedTarget, type RecordedEvent } from '@app/events';
import { hasTable, openSqlite, run } from '@app/runtime';
import type { Kysely } from 'kysely';
import { ConfigureProvider, RegisterCredentials, ReleaseCredential, RotateCredential } from './access.commands.js';
import { SubjectStatus, type StatusQuestion } from './access.queries.js';
import { contextFor, openAccess, type AccessWorld } from './access.fixture.js';
import type { GateDb } from './gate-db.js';
import { Gate } from './gate.js';
import { GateView } from './gate.view.js';

let world: AccessWorld;
const context = contextFor('acme');
const ask = (question: StatusQuestion, tenant = 'acme') => world.queries.execute(new SubjectStatus(tenant, question));
const reasons = async (question: StatusQuestion) => (await ask(question)).reasons;
const ofAda = [{ type: 'User' as const, id: 'ada' }];

async function credential(id: string, holder: { userId?: string; agentId?: string }, requiresGroups: string[] = []) {
  const item = { id, kind: 'api_key' as const, providerId: 'idp', requiresGroups, ...holder };
  const [answer] = await world.commands.execute(new RegisterCredentials(context, [item]));
  expect(answer).toMatchObject({ id, changed: true });
}

/** The relay plans its revocation. */
async function plan(holdingId: string, secretId?: string) {
  const target = {
    targetId: `t-${holdingId}`,
    holdingType: 'credential',
    holdingId,
    kind: 'api_key',
    providerId: 'idp',
    order: 20,
    secretId,
  };
  const planned = { cascadeId: `k-${holdingId}`, targets: [target as PlannedTarget] };
  await world.tell(streams.cascade('acme', planned.cascadeId), 'RevocationPlanned', planned);
}

beforeEach(async () => {
  world = await openAccess();
  await world.user('ada');
  await world.user('bob');
  const settings = { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' };
  const configuration = { connector: 'rfc7009', displayName: 'Identity', settings };
  await world.commands.execute(new ConfigureProvider(context, 'idp', configuration));
});
afterEach(() => world.close());

describe('a person', () => {
  it('may act until deactivated, and again in the next generation', async () => {
    expect(await ask({ subjectId: 'ada' })).toMatchObject({ type: 'user', mayAct: true, reasons: [], generation: 1 });
    await world.deactivate('ada');
    expect(await ask({ subjectId: 'ada' })).toMatchObject({ mayAct: false, reasons: ['user_deactivated'] });
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await ask({ subjectId: 'ada' })).toMatchObject({ mayAct: true, generation: 2 });
    await world.tell(streams.user('acme', 'ada'), 'UserDeleted', { userId: 'ada', userNameHash: 'h' });
    expect(await ask({ subjectId: 'ada' })).toMatchObject({ mayAct: false, reasons: ['user_deleted'] });
  });

  it('of another tenant is unknown', async () => {
    expect(await ask({ subjectId: 'ada' }, 'globex')).toMatchObject({
      type: 'unknown',
      mayAct: false,
      reasons: ['unknown'],
    });
  });
});

describe('an agent', () => {
  it('may act as long as one owner may', async () => {
    await world.agent('a', [...ofAda, { type: 'User', id: 'bob' }]);
    await world.deactivate('ada');
    expect(await ask({ subjectId: 'a' })).toMatchObject({ type: 'agent', mayAct: true });
    await world.deactivate('bob');
    expect(await reasons({ subjectId: 'a' })).toEqual(['agent_orphaned']);
  });

  it('owned by a group may act until the group is deleted', async () => {
    await world.group('team');
    await world.agent('a', [{ type: 'Group', id: 'team' }]);
    expect(await reasons({ subjectId: 'a' })).toEqual([]);
    await world.tell(streams.group('acme', 'team'), 'GroupDeleted', { groupId: 'team' });
    expect(await reasons({ subjectId: 'a' })).toEqual(['agent_orphaned']);
  });

  it('owned by its connection may act until it gets an owner who may not', async () => {
    await world.agent('a', [{ type: 'Connection', id: 'okta' }]);
    expect(await ask({ subjectId: 'a' })).toMatchObject({ type: 'agent', mayAct: true });
    const changed = { agentId: 'a', added: ofAda, removed: [{ type: 'Connection' as const, id: 'okta' }] };
    await world.tell(streams.agent('acme', 'a'), 'AgentOwnersChanged', changed);
    await world.deactivate('ada');
    expect(await reasons({ subjectId: 'a' })).toEqual(['agent_orphaned']);
  });

  it('may not act below one that may not, however far above', async () => {
    await world.agent('top', ofAda);
    await world.agent('middle', ofAda, 'top');
    await world.agent('leaf', ofAda, 'middle');
    expect(await reasons({ subjectId: 'leaf' })).toEqual([]);
    await world.tell(streams.agent('acme', 'top'), 'AgentDeactivated', { agentId: 'top', reason: 'r' });
    expect(await reasons({ subjectId: 'leaf' })).toEqual(['parent_denied']);
  });

  it('in a circle of parents gets an answer', async () => {
    await world.agent('x', ofAda, 'y');
    await world.agent('y', ofAda, 'x');
    expect(await reasons({ subjectId: 'x' })).toEqual([]);
    await world.tell(streams.agent('acme', 'y'), 'AgentDeleted', { agentId: 'y' });
    expect(await reasons({ subjectId: 'x' })).toEqual(['parent_denied']);
  });

  it('once suspended as an orphan stays so when its owner comes back, until it is reactivated itself', async () => {
    await world.agent('a', ofAda);
    await world.deactivate('ada');
    await world.tell(streams.agent('acme', 'a'), 'AgentOrphaned', { agentId: 'a' });
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await reasons({ subjectId: 'a' })).toEqual(['agent_orphaned']);
    await world.tell(streams.agent('acme', 'a'), 'AgentReactivated', { agentId: 'a', generation: 2 });
    expect(await ask({ subjectId: 'a' })).toMatchObject({ mayAct: true, generation: 2 });
  });

  it('acts for a person only while that person may act', async () => {
    await world.agent('a', ofAda);
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'bob' })).toEqual([]);
    await world.deactivate('bob');
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'bob' })).toEqual(['user_deactivated']);
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'nobody' })).toEqual(['user_unknown']);
  });

  it('whose id is that of a person does not become that person', async () => {
    await world.deactivate('ada');
    await world.agent('ada', [{ type: 'User', id: 'bob' }]);
    await world.agent('a', ofAda);
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'ada' })).toEqual(['agent_orphaned', 'user_deactivated']);
  });
});

describe('a credential', () => {
  it('may be used by its holder and by nobody else', async () => {
    await world.agent('a', ofAda);
    await world.agent('b', ofAda);
    await credential('c', { agentId: 'a', userId: 'ada' });
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'ada', credentialId: 'c' })).toEqual([]);
    expect(await reasons({ subjectId: 'a', credentialId: 'c' })).toEqual([]);
    expect(await reasons({ subjectId: 'b', onBehalfOf: 'ada', credentialId: 'c' })).toEqual(['credential_not_held']);
    expect(await reasons({ subjectId: 'a', onBehalfOf: 'bob', credentialId: 'c' })).toEqual(['credential_not_held']);
    expect(await reasons({ subjectId: 'bob', credentialId: 'c' })).toEqual(['credential_not_held']);
    expect(await reasons({ subjectId: 'a', credentialId: 'none' })).toEqual(['credential_unknown']);
  });

  it('may not be used once a group it requires is lost', async () => {
    await world.group('prod', 'ada');
    await credential('c', { userId: 'ada' }, ['prod']);
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual([]);
    const removed = [{ id: 'ada', type: 'User' as const }];
    await world.tell(streams.group('acme', 'prod'), 'GroupMembershipChanged', { groupId: 'prod', added: [], removed });
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked', 'group_missing']);
    expect(await reasons({ subjectId: 'ada' })).toEqual([]);
  });

  it('may not be used once a role or a condition it requires is lost, which are told apart', async () => {
    const roles = streams.roles('acme');
    const member = { userId: 'ada', sources: ['manual'] };
    for (const roleId of ['prod', 'condition-1']) {
      const nobody = { roleId, changed: [], removed: [] };
      await world.tell(roles, 'RoleMembershipChanged', { ...nobody, added: [member] });
      await world.commands.execute(
        new RegisterCredentials(context, [
          { id: roleId, kind: 'api_key', providerId: 'idp', userId: 'ada', requiresRoles: [roleId] },
        ]),
      );
      expect(await reasons({ subjectId: 'ada', credentialId: roleId })).toEqual([]);
      await world.tell(roles, 'RoleMembershipChanged', { ...nobody, added: [], removed: ['ada'] });
    }
    expect(await reasons({ subjectId: 'ada', credentialId: 'prod' })).toEqual(['credential_revoked', 'role_missing']);
    expect(await reasons({ subjectId: 'ada', credentialId: 'condition-1' })).toEqual([
      'credential_revoked',
      'condition_unmet',
    ]);
  });

  it('that its holder has lost stays lost when the holder is back before the relay came to plan it', async () => {
    await credential('c', { userId: 'ada' });
    await world.deactivate('ada');
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await reasons({ subjectId: 'ada' })).toEqual([]);
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked']);
    const item = { id: 'c', kind: 'api_key' as const, providerId: 'idp', requiresGroups: [], userId: 'ada' };
    expect(await world.commands.execute(new RegisterCredentials(context, [item]))).toEqual([
      expect.objectContaining({ changed: false, denials: ['credential_revoked'] }),
    ]);
  });

  it('that requires a group stays lost when its holder is in the group again', async () => {
    await world.group('prod', 'ada');
    await credential('c', { userId: 'ada' }, ['prod']);
    const ada = [{ id: 'ada', type: 'User' as const }];
    for (const change of [
      { added: [], removed: ada },
      { added: ada, removed: [] },
    ]) {
      await world.tell(streams.group('acme', 'prod'), 'GroupMembershipChanged', { groupId: 'prod', ...change });
    }
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked']);
  });

  it('of an agent stays lost when the owner who was away is back', async () => {
    await world.agent('a', ofAda);
    await credential('c', { agentId: 'a' });
    await world.deactivate('ada');
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await reasons({ subjectId: 'a', credentialId: 'c' })).toEqual(['credential_revoked']);
  });

  it('is dead from the moment its revocation is planned, or it is released', async () => {
    await credential('c', { userId: 'ada' });
    await credential('d', { userId: 'ada' });
    await plan('c');
    const { position } = await world.commands.execute(new ReleaseCredential(context, 'd'));
    await world.reached(position);
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked']);
    await world.deactivate('ada');
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked']);
    expect(await reasons({ subjectId: 'ada', credentialId: 'd' })).toEqual(['credential_released']);
  });

  it('with a new secret may be used by a holder who may act, and dies again with one who may not', async () => {
    await credential('c', { userId: 'ada' });
    await plan('c');
    const rotate = (secret: string) => world.commands.execute(new RotateCredential(context, 'c', { secret }));
    expect(await rotate('second')).toMatchObject({ denials: [] });
    expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual([]);
    await world.deactivate('ada');
    expect(await rotate('third')).toMatchObject({ denials: ['user_deactivated'] });
  });

  it.each(['first', undefined])(
    'that got a new secret after a loss is not taken by the plan of that loss, however late it comes: before it %s',
    async (secret) => {
      const secretOf = async () => {
        const events = await world.log.readStream(streams.credential('acme', 'c'));
        return (events.at(-1)?.data as { secretId?: string }).secretId;
      };
      const item = { id: 'c', kind: 'api_key' as const, providerId: 'idp', userId: 'ada' };
      await world.commands.execute(
        new RegisterCredentials(context, [secret === undefined ? item : { ...item, secret }]),
      );
      const first = await secretOf();
      await world.deactivate('ada');
      await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
      const rotated = await world.commands.execute(new RotateCredential(context, 'c', { secret: 'second' }));
      expect(rotated).toMatchObject({ denials: [] });
      await plan('c', first);
      expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual([]);
      await plan('c', await secretOf());
      expect(await reasons({ subjectId: 'ada', credentialId: 'c' })).toEqual(['credential_revoked']);
    },
  );
});

describe('facts that come in one batch', () => {
  let db: Kysely<GateDb>;
  let gate: Gate;
  const view = new GateView();
  const fact = (type: EventType, data: object) =>
    ({ type, data, metadata: { tenant: 'acme' } }) as unknown as RecordedEvent;
  const provisioned = (userId: string) => fact('UserProvisioned', { userId, active: true });
  const start = (runId: string, holder: object) =>
    fact('RunStarted', { runId, providerId: 'idp', reference: {}, ...holder });
  const back = (userId: string) => fact('UserReactivated', { userId, generation: 2 });

  beforeEach(async () => {
    db = openSqlite<GateDb>(':memory:');
    gate = new Gate(db);
    await view.migrate(db);
  });
  afterEach(() => db.destroy());

  it('are applied in the order of the log: what is held at a denial is lost, what comes after it is denied', async () => {
    await view.apply(db, [
      provisioned('ada'),
      start('before', { userId: 'ada' }),
      fact('UserDeactivated', { userId: 'ada' }),
      fact('UserChanged', { userId: 'ada' }),
      start('after', { userId: 'ada' }),
      back('ada'),
      start('again', { userId: 'ada' }),
    ]);
    expect(await gate.verdict('acme', 'run', 'before')).toEqual(['credential_revoked']);
    expect(await gate.verdict('acme', 'run', 'after')).toEqual(['user_deactivated']);
    expect(await gate.verdict('acme', 'run', 'again')).toEqual([]);
    expect(await db.selectFrom('held_subjects').select(['state', 'generation']).execute()).toEqual([
      { state: 'active', generation: 2 },
    ]);
  });

  it('take from an agent what it holds at the moment when nobody is left who owns it', async () => {
    const owners = ['ada', 'bob', 'eve'].map((id) => ({ type: 'User', id }));
    const runs = (agentId: string) => [
      fact('AgentProvisioned', { agentId, active: true, owners: agentId === 'of-two' ? owners.slice(0, 2) : owners }),
      start(`run-${agentId}`, { agentId }),
    ];
    await view.apply(db, [
      ...['ada', 'bob', 'eve', 'joe'].map(provisioned),
      ...runs('of-two'),
      ...runs('of-three'),
      fact('UserDeactivated', { userId: 'joe' }),
      fact('UserDeactivated', { userId: 'ada' }),
      fact('UserDeleted', { userId: 'bob' }),
      back('ada'),
      back('joe'),
    ]);
    expect(await gate.verdict('acme', 'run', 'run-of-two')).toEqual(['credential_revoked']);
    expect(await gate.verdict('acme', 'run', 'run-of-three')).toEqual([]);
  });
});

describe('the rows of an earlier version', () => {
  it.each(['gate_holdings', 'held_holdings'])(
    'are dropped with their checkpoint, so that they are made from the log again: %s',
    async (name) => {
      const db = openSqlite<GateDb>(':memory:');
      const view = new GateView();
      for (const text of [
        `create table ${name} (tenant text, holding_type text, holding_id text, state text)`,
        'create table checkpoints (name text primary key, position text not null)',
        "insert into checkpoints values ('gate', '7'), ('other', '7')",
      ]) {
        await run(db, text, []);
      }
      await view.migrate(db);
      await view.migrate(db);
      expect(await run(db, 'select * from checkpoints', [])).toEqual([{ name: 'other', position: '7' }]);
      expect(await run(db, 'select * from held_holdings', [])).toEqual([]);
      expect(await hasTable(db, 'gate_holdings')).toBe(false);
      await db.destroy();
    },
  );
});

describe('an answer', () => {
  it('says up to which position it knows the log', async () => {
    await world.deactivate('ada');
    const { asOf } = await ask({ subjectId: 'ada' });
    expect(BigInt(asOf)).toBe(await world.log.head());
  });
});

// What the platform is told when it registers, rotates and releases, and what the log holds of it afterwards.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import {
  ConfigureProvider,
  EndRun,
  RegisterCredentials,
  RegisterSchedule,
  ReleaseCredential,
  ReleaseSchedule,
  RemoveProvider,
  RotateCredential,
  StartRun,
  type CredentialRegistration,
  type Registered,
} from './access.commands.js';
import { AccessRefused } from './access.errors.js';
import { contextFor, openAccess, type AccessWorld } from './access.fixture.js';

let world: AccessWorld;
const context = contextFor('acme');

const token = (over: Partial<CredentialRegistration> = {}): CredentialRegistration => ({
  id: 'token-1',
  kind: 'oauth_access_token',
  providerId: 'idp',
  userId: 'ada',
  secret: 'the-token-itself',
  ...over,
});

const register = async (...items: CredentialRegistration[]) =>
  world.commands.execute(new RegisterCredentials(context, items));

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error as AccessRefused).code,
  );

const configure = (tenant = 'acme', over: object = {}) =>
  world.commands.execute(
    new ConfigureProvider(contextFor(tenant), 'idp', {
      connector: 'rfc7009',
      displayName: 'Identity',
      settings: { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' },
      secret: 'client-secret',
      ...over,
    }),
  );

beforeEach(async () => {
  world = await openAccess();
  await configure();
  await world.user('ada');
});
afterEach(() => world.close());

describe('a credential', () => {
  it('is recorded with its place in the vault and never with its secret', async () => {
    const [answer] = await register(token({ expiresAt: '2026-06-01T02:00:00+02:00', reference: { kid: '7' } }));
    expect(answer).toMatchObject({ id: 'token-1', changed: true, denials: [] });
    const [event] = await world.log.readStream(streams.credential('acme', 'token-1'));
    expect(event?.data).toMatchObject({
      userId: 'ada',
      expiresAt: '2026-06-01T00:00:00.000Z',
      reference: { kid: '7' },
    });
    const { secretId } = event?.data as { secretId: string };
    expect(await world.vault.openSecret('acme', secretId)).toBe('the-token-itself');
    const all = await world.log.readAll();
    expect(all.map((one) => Buffer.from(one.bytes).toString()).join()).not.toMatch(/the-token-itself|client-secret/);
  });

  it('gets a random id when the platform chooses none', async () => {
    const answers = await register(token({ id: undefined as never }), token({ id: undefined as never }));
    const ids = answers.map((one) => (one as { id: string }).id);
    expect(new Set(ids).size).toBe(2);
  });

  it('sent again with the same fields is the same, in whatever order they come', async () => {
    const reference = { a: '1', b: '2' };
    await world.group('g1', 'ada');
    await world.group('g2', 'ada');
    await register(token({ reference, requiresGroups: ['g1', 'g2'] }));
    const [again] = await register(token({ reference: { b: '2', a: '1' }, requiresGroups: ['g2', 'g1', 'g2'] }));
    expect(again).toMatchObject({ id: 'token-1', changed: false, denials: [], position: undefined });
    expect(await world.typesIn(streams.credential('acme', 'token-1'))).toEqual(['CredentialRegistered']);
  });

  it.each([{ secret: 'another' }, { kind: 'api_key' as const }, { reference: { kid: '8' } }])(
    'sent again with other fields is refused: %j',
    async (over) => {
      await register(token());
      expect(await register(token(over))).toEqual([expect.objectContaining({ code: 'id_conflict' })]);
    },
  );

  it('sent again after its release is refused, for nothing would hold it', async () => {
    await register(token());
    await world.commands.execute(new ReleaseCredential(context, 'token-1'));
    expect(await register(token())).toEqual([expect.objectContaining({ code: 'already_ended' })]);
  });

  it('is registered once when the same is sent many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(token())));
    expect(answers.flat().filter((one) => (one as { changed: boolean }).changed)).toHaveLength(1);
    expect(await world.typesIn(streams.credential('acme', 'token-1'))).toEqual(['CredentialRegistered']);
  });

  it.each([
    ['unknown_provider', { providerId: 'nowhere' }],
    ['unknown_provider', { providerId: 'Not A Slug' }],
    ['unknown_holder', { userId: 'nobody' }],
    ['unknown_holder', { agentId: 'nobody' }],
    ['holder_missing', { userId: undefined as never }],
    ['invalid_id', { id: '../../x' }],
    ['invalid_expiry', { expiresAt: 'tomorrow' }],
    ['invalid_expiry', { expiresAt: '2026-06-01T02:00:00' }],
  ])('is refused as %s and leaves no trace', async (code, over) => {
    const before = await world.log.head();
    const [answer] = await register(token(over));
    expect(answer).toMatchObject({ code });
    expect((answer as Error).message).not.toMatch(/nobody|nowhere|Slug|tomorrow/);
    expect(await world.log.head()).toBe(before);
  });

  it('that requires groups must be held by a person', async () => {
    await world.agent('a', [{ type: 'User', id: 'ada' }]);
    const { userId: _, ...ofAgent } = token({ agentId: 'a', requiresGroups: ['g1'] });
    expect(await register(ofAgent)).toEqual([expect.objectContaining({ code: 'groups_need_user' })]);
  });
});

describe('a batch', () => {
  it('answers each item for itself, in order', async () => {
    await register(token({ id: 'taken', secret: 'old' }));
    const answers = await register(
      token({ id: 'a' }),
      token({ id: 'taken' }),
      token({ id: 'b', userId: 'nobody' }),
      token({ id: 'c' }),
    );
    expect(answers.map((one) => (one instanceof AccessRefused ? one.code : one.id))).toEqual([
      'a',
      'id_conflict',
      'unknown_holder',
      'c',
    ]);
  });

  it('of 500 is registered whole, and whole again', async () => {
    const items = Array.from({ length: 500 }, (_, n) => token({ id: `t-${n}`, secret: `secret-${n}` }));
    const first = await register(...items);
    expect(first.filter((one) => !(one instanceof AccessRefused) && one.changed)).toHaveLength(500);
    const again = await register(...items);
    expect(again.filter((one) => !(one instanceof AccessRefused) && !one.changed)).toHaveLength(500);
  });
});

describe('registering for somebody who is denied', () => {
  it('is recorded all the same, and says why', async () => {
    await world.deactivate('ada');
    expect(await register(token())).toEqual([
      expect.objectContaining({ changed: true, denials: ['user_deactivated'] }),
    ]);
    expect(await world.typesIn(streams.credential('acme', 'token-1'))).toEqual(['CredentialRegistered']);
  });

  it('gives the same answer again, even after the person is back', async () => {
    await world.deactivate('ada');
    await register(token());
    await world.tell(streams.user('acme', 'ada'), 'UserReactivated', { userId: 'ada', generation: 2 });
    expect(await register(token())).toEqual([
      expect.objectContaining({ changed: false, denials: ['user_deactivated'] }),
    ]);
  });

  it('covers deleted people, missing groups, ownerless agents and agents below a denied one', async () => {
    await world.user('bob');
    await world.user('eve');
    await world.tell(streams.user('acme', 'eve'), 'UserDeleted', { userId: 'eve', userNameHash: 'h' });
    await world.agent('eves', [{ type: 'User', id: 'eve' }]);
    await world.agent('child', [{ type: 'User', id: 'bob' }], 'eves');
    await world.group('prod', 'bob');
    const answers = await register(
      token({ id: '1', userId: 'eve' }),
      token({ id: '2', requiresGroups: ['prod'] }),
      token({ id: '3', agentId: 'eves' }),
      token({ id: '4', agentId: 'child' }),
      token({ id: '5', userId: 'bob', requiresGroups: ['prod'] }),
    );
    expect(answers.map((one) => (one as Registered).denials)).toEqual([
      ['user_deleted'],
      ['group_missing'],
      ['agent_orphaned'],
      ['parent_denied'],
      [],
    ]);
  });

  it('holds for schedules and runs too', async () => {
    await world.deactivate('ada');
    const held = { id: 'x', providerId: 'idp', userId: 'ada' };
    const schedule = await world.commands.execute(new RegisterSchedule(context, held));
    const run = await world.commands.execute(new StartRun(context, held));
    expect([schedule.denials, run.denials]).toEqual([['user_deactivated'], ['user_deactivated']]);
    expect(await world.typesIn(streams.run('acme', 'x'))).toEqual(['RunStarted']);
  });
});

describe('rotating', () => {
  const rotate = (secret: string) => world.commands.execute(new RotateCredential(context, 'token-1', { secret }));

  it('records the new secret once', async () => {
    await register(token());
    expect(await rotate('new')).toMatchObject({ changed: true, denials: [] });
    expect(await rotate('new')).toMatchObject({ changed: false });
    const [, rotated] = await world.log.readStream(streams.credential('acme', 'token-1'));
    const { secretId } = rotated?.data as { secretId: string };
    expect(await world.vault.openSecret('acme', secretId)).toBe('new');
  });

  it('says so when the holder is denied', async () => {
    await register(token());
    await world.deactivate('ada');
    expect(await rotate('new')).toMatchObject({ changed: true, denials: ['user_deactivated'] });
  });

  it('keeps nothing in the vault when another process was faster', async () => {
    await register(token());
    const before = await world.secrets();
    // Past the decisions of this process, which therefore decides twice.
    await world.tell(streams.credential('acme', 'token-1'), 'CredentialReleased', { credentialId: 'token-1' });
    expect(await refusalOf(rotate('new'))).toBe('already_ended');
    expect(await world.secrets()).toBe(before);
  });

  it('is refused for what is unknown or released', async () => {
    expect(await refusalOf(rotate('new'))).toBe('not_found');
    await register(token());
    await world.commands.execute(new ReleaseCredential(context, 'token-1'));
    expect(await refusalOf(rotate('new'))).toBe('already_ended');
  });
});

describe('what the platform lets go', () => {
  it('is released once, however often it is said', async () => {
    const held = { id: 'x', providerId: 'idp', userId: 'ada' };
    await register(token());
    await world.commands.execute(new RegisterSchedule(context, held));
    await world.commands.execute(new StartRun(context, { ...held, scheduleId: 'x' }));
    for (const end of [
      new ReleaseCredential(context, 'token-1'),
      new ReleaseSchedule(context, 'x'),
      new EndRun(context, 'x'),
    ]) {
      expect((await world.commands.execute(end)).position).toBeDefined();
      expect((await world.commands.execute(end)).position).toBeUndefined();
    }
    expect(await world.typesIn(streams.run('acme', 'x'))).toEqual(['RunStarted', 'RunEnded']);
  });

  it('must have been registered, in this tenant', async () => {
    await register(token());
    const foreign = contextFor('globex');
    expect(await refusalOf(world.commands.execute(new ReleaseCredential(foreign, 'token-1')))).toBe('not_found');
    expect(await refusalOf(world.commands.execute(new ReleaseSchedule(context, 'none')))).toBe('not_found');
    expect(await refusalOf(world.commands.execute(new EndRun(context, '')))).toBe('not_found');
    const run = { providerId: 'idp', userId: 'ada', scheduleId: 'none' };
    expect(await refusalOf(world.commands.execute(new StartRun(context, run)))).toBe('unknown_schedule');
  });
});

describe('a tenant', () => {
  it('sees neither the providers nor the people of another', async () => {
    const foreign = (item: CredentialRegistration) =>
      world.commands.execute(new RegisterCredentials(contextFor('globex'), [item]));
    expect(await foreign(token())).toEqual([expect.objectContaining({ code: 'unknown_provider' })]);
    await configure('globex');
    expect(await foreign(token())).toEqual([expect.objectContaining({ code: 'unknown_holder' })]);
    await world.user('ada', 'globex');
    await world.deactivate('ada');
    expect(await foreign(token())).toEqual([expect.objectContaining({ changed: true, denials: [] })]);
  });
});

describe('a removed provider', () => {
  it('takes no more registrations', async () => {
    await world.commands.execute(new RemoveProvider(context, 'idp'));
    expect(await register(token())).toEqual([expect.objectContaining({ code: 'unknown_provider' })]);
    expect(await refusalOf(world.commands.execute(new RemoveProvider(context, 'idp')))).toBe('not_found');
  });
});

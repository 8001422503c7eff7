import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TokenRegistry } from '@app/http';
import { openPostgres } from '@app/runtime';
import { startPrivatePostgres, type PrivatePostgres } from '@app/testkit';
import { CommandBus } from '@nestjs/cqrs';
import type { DirectoryDb } from './directory-db.js';
import { InvalidClient } from './directory.errors.js';
import { Directory } from './directory.fixture.js';
import {
  FindAgent,
  FindGroup,
  FindUser,
  ListConnections,
  ListGroups,
  ListUsers,
  NamesOf,
} from './directory.queries.js';
import { ListAgents, type IndexedEquality } from './directory.queries.js';
import { DeleteGroup } from './group.commands.js';
import { People } from './roles/people.js';
import type { OwnerPolicyDb } from './owner-policy-db.js';
import {
  CreateTenant,
  IssueAccessToken,
  IssueConnectionToken,
  OpenConnection,
  RegisterClientKey,
  RevokeConnectionToken,
} from './tenant.commands.js';
import { TokenUses } from './tenants/token-uses.js';
import { ChangeUser, DeleteUser } from './user.commands.js';

let postgres: PrivatePostgres;
let directory: Directory;

beforeAll(async () => {
  postgres = await startPrivatePostgres();
  const db = await openPostgres<DirectoryDb>(postgres.url, 'directory');
  directory = await Directory.open({ db, policy: false });
  await directory.runPolicy(await openPostgres<OwnerPolicyDb>(postgres.url, 'policy'));
}, 60_000);
afterAll(async () => {
  await directory?.close();
  await postgres?.stop();
});

const page = { offset: 0, limit: 10 };

describe('on PostgreSQL', () => {
  it('people are found in groups in groups, upwards and downwards, and in one that is deleted', async () => {
    const [ann, ben] = [await directory.user('ann'), await directory.user('ben')];
    const low = await directory.group('Low', [ann]);
    const top = await directory.group('Top', [low, ben]);
    const people = directory.get(People);
    const [found] = await people.of('acme', [ann]);
    expect(found?.found?.groups.map(({ display }) => display)).toEqual(['Low', 'Top']);
    expect((await people.inGroup('acme', top)).toSorted()).toEqual([ann, ben].toSorted());
    await directory.run(new DeleteGroup(directory.request(), top));
    expect((await people.wereInGroup('acme', top)).toSorted()).toEqual([ann, ben].toSorted());
    await directory.run(new DeleteGroup(directory.request(), low));
    for (const id of [ann, ben]) await directory.run(new DeleteUser(directory.request(), id));
  });

  it('users, groups and agents are stored, found, listed and suspended as on SQLite', async () => {
    const ada = await directory.user('ada', { displayName: 'Ada', externalId: 'x1' });
    const bob = await directory.user('bob');
    const ops = await directory.group('Ops', [ada, bob]);
    const bot = await directory.agent('Bot', [{ type: 'User', id: ada }]);
    const equal = async (attribute: IndexedEquality['attribute'], value: string) =>
      (await directory.ask(new ListUsers('acme', { ...page, equals: { attribute, value } }))).items.map((u) => u.id);
    expect(await equal('userName', 'ADA')).toEqual([ada]);
    expect(await equal('externalId', 'x1')).toEqual([ada]);
    expect(await equal('displayName', 'ada')).toEqual([ada]);
    expect(await equal('id', bob)).toEqual([bob]);
    expect((await directory.ask(new ListUsers('acme', page))).items.map((u) => u.id)).toEqual([ada, bob]);
    expect((await directory.ask(new ListUsers('acme', { ...page, matches: (u) => u.id === bob }))).total).toBe(1);
    expect((await directory.ask(new FindUser('acme', ada)))?.groups).toEqual([
      { id: ops, type: 'Group', display: 'Ops', connection: 'okta' },
    ]);
    expect((await directory.ask(new FindGroup('acme', ops)))?.members.map((m) => m.display).sort()).toEqual([
      'Ada',
      'bob',
    ]);
    const inGroups = { ...page, equals: { attribute: 'members', value: bob } } as const;
    expect((await directory.ask(new ListGroups('acme', inGroups, false))).items.map((g) => g.id)).toEqual([ops]);
    expect((await directory.ask(new NamesOf('acme', [ada, bot, ops]))).get(bot)).toBe('Bot');
    const change = { attributes: { userName: 'ada' }, active: false, changed: ['displayName'] };
    await directory.run(new ChangeUser(directory.request(), ada, () => change));
    expect(await directory.ask(new FindUser('acme', ada))).toMatchObject({ active: false, revision: 2n });
    await directory.settled();
    expect(await directory.ask(new FindAgent('acme', bot))).toMatchObject({ active: false, revision: 1n });
    expect((await directory.ask(new ListAgents('acme', page))).total).toBe(1);
    await directory.run(new DeleteUser(directory.request(), ada));
    expect(await directory.ask(new FindUser('acme', ada))).toBeUndefined();
    expect((await directory.ask(new FindGroup('acme', ops)))?.members.map((m) => m.id)).toEqual([bob]);
  });

  it('tokens are found until they are revoked', async () => {
    await directory.run(new CreateTenant(directory.request(), 'Acme'));
    const { connectionId } = await directory.run(new OpenConnection(directory.request(), 'Okta', 'lenient'));
    const { token, tokenId } = await directory.run(new IssueConnectionToken(directory.request(), connectionId));
    expect(await directory.get(TokenRegistry).find(token)).toMatchObject({ tenant: 'acme', keyId: tokenId });
    expect(await directory.ask(new ListConnections('acme'))).toMatchObject([{ connectionId, tokens: [{ tokenId }] }]);
    await directory.run(new RevokeConnectionToken(directory.request(), connectionId, tokenId));
    expect(await directory.get(TokenRegistry).find(token)).toBeUndefined();
    expect(directory.errors).toEqual([]);
  });

  it('clients that sign are known by their key, once a statement, and their tokens and uses by the same', async () => {
    const { connectionId } = await directory.run(new OpenConnection(directory.request(), 'Ping', 'lenient'));
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const jwk = { ...publicKey.export({ format: 'jwk' }) };
    const { keyId } = await directory.run(new RegisterClientKey(directory.request(), connectionId, jwk));
    const exp = Math.floor(directory.clock.now() / 1000) + 60;
    const claims = { iss: connectionId, sub: connectionId, aud: 'here', exp, jti: 'once' };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'EdDSA' })}.${part(claims)}`;
    const statement = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
    const { token } = await directory.get(CommandBus).execute(new IssueAccessToken(statement, 'here'));
    await expect(directory.get(CommandBus).execute(new IssueAccessToken(statement, 'here'))).rejects.toThrow(
      InvalidClient,
    );
    expect(await directory.get(TokenRegistry).find(token)).toMatchObject({ tenant: 'acme', keyId, roles: ['scim'] });
    await directory.get(TokenUses).onModuleDestroy();
    expect(await directory.ask(new ListConnections('acme'))).toContainEqual(
      expect.objectContaining({
        clientKeys: [{ keyId, algorithm: 'EdDSA', lastUsedAt: directory.clock.iso() }],
      }),
    );
  });
});

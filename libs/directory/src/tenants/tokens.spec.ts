import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { streams } from '@app/events';
import { contextOf, newEvent } from '@app/event-log';
import { TokenRegistry } from '@app/http';
import { Directory } from '../directory.fixture.js';
import { DirectoryView } from '../directory.view.js';
import { AlreadyExists, NotFound, TooManyTokens } from '../directory.errors.js';
import { ListConnections, NamesOf } from '../directory.queries.js';
import {
  CreateTenant,
  IssueApiKey,
  IssueConnectionToken,
  OpenConnection,
  RevokeApiKey,
  RevokeConnectionToken,
} from '../tenant.commands.js';

let directory: Directory;
let tokens: TokenRegistry;
let connectionId: string;

beforeEach(async () => {
  directory = await Directory.open();
  tokens = directory.get(TokenRegistry);
  await directory.run(new CreateTenant(directory.request(), 'Acme'));
  ({ connectionId } = await directory.run(new OpenConnection(directory.request(), 'Okta', 'strict')));
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

const issue = (expiresAt?: string, tenant = 'acme') =>
  directory.run(new IssueConnectionToken(directory.request(tenant), connectionId, expiresAt));
const revoke = (tokenId: string) =>
  directory.run(new RevokeConnectionToken(directory.request(), connectionId, tokenId));

describe('a token of a connection', () => {
  it('stands for the connection, is long and random, and is stored nowhere', async () => {
    const { token, tokenId } = await issue();
    expect(token).toMatch(/^scim_[A-Za-z0-9_-]{43}$/);
    expect(await tokens.find(token)).toEqual({
      tenant: 'acme',
      keyId: tokenId,
      roles: ['scim'],
      connection: { id: connectionId, dialect: 'strict' },
      actor: `scim:${connectionId}`,
    });
    const stored = [
      ...(await directory.events()).map((event) => Buffer.from(event.bytes).toString()),
      JSON.stringify(await directory.db.selectFrom('tokens').selectAll().execute()),
    ].join('');
    expect(stored).not.toContain(token.slice('scim_'.length));
  });

  it('is unknown the moment its revocation is answered, however often it was used', async () => {
    const { token, tokenId } = await issue();
    await tokens.find(token);
    await tokens.find(token);
    expect((await revoke(tokenId)).position).toBeDefined();
    expect(await tokens.find(token)).toBeUndefined();
    expect((await revoke(tokenId)).position).toBeUndefined();
    await expect(revoke('unknown')).rejects.toThrow(NotFound);
  });

  it('expires by the clock, also when it was found before', async () => {
    const { token } = await issue(directory.clock.iso(directory.clock.now() + 1_000));
    expect(await tokens.find(token)).toBeDefined();
    directory.clock.advance(999);
    expect(await tokens.find(token)).toBeDefined();
    directory.clock.advance(1);
    expect(await tokens.find(token)).toBeUndefined();
  });

  it('is one of at most two that are valid, also when many are asked for at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => issue()));
    const issued = tries.filter((t) => t.status === 'fulfilled').map((t) => t.value);
    expect(issued).toHaveLength(2);
    for (const t of tries) if (t.status === 'rejected') expect(t.reason).toBeInstanceOf(TooManyTokens);
    await revoke(issued[0]?.tokenId as string);
    await issue(directory.clock.iso(directory.clock.now() + 1_000));
    await expect(issue()).rejects.toThrow(TooManyTokens);
    directory.clock.advance(1_000);
    await issue();
  });

  it('costs no query once it was found', async () => {
    const { token } = await issue();
    await tokens.find(token);
    await directory.db.deleteFrom('tokens').execute();
    expect(await tokens.find(token)).toMatchObject({ tenant: 'acme' });
  });

  it('is forgotten when another process applied its revocation', async () => {
    const { token, tokenId } = await issue();
    await tokens.find(token);
    await directory.db.deleteFrom('tokens').execute();
    const revoked = newEvent('ConnectionTokenRevoked', { connectionId, tokenId }, contextOf(directory.request(), ''));
    directory.get(DirectoryView).committed([{ ...revoked, stream: streams.connection('acme', connectionId) } as never]);
    expect(await tokens.find(token)).toBeUndefined();
  });

  it('shows when it was last used, which costs one write in a minute', async () => {
    const { token, tokenId } = await issue();
    const shown = async () => {
      const [connection] = await directory.ask(new ListConnections('acme'));
      return connection?.tokens.find((one) => one.tokenId === tokenId)?.lastUsedAt;
    };
    expect(await shown()).toBeUndefined();
    const first = directory.clock.iso();
    await tokens.find(token);
    expect(await shown()).toBe(first);
    directory.clock.advance(59_999);
    await tokens.find(token);
    expect(await shown()).toBe(first);
    directory.clock.advance(1);
    await tokens.find(token);
    expect(await shown()).toBe(directory.clock.iso());
    await revoke(tokenId);
    expect(await directory.db.selectFrom('token_uses').selectAll().execute()).toEqual([]);
    expect((await directory.events()).map(({ type }) => type).filter((type) => type.includes('Use'))).toEqual([]);
  });

  it('is not kept when it was read before a change and found after it', async () => {
    const { token, tokenId } = await issue();
    const [found] = await Promise.all([tokens.find(token), revoke(tokenId)]);
    expect(found === undefined || found.keyId === tokenId).toBe(true);
    expect(await tokens.find(token)).toBeUndefined();
  });

  it('opens nothing once the connection is closed', async () => {
    const { token } = await issue();
    expect(await tokens.find(token)).toBeDefined();
    const stream = streams.connection('acme', connectionId);
    const context = contextOf(directory.request(), directory.clock.iso());
    const { position } = await directory.log.append(stream, 1n, [
      newEvent('ConnectionClosed', { connectionId }, context),
    ]);
    await directory.reached(position);
    expect(await tokens.find(token)).toBeUndefined();
  });

  it('belongs to its tenant alone', async () => {
    await expect(issue(undefined, 'globex')).rejects.toThrow(NotFound);
  });
});

describe('an API key', () => {
  it.each([
    [['platform' as const], 'platform'],
    [['operator' as const], 'operator'],
  ])('with roles %j acts as %s', async (roles, actor) => {
    const { token, tokenId } = await directory.run(new IssueApiKey(directory.request(), roles));
    expect(token).toMatch(/^key_[A-Za-z0-9_-]{43}$/);
    expect(await tokens.find(token)).toEqual({ tenant: 'acme', keyId: tokenId, roles, actor: `${actor}:${tokenId}` });
  });

  it('is unknown once revoked', async () => {
    const { token, tokenId } = await directory.run(new IssueApiKey(directory.request(), ['platform']));
    expect(await tokens.find(token)).toBeDefined();
    await directory.run(new RevokeApiKey(directory.request(), tokenId));
    expect(await tokens.find(token)).toBeUndefined();
    expect(await directory.run(new RevokeApiKey(directory.request(), tokenId))).toEqual({ position: undefined });
    await expect(directory.run(new RevokeApiKey(directory.request(), 'unknown'))).rejects.toThrow(NotFound);
  });

  it.each(['', 'key_', 'scim_unknown', '\u0000'])('%j stands for nobody', async (token) => {
    expect(await tokens.find(token)).toBeUndefined();
  });
});

describe('tenants and connections', () => {
  it('are created once and needed for what is theirs', async () => {
    await expect(directory.run(new CreateTenant(directory.request(), 'Acme'))).rejects.toThrow(AlreadyExists);
    await expect(directory.run(new IssueApiKey(directory.request('globex'), ['platform']))).rejects.toThrow(NotFound);
    await expect(directory.run(new OpenConnection(directory.request('globex'), 'x', 'lenient'))).rejects.toThrow(
      NotFound,
    );
  });

  it('are listed with the tokens that were not revoked', async () => {
    const expiresAt = '2027-01-01T00:00:00.000Z';
    const one = await issue(expiresAt);
    const two = await issue();
    await revoke(two.tokenId);
    expect(await directory.ask(new ListConnections('acme'))).toEqual([
      {
        connectionId,
        name: 'Okta',
        agentNameKey: 'agentUserName',
        dialect: 'strict',
        state: 'open',
        tokens: [{ tokenId: one.tokenId, expiresAt }],
        clientKeys: [],
      },
    ]);
    expect(await directory.ask(new ListConnections('globex'))).toEqual([]);
    expect((await directory.ask(new NamesOf('acme', [connectionId]))).get(connectionId)).toBe('Okta');
  });
});

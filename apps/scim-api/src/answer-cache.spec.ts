// Kept answers are those that would be built anew, whatever has happened in between.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DirectoryView } from '@app/directory';
import type { RecordedEvent } from '@app/events';
import { spellingOf } from '@app/scim';
import type { Vault } from '@app/vault';
import fc from 'fast-check';
import { AnswerCache, type Reader } from './answer-cache.js';
import { newName, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

let world: ScimWorld;
beforeAll(async () => {
  world = await openScim();
});
afterAll(() => world.close());

const okta: Reader = { context: { tenant: 'acme', connection: 'okta' }, dialect: 'lenient' };

const pathOf = (location: unknown): string => /\/[^/]+\/[^/]+$/.exec(String(location))?.[0] ?? '';

let nonce = 0;
/** A question nobody has asked before has no kept answer, and one about an order is not put together from kept ones. */
const anew = (path: string) =>
  world.ask('GET', `${path}${path.includes('?') ? '&' : '?'}sortOrder=ascending&nonce=${++nonce}`);

/** Asked twice, so that the second answer may be a kept one. */
async function expectFresh(path: string): Promise<void> {
  const [first, again, fresh] = [await world.ask('GET', path), await world.ask('GET', path), await anew(path)];
  expect([path, first.text, again.text]).toEqual([path, fresh.text, fresh.text]);
  expect(again.headers.etag).toBe(fresh.headers.etag);
}

/** Three users, two groups, one in the other, and an agent. */
async function cast() {
  const users: Json[] = [await world.newUser(), await world.newUser({ displayName: 'Bob' }), await world.newUser()];
  const groups: Json[] = [];
  for (const members of [[users[0].id, users[1].id], []]) {
    groups.push(
      await world.create('/Groups', { displayName: newName(), members: members.map((value) => ({ value })) }),
    );
  }
  const owners = [{ value: users[0].id }];
  return { users, groups, agents: [await world.create('/Agents', { agentUserName: newName(), owners })] };
}

type Cast = Awaited<ReturnType<typeof cast>>;
type Act = (cast: Cast, which: number) => readonly [method: string, path: string, body?: object];

const one = (list: readonly Json[], which: number): string => list[which % list.length].id;
const acts: Record<string, Act> = {
  deactivate: ({ users }, i) => [
    'PATCH',
    `/Users/${one(users, i)}`,
    patch({ op: 'replace', path: 'active', value: false }),
  ],
  reactivate: ({ users }, i) => [
    'PATCH',
    `/Users/${one(users, i)}`,
    patch({ op: 'replace', path: 'active', value: true }),
  ],
  rename: ({ users }, i) => [
    'PATCH',
    `/Users/${one(users, i)}`,
    patch({ op: 'replace', value: { displayName: newName() } }),
  ],
  'change the userName': ({ users }, i) => [
    'PATCH',
    `/Users/${one(users, i)}`,
    patch({ op: 'replace', value: { userName: newName() } }),
  ],
  retitle: ({ users }, i) => [
    'PATCH',
    `/Users/${one(users, i)}`,
    patch({ op: 'add', path: 'title', value: newName() }),
  ],
  dismiss: ({ users }, i) => ['DELETE', `/Users/${one(users, i)}`],
  hire: () => ['POST', '/Users', { userName: newName() }],
  join: ({ users, groups }, i) => [
    'PATCH',
    `/Groups/${one(groups, i)}`,
    patch({ op: 'add', path: 'members', value: [{ value: one(users, i >> 1) }] }),
  ],
  leave: ({ users, groups }, i) => [
    'PATCH',
    `/Groups/${one(groups, i)}`,
    patch({ op: 'remove', path: `members[value eq "${one(users, i >> 1)}"]` }),
  ],
  nest: ({ groups }) => [
    'PATCH',
    `/Groups/${one(groups, 0)}`,
    patch({ op: 'add', path: 'members', value: [{ value: one(groups, 1) }] }),
  ],
  'rename a group': ({ groups }, i) => [
    'PATCH',
    `/Groups/${one(groups, i)}`,
    patch({ op: 'replace', value: { displayName: newName() } }),
  ],
  'dissolve a group': ({ groups }, i) => ['DELETE', `/Groups/${one(groups, i)}`],
  'found a group': ({ users }, i) => [
    'POST',
    '/Groups',
    { displayName: newName(), members: [{ value: one(users, i) }] },
  ],
  'change an agent': ({ agents }, i) => [
    'PATCH',
    `/Agents/${one(agents, i)}`,
    patch({ op: 'add', path: 'displayName', value: newName() }),
  ],
  'delete an agent': ({ agents }, i) => ['DELETE', `/Agents/${one(agents, i)}`],
};

describe('a kept answer', () => {
  it('is what would be answered anew, after any sequence of writes', async () => {
    const step = fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(11));
    let written = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const all = await cast();
        const paths = [
          ...all.users.map(({ id }) => `/Users/${id}`),
          ...all.groups.map(({ id }) => `/Groups/${id}`),
          ...all.agents.map(({ id }) => `/Agents/${id}`),
          '/Users?count=5',
          '/Groups?count=5',
          '/Agents?count=5',
          ...all.users.map(({ userName }) => `/Users?filter=userName%20eq%20%22${userName}%22`),
          `/Users?filter=groups%20eq%20%22${all.groups[0].id}%22`,
          `/Groups?filter=members%20eq%20%22${all.users[0].id}%22`,
        ];
        for (const path of paths) await expectFresh(path);
        for (const [name, which] of steps) {
          const [method, path, body] = (acts[name] as Act)(all, which);
          const { status, text, headers } = await world.ask(method, path, body === undefined ? {} : { body });
          written += Number(status < 300);
          // What was answered to a write may be what is kept.
          if (status < 300 && text !== '') expect((await anew(pathOf(headers.location))).text).toBe(text);
          for (const read of paths) await expectFresh(read);
        }
      }),
      { seed: 7644, numRuns: 25 },
    );
    expect(written).toBeGreaterThan(60);
  }, 60_000);

  it('is what was answered to a write, if nothing has changed since', async () => {
    const view = new DirectoryView({} as Vault);
    const cache = new AnswerCache(view);
    const tell = (type: string, revision: bigint, data: object) =>
      view.committed([{ type, stream: 's', revision, metadata: { tenant: 'acme' }, data } as unknown as RecordedEvent]);
    const read = async () => {
      const make = async () => ({ body: 'anew', revision: 9n, etag: '' });
      const { body } = await cache.one(okta, 'User', 'u1', make);
      tell('UserChanged', 99n, { userId: 'u1', changed: ['title'] });
      return body;
    };
    const answer = (revision: bigint) => ({ body: `written ${revision}`, revision, etag: '' });
    cache.written(okta, 'User', 'u1', answer(0n));
    expect(await read()).toBe('anew');
    tell('UserProvisioned', 0n, { userId: 'u1' });
    cache.written(okta, 'User', 'u1', answer(0n));
    expect(await read()).toBe('written 0');
    for (const [type, data] of [
      ['UserDeactivated', { userId: 'u1' }],
      ['GroupMembershipChanged', { groupId: 'g1', added: [{ id: 'u1' }], removed: [] }],
      ['GroupRenamed', { groupId: 'g1' }],
      ['UserDeleted', { userId: 'u1' }],
    ] as const) {
      tell('UserChanged', 1n, { userId: 'u1', changed: ['title'] });
      tell(type, 2n, data);
      cache.written(okta, 'User', 'u1', answer(1n));
      expect([type, await read()]).toEqual([type, 'anew']);
    }
  });

  it('is not kept when something changed while it was being built', async () => {
    const view = new DirectoryView({} as Vault);
    const cache = new AnswerCache(view);
    const built = (text: string) => ({ body: Buffer.from(text), revision: 0n, etag: '' });
    const changed = {
      type: 'UserDeactivated',
      stream: 'user-acme-u1',
      metadata: { tenant: 'acme' },
      data: { userId: 'u1' },
    };
    const first = await cache.one(okta, 'User', 'u1', async () => {
      view.committed([changed as RecordedEvent]);
      return built('active');
    });
    expect(first.body.toString()).toBe('active');
    const second = await cache.one(okta, 'User', 'u1', async () => built('inactive'));
    expect(second.body.toString()).toBe('inactive');
    const third = await cache.one(okta, 'User', 'u1', async () => built('never asked'));
    expect(third.body.toString()).toBe('inactive');
    const globex: Reader = { context: { tenant: 'globex' }, dialect: 'lenient' };
    const elsewhere = await cache.one(globex, 'User', 'u1', async () => built('another tenant'));
    expect(elsewhere.body.toString()).toBe('another tenant');
  });

  it('is for who it was made for alone, and made again for a connection that was changed', async () => {
    const cache = new AnswerCache(new DirectoryView({} as Vault));
    let built = 0;
    const build = async () => ({ body: Buffer.from(String(++built)), revision: 0n, etag: '' });
    const read = async (reader: Reader) =>
      Promise.all([cache.one(reader, 'Agent', 'a1', build), cache.list(reader, 'Agent', 'count=1', build)]);
    for (const reader of [
      okta,
      { ...okta, spelling: spellingOf('name') },
      { ...okta, dialect: 'strict' as const },
      { ...okta, context: { tenant: 'acme', connection: 'entra' } },
    ]) {
      const before = built;
      const first = await read(reader);
      expect(await read(reader)).toEqual(first);
      expect(built).toBe(before + 2);
    }
  });

  it('is forgotten by an event nobody has thought of, and by none that no answer shows', async () => {
    const view = new DirectoryView({} as Vault);
    const cache = new AnswerCache(view);
    let built = 0;
    const build = async () => ({ body: Buffer.from(String(++built)), revision: 0n, etag: '' });
    const tell = (stream: string) =>
      view.committed([{ type: 'Unknown', stream, metadata: { tenant: 'acme' }, data: {} } as unknown as RecordedEvent]);
    for (const [stream, builds] of [
      ['revocation-acme-r1', 1],
      ['cascade-acme-c1', 1],
      ['device-acme-d1', 2],
      ['user-acme-u1', 3],
    ] as const) {
      await cache.one(okta, 'User', 'u1', build);
      tell(stream);
      await cache.one(okta, 'User', 'u1', build);
      expect([stream, built]).toEqual([stream, builds]);
    }
  });
});

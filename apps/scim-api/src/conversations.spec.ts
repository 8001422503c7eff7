// Replays what identity providers really send and looks at the answers and at the events that were appended.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { openScim, patch, type ScimWorld } from './scim-api.fixture.js';

type Expected = string | { readonly type: string; readonly data?: object };

interface Step {
  readonly name: string;
  /** `PATCH /Users/{ada}`: what is in braces was kept by an earlier step. */
  readonly send: string;
  readonly with?: object;
  readonly status: number;
  /** Part of the body of the answer. */
  readonly body?: object;
  readonly absent?: readonly string[];
  /** The name the id in the answer is kept under. */
  readonly keep?: string;
  /** Exactly what was appended; nothing when absent. */
  readonly events?: readonly Expected[];
}

interface Shape {
  readonly name: string;
  readonly type: 'User' | 'Group';
  readonly method: string;
  readonly operations?: readonly object[];
  readonly with?: object;
  readonly events: readonly Expected[];
}

const read = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`./conversations/${file}.json`, import.meta.url), 'utf8')) as T;

/** Puts what was kept where its name stands in braces. */
function filled<T>(value: T, kept: ReadonlyMap<string, string>): T {
  if (typeof value === 'string') return value.replaceAll(/\{(\w+)\}/g, (all, name) => kept.get(name) ?? all) as T;
  if (Array.isArray(value)) return value.map((item) => filled<unknown>(item, kept)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled<unknown>(item, kept)])) as T;
}

async function expectAppended(world: ScimWorld, expected: readonly Expected[]): Promise<void> {
  const appended = (await world.appended()).map(({ type, data }) => ({ type, data }));
  const wanted = expected.map((event) => (typeof event === 'string' ? { type: event } : event));
  expect(appended).toMatchObject(wanted);
}

const clients = [
  'okta-catalogue',
  'okta-custom',
  'entra-default',
  'entra-optscim',
  'jumpcloud',
  'onelogin',
  'pingfederate',
  'google-workspace',
];

describe.each(clients.map((file) => read<{ client: string; steps: Step[] }>(file)))('$client', ({ steps }) => {
  let world: ScimWorld;
  const kept = new Map<string, string>();
  beforeAll(async () => {
    world = await openScim();
  });
  afterAll(() => world.close());

  it.each(steps)('$name', async ({ send, with: sent, status, body, absent = [], keep, events = [] }) => {
    const [method, path] = filled(send, kept).split(' ') as [string, string];
    const answer = await world.ask(method, path, sent === undefined ? {} : { body: filled(sent, kept) });
    expect([answer.status, status >= 400 ? '' : answer.body?.detail]).toEqual([status, status >= 400 ? '' : undefined]);
    if (keep !== undefined) kept.set(keep, answer.body.id);
    if (body !== undefined) expect(answer.body).toMatchObject(filled(body, kept));
    for (const name of absent) expect(answer.body).not.toHaveProperty([name]);
    expect(answer.text).not.toContain('canary');
    await expectAppended(world, filled(events, kept));
  });
});

describe.each([
  { title: 'takes access away', shapes: read<Shape[]>('takes-access') },
  { title: 'takes nothing away', shapes: read<Shape[]>('takes-nothing') },
])('$title', ({ shapes }) => {
  let world: ScimWorld;
  let n = 0;
  beforeAll(async () => {
    world = await openScim();
  });
  afterAll(() => world.close());

  async function source(type: Shape['type']): Promise<Map<string, string>> {
    const name = `subject-${++n}`;
    if (type === 'Group') {
      const u1 = (await world.create('/Users', { userName: `${name}-1` })).id;
      const u2 = (await world.create('/Users', { userName: `${name}-2` })).id;
      const { id } = await world.create('/Groups', { displayName: name, members: [{ value: u1 }, { value: u2 }] });
      return new Map(Object.entries({ name, id, u1, u2 }));
    }
    const { id } = await world.create('/Users', {
      userName: name,
      externalId: `ext-${name}`,
      displayName: 'Ada',
      active: true,
      roles: [{ value: 'Admin' }, { value: 'Reader' }],
      entitlements: [{ value: 'vpn' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R&D' },
    });
    return new Map(Object.entries({ name, id }));
  }

  it.each(shapes)('$type: $name', async ({ type, method, operations, with: sent, events }) => {
    const kept = await source(type);
    await world.appended();
    const body = method === 'DELETE' ? undefined : filled(sent ?? patch(...(operations ?? [])), kept);
    const path = `/${type}s/${kept.get('id')}`;
    const first = await world.ask(method, path, { body });
    expect([200, 204]).toContain(first.status);
    await expectAppended(world, filled(events, kept));

    // Every client repeats itself: the second time there is nothing left to record.
    const again = await world.ask(method, path, { body });
    expect(again.status).toBe(method === 'DELETE' ? 404 : first.status);
    expect(again.headers.etag).toBe(first.headers.etag);
    await expectAppended(world, []);
  });
});

// A client that comes again when it is told to loses nothing: on a connection that is paused, and on one that is too fast.
import 'reflect-metadata';
import { readdirSync, readFileSync } from 'node:fs';
import { PauseConnection, ResumeConnection } from '@app/directory';
import type { RequestContext } from '@app/events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { newName, off, openScim, patch, type Answered, type ScimWorld } from './scim-api.fixture.js';

interface Step {
  /** `PATCH /Users/{ada}`: what is in braces was kept by an earlier step. */
  readonly send: string;
  readonly with?: object;
  readonly keep?: string;
}

type Ask = (method: string, path: string, body: object | undefined) => Promise<Answered>;

const CLIENTS = new URL('../../../test/conformance/clients/', import.meta.url);
const conversations = readdirSync(CLIENTS).map(
  (file) => JSON.parse(readFileSync(new URL(file, CLIENTS), 'utf8')) as { client: string; steps: readonly Step[] },
);

const operator: RequestContext = {
  tenant: 'acme',
  actor: 'operator:spec',
  correlationId: 'spec',
  receivedAt: '2026-01-01T00:00:00.000Z',
};

const worlds: ScimWorld[] = [];
const open = async (requestsPerSecond = 0): Promise<ScimWorld> => {
  const world = await openScim({ requestsPerSecond });
  worlds.push(world);
  return world;
};
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

/** The whole seconds after which a refused request may come again. */
function secondsOf({ status, headers }: Answered, refusal: 429 | 503): number {
  const after = headers['retry-after'];
  expect([status, after]).toEqual([refusal, expect.stringMatching(/^[1-9]\d*$/)]);
  return Number(after);
}

const filled = (text: string, kept: ReadonlyMap<string, string>): string =>
  text.replaceAll(/\{(\w+)\}/g, (all, name: string) => kept.get(name) ?? all);

/** What was answered to each step, and what was appended because of it. */
async function play(world: ScimWorld, steps: readonly Step[], ask: Ask) {
  const kept = new Map([['base', 'http://scim.test/scim/v2']]);
  const played: { readonly send: string; readonly status: number; readonly events: readonly string[] }[] = [];
  await world.appended();
  for (const { send, with: sent, keep } of steps) {
    const [method, path] = filled(send, kept).split(' ') as [string, string];
    const body = sent === undefined ? undefined : (JSON.parse(filled(JSON.stringify(sent), kept)) as object);
    const answer = await ask(method, path, body);
    if (keep !== undefined) kept.set(keep, answer.body.id);
    const events = (await world.appended()).map(({ type }) => type);
    played.push({ send, status: answer.status, events });
  }
  return played;
}

const undisturbed = async (steps: readonly Step[]) => {
  const world = await open();
  return play(world, steps, (method, path, body) => world.ask(method, path, { body }));
};

describe.each(conversations)('$client', ({ steps }) => {
  it('says all it has to say though it is too fast for a limit of one request a second', async () => {
    const world = await open(1);
    let refused = 0;
    const patient: Ask = async (method, path, body) => {
      for (;;) {
        const answer = await world.ask(method, path, { body });
        if (answer.status !== 429) return answer;
        refused += 1;
        world.clock.advance(secondsOf(answer, 429) * 1_000);
      }
    };
    expect(await play(world, steps, patient)).toEqual(await undisturbed(steps));
    expect(refused).toBeGreaterThanOrEqual(steps.length - 3);
  });

  it('says all it has to say though its connection is paused before every request', async () => {
    const world = await open();
    const connection = world.idOf('lenient-acme');
    const patient: Ask = async (method, path, body) => {
      await world.operate(new PauseConnection(operator, connection));
      const refused = await world.ask(method, path, { body });
      world.clock.advance(secondsOf(refused, 503) * 1_000);
      expect(await world.appended()).toEqual([]);
      await world.operate(new ResumeConnection(operator, connection));
      return world.ask(method, path, { body });
    };
    expect(await play(world, steps, patient)).toEqual(await undisturbed(steps));
  });
});

it('loses nothing of a burst: what is refused comes again, and is carried out once', async () => {
  const PER_SECOND = 5;
  const world = await open(PER_SECOND);
  const names = Array.from({ length: 40 }, newName);
  /** Sends all at once, and again what was refused, when it may come again. */
  const all = async (requests: readonly (() => Promise<Answered>)[]): Promise<Answered[]> => {
    const answers = await Promise.all(requests.map((request) => request()));
    const refused = answers.flatMap((answer, i) => (answer.status === 429 ? [i] : []));
    expect(answers.length - refused.length).toBeLessThanOrEqual(2 * PER_SECOND);
    if (refused.length === 0) return answers;
    world.clock.advance(Math.max(...refused.map((i) => secondsOf(answers[i] as Answered, 429))) * 1_000);
    const later = await all(refused.map((i) => requests[i] as () => Promise<Answered>));
    return answers.map((answer, i) => (answer.status === 429 ? (later[refused.indexOf(i)] as Answered) : answer));
  };
  const created = await all(names.map((userName) => () => world.ask('POST', '/Users', { body: { userName } })));
  const ids = created.map(({ body }) => body.id as string);
  const [group] = await all([() => world.ask('POST', '/Groups', { body: { displayName: 'Everybody' } })]);
  const add = (value: string) => patch({ op: 'add', path: 'members', value: [{ value }] });
  await all(ids.map((id) => () => world.ask('PATCH', `/Groups/${group?.body.id}`, { body: add(id) })));
  await all(ids.map((id) => () => world.ask('PATCH', `/Users/${id}`, { body: off })));

  const events = await world.appended();
  const count = (type: string) => events.filter((event) => event.type === type).length;
  expect(['UserProvisioned', 'GroupMembershipChanged', 'UserDeactivated'].map(count)).toEqual([40, 40, 40]);
  const [shown] = await all([() => world.ask('GET', `/Groups/${group?.body.id}`)]);
  expect(shown?.body.members.map(({ value }: { value: string }) => value).toSorted()).toEqual(ids.toSorted());
});

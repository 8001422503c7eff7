// Plays what each client says to a started service, and looks at the answers and at the events that were appended.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startedService, type Client, type StartedService } from './started-service.js';
import { conversations, expectEvents, filled, patch } from './tables.js';

let service: StartedService;
beforeAll(async () => {
  service = await startedService();
});
afterAll(() => service.stop());

describe.each([...conversations.values()])('$client', ({ client: name, steps }) => {
  let client: Client;
  const kept = new Map<string, string>();
  beforeAll(async () => {
    client = await service.connect(name);
    kept.set('base', service.scimBaseUrl);
  });

  it.each(steps)('$name', async ({ send, with: sent, status, body, absent = [], keep, events = [] }) => {
    const [method, path] = filled(send, kept).split(' ') as [string, string];
    const answer = await client.ask(method, path, filled(sent, kept));
    const detail = status >= 400 ? undefined : answer.body?.detail;
    expect([answer.status, detail]).toEqual([status, undefined]);
    if (status === 204) expect(answer.body).toBeUndefined();
    if (keep !== undefined) kept.set(keep, answer.body.id);
    if (body !== undefined) expect(answer.body).toMatchObject(filled(body, kept));
    for (const attribute of absent) expect(answer.body).not.toHaveProperty([attribute]);
    // Passwords are marked so; and Entra ID takes null for a value.
    expect(JSON.stringify(answer.body ?? '')).not.toMatch(/canary|:null|\[null/);
    expectEvents(await client.appended(), filled(events, kept));
  });
});

describe('every client', () => {
  it('may change one group in parallel and repeat itself: nobody is lost, and nobody stays', async () => {
    const client = await service.connect('in parallel');
    const users = Array.from({ length: 40 }, (_, i) => client.create('/Users', { userName: `parallel-${i}` }));
    const ids: string[] = (await Promise.all(users)).map(({ id }) => id);
    const members = ids.slice(0, 10).map((value) => ({ value }));
    const { id: group } = await client.create('/Groups', { displayName: 'In parallel', members });
    const requests = ids.flatMap((value, i) => {
      if (i >= 10) return [patch({ op: 'Add', path: 'members', value: [{ value }] })];
      return i % 2 === 0
        ? [patch({ op: 'Remove', path: 'members', value: [{ value }] })]
        : [patch({ op: 'remove', path: `members[value eq "${value}"]` })];
    });
    const answers = await Promise.all(
      [...requests, ...requests].map((body) => client.ask('PATCH', `/Groups/${group}`, body)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    const { body } = await client.ask('GET', `/Groups/${group}`);
    expect(body.members.map(({ value }: { value: string }) => value).toSorted()).toEqual(ids.slice(10).toSorted());
  });

  it('is told in whole seconds when to come again: Okta reads nothing else', async () => {
    const client = await service.connect('paused');
    await service.api.post(`/connections/${client.id}/pause`, {});
    const answer = await client.ask('GET', '/Users');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
  });
});

// Agents that are linked to applications from the application's side: the same facts as from theirs, on their own streams.
import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ProvisionAgent } from '@app/directory';
import { limits } from '@app/scim';
import { newName, off, openScim, patch, type Connection, type Json, type ScimWorld } from './scim-api.fixture.js';

const URN = 'urn:ietf:params:scim:schemas:core:2.0:';
const APPLICATION = `${URN}AgenticApplication`;

let world: ScimWorld;
let owner: Json;
let bots: string[];
beforeAll(async () => {
  world = await openScim();
  owner = await world.newUser();
});
afterAll(() => world.close());
beforeEach(async () => {
  bots = [await newAgent(), await newAgent(), await newAgent()];
});

const refs = (ids: readonly string[]) => ids.map((value) => ({ value }));
const newAgent = async (attributes: object = {}): Promise<string> =>
  (await world.create('/Agents', { name: newName(), owners: refs([owner.id]), ...attributes })).id;
const newApplication = (agents: readonly string[] = [], more: object = {}): Promise<Json> =>
  world.create('/AgenticApplications', { schemas: [APPLICATION], name: newName(), agents: refs(agents), ...more });
const at = ({ id }: Json) => `/AgenticApplications/${id}`;
const idsIn = ({ agents = [] }: Json): string[] => agents.map(({ value }: Json) => value);
const agentsOf = async (application: Json) => idsIn((await world.ask('GET', at(application))).body);
/** What was appended, in no order: the streams of agents are written side by side. */
const appended = async () => sorted((await world.appended()).map(({ type, data }) => ({ type, data })));
const sorted = <T>(events: readonly T[]): T[] =>
  events.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
const joined = (agentId: string, id: string) => ({
  type: 'AgentApplicationsChanged',
  data: { agentId, added: [id], removed: [] },
});
const left = (agentId: string, id: string) => ({
  type: 'AgentApplicationsChanged',
  data: { agentId, added: [], removed: [id] },
});

describe('an application', () => {
  it('is created with its agents, which name it from then on', async () => {
    await world.appended();
    const application = await newApplication([bots[0]!, bots[1]!, bots[0]!]);
    expect(await appended()).toEqual([
      ...sorted([joined(bots[0]!, application.id), joined(bots[1]!, application.id)]),
      { type: 'ApplicationProvisioned', data: expect.objectContaining({ applicationId: application.id }) },
    ]);
    expect(application.agents).toMatchObject([
      { value: bots[0], type: 'Agent', $ref: `http://scim.test/scim/v2/Agents/${bots[0]}` },
      { value: bots[1] },
    ]);
    expect((await world.ask('GET', `/Agents/${bots[0]}`)).body.applications).toEqual(refs([application.id]));
    const { body: schema } = await world.ask('GET', `/Schemas/${APPLICATION}`);
    expect(schema.attributes.find(({ name }: Json) => name === 'agents')).toMatchObject({ mutability: 'readWrite' });
  });

  it('is what it is when it is put as it was read, and nothing is recorded', async () => {
    const application = await newApplication(bots, { displayName: 'Ledgers' });
    await world.appended();
    const { body } = await world.ask('GET', at(application));
    const put = await world.ask('PUT', at(application), { body });
    expect([put.status, put.body]).toEqual([200, body]);
    expect(await appended()).toEqual([]);
  });

  it('keeps its agents in a PUT that does not name them, or says null of them, and loses them to an empty list', async () => {
    const application = await newApplication(bots);
    const put = (more: object) =>
      world.ask('PUT', at(application), { body: { schemas: [APPLICATION], name: application.name, ...more } });
    await world.appended();
    for (const more of [{}, { agents: null }]) expect(idsIn((await put(more)).body)).toEqual(bots);
    expect(await appended()).toEqual([]);
    for (let i = 0; i < 2; i += 1) expect((await put({ agents: [] })).body).not.toHaveProperty('agents');
    expect(await appended()).toEqual(sorted(bots.map((bot) => left(bot, application.id))));
  });

  it.each<Connection>(['lenient-acme', 'strict-acme'])(
    'has agents added, removed and replaced by PATCH, on %s; a repetition records nothing',
    async (as) => {
      const named = async (path: string, attributes: object): Promise<Json> => {
        const body = { schemas: [`${URN}${path.slice(1, -1)}`], ...attributes };
        return (await world.ask('POST', path, { as, body })).body;
      };
      const person = await named('/Users', { userName: newName() });
      const bot = async (): Promise<string> =>
        (await named('/Agents', { agentUserName: newName(), owners: refs([person.id]) })).id;
      const [a, b, c] = [await bot(), await bot(), await bot()];
      const application = await named('/AgenticApplications', { name: newName(), agents: refs([a]) });
      const { id } = application;
      await world.appended();
      for (const [operation, after, events] of [
        [{ op: 'add', path: 'agents', value: refs([a, b]) }, [a, b], [joined(b, id)]],
        [{ op: 'add', value: { agents: refs([c]) } }, [a, b, c], [joined(c, id)]],
        [{ op: 'remove', path: `agents[value eq "${a}"]` }, [b, c], [left(a, id)]],
        [{ op: 'replace', path: 'agents', value: refs([c, a]) }, [a, c], [joined(a, id), left(b, id)]],
        [{ op: 'Remove', path: 'agents', value: refs([c]) }, [a], [left(c, id)]],
        [{ op: 'remove', path: 'agents' }, [], [left(a, id)]],
      ] as const) {
        const isRefused = as === 'strict-acme' && 'value' in operation && operation.op === 'Remove';
        const [first, again] = [
          await world.ask('PATCH', at(application), { as, body: patch(operation) }),
          await world.ask('PATCH', at(application), { as, body: patch(operation) }),
        ];
        // What is gone already is no target in the strict dialect.
        const repeats = as === 'lenient-acme' || operation.op !== 'remove' || !operation.path.includes('[');
        if (isRefused) {
          expect([first.status, first.body.scimType]).toEqual([400, 'invalidSyntax']);
          await world.ask('PATCH', at(application), {
            as,
            body: patch({ op: 'remove', path: `agents[value eq "${c}"]` }),
          });
        } else expect([first.status, idsIn(first.body), again.status]).toEqual([200, after, repeats ? 200 : 400]);
        expect(await appended()).toEqual(sorted(events));
      }
    },
  );

  it('has agents removed by their names, as they are answered', async () => {
    const name = newName();
    const application = await newApplication([bots[0]!, await newAgent({ name })]);
    for (const path of [`agents[display eq "${name}"]`, 'agents[display eq "nobody"]']) {
      const { body } = await world.ask('PATCH', at(application), { body: patch({ op: 'remove', path }) });
      expect(idsIn(body)).toEqual([bots[0]]);
    }
  });

  it('ends with exactly those that parallel requests add and remove', async () => {
    const more = await Promise.all(Array.from({ length: 20 }, () => newAgent()));
    const application = await newApplication(bots);
    const requests = [
      ...more.map((bot) => patch({ op: 'add', path: 'agents', value: refs([bot]) })),
      ...bots.map((bot) => patch({ op: 'remove', path: `agents[value eq "${bot}"]` })),
    ];
    await world.appended();
    const answers = await Promise.all(
      [...requests, ...requests].map((body) => world.ask('PATCH', at(application), { body })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await agentsOf(application)).toSorted()).toEqual(more.toSorted());
    expect(await appended()).toHaveLength(more.length + bots.length);
  });

  it('refuses more agents than one request may bring, before anything is written', async () => {
    const application = await newApplication();
    await world.appended();
    const nobody = Array.from({ length: limits.agentsPerWrite + 1 }, (_, i) => `nobody-${i}`);
    const body = patch({ op: 'add', path: 'agents', value: refs(nobody) });
    const answer = await world.ask('PATCH', at(application), { body });
    expect([answer.status, answer.body.scimType]).toEqual([413, 'tooMany']);
    expect(await appended()).toEqual([]);
  });
});

describe('an agent', () => {
  it("that is not the connection's is refused before anything is written", async () => {
    const application = await newApplication([bots[0]!]);
    const foreign = await world.ask('POST', '/AgenticIdentities', {
      as: 'strict-acme',
      body: { schemas: [`${URN}AgenticIdentity`], displayName: 'Theirs' },
    });
    const pushed = await world.ask('POST', '/Users', {
      as: 'pushing-acme',
      body: { userName: newName(), userType: 'Agent' },
    });
    await world.ask('DELETE', `/Agents/${bots[2]}`);
    await world.appended();
    for (const stranger of ['nobody', owner.id, bots[2], foreign.body.id, pushed.body.id]) {
      const agents = refs([bots[1]!, stranger]);
      const rename = { op: 'replace', path: 'displayName', value: 'Renamed' };
      for (const [method, path, body] of [
        ['POST', '/AgenticApplications', { name: newName(), agents }],
        ['PUT', at(application), { name: application.name, displayName: 'Renamed', agents }],
        ['PATCH', at(application), patch(rename, { op: 'add', path: 'agents', value: agents })],
      ] as const) {
        const answer = await world.ask(method, path, { body });
        expect([stranger, method, answer.status, answer.body.scimType]).toEqual([
          stranger,
          method,
          400,
          'invalidValue',
        ]);
      }
    }
    // To its own connection, what is pushed as a user is a user.
    const ofPushed = { name: newName(), agents: refs([pushed.body.id]) };
    const answered = await world.ask('POST', '/AgenticApplications', { as: 'pushing-acme', body: ofPushed });
    expect([answered.status, answered.body.scimType]).toEqual([400, 'invalidValue']);
    const asUser = { op: 'add', path: 'agents', value: [{ value: bots[1], type: 'User' }] };
    expect((await world.ask('PATCH', at(application), { body: patch(asUser) })).status).toBe(400);
    expect(await appended()).toEqual([]);
    expect(await agentsOf(application)).toEqual([bots[0]]);
  });

  it('that names the application by its id alone belongs to it as long as it does, and is answered', async () => {
    const application = await newApplication([bots[0]!]);
    const { id: named } = await world.create('/AgenticIdentities', {
      displayName: 'Bot',
      agenticApplicationId: application.id,
    });
    await world.appended();
    for (const operation of [
      { op: 'remove', path: `agents[value eq "${named}"]` },
      { op: 'replace', path: 'agents', value: refs([bots[0]!]) },
    ]) {
      const { body } = await world.ask('PATCH', at(application), { body: patch(operation) });
      expect(idsIn(body).toSorted()).toEqual([bots[0], named].toSorted());
    }
    expect(await appended()).toEqual([]);
    const elsewhere = patch({ op: 'remove', path: 'agenticApplicationId' });
    await world.ask('PATCH', `/AgenticIdentities/${named}`, { body: elsewhere });
    expect(await agentsOf(application)).toEqual([bots[0]]);
  });

  it('of the platform stays in the application of a connection, which may say so', async () => {
    const application = await newApplication([bots[0]!]);
    const context = {
      tenant: 'acme',
      actor: 'platform:spec',
      correlationId: 'spec',
      receivedAt: '2026-01-01T00:00:00.000Z',
    };
    const write = {
      name: 'theirs',
      active: true,
      owners: [{ type: 'User' as const, id: owner.id }],
      applicationIds: [application.id],
      attributes: {},
    };
    const { resource } = await world.operate(new ProvisionAgent(context, write));
    const { body } = await world.ask('GET', at(application));
    expect(idsIn(body)).toEqual([bots[0], resource.id]);
    expect((await world.ask('PUT', at(application), { body })).body).toEqual(body);
    const none = await world.ask('PUT', at(application), { body: { ...body, agents: [] } });
    expect(idsIn(none.body)).toEqual([resource.id]);
    expect(await appended()).toEqual([left(bots[0]!, application.id)]);
  });

  it('that joins or leaves, from either side, changes the tag of what is shown and not the revision', async () => {
    const application = await newApplication([bots[0]!]);
    const before = await world.ask('GET', at(application));
    const tags = [before.headers.etag];
    expect(before.body.meta.version).toBe(application.meta.version);
    const join = patch({ op: 'add', path: 'agents', value: refs([bots[1]!]) });
    tags.push((await world.ask('PATCH', at(application), { body: join })).headers.etag);
    const leave = patch({ op: 'remove', path: 'applications' });
    await world.ask('PATCH', `/Agents/${bots[1]}`, { body: leave });
    const after = await world.ask('GET', at(application), { headers: { 'if-none-match': String(tags[1]) } });
    tags.push(after.headers.etag);
    expect(after.status).toBe(200);
    expect(tags).toEqual([tags[0], expect.stringMatching(/^W\/"0-/), tags[0]]);
    expect(tags[1]).not.toBe(tags[0]);
    expect(after.body.meta).toEqual(before.body.meta);
    const guarded = { body: off, headers: { 'if-match': String(tags[1]) } };
    expect((await world.ask('PATCH', at(application), guarded)).status).toBe(200);
  });
});

describe('the PUT of an agent', () => {
  it('that does not name its applications leaves it in them, and one with an empty list does not', async () => {
    const application = await newApplication([bots[0]!]);
    const put = (more: object) =>
      world.ask('PUT', `/Agents/${bots[0]}`, { body: { name: newName(), owners: refs([owner.id]), ...more } });
    for (const more of [{}, { applications: null }])
      expect((await put(more)).body.applications).toEqual(refs([application.id]));
    expect(await agentsOf(application)).toEqual([bots[0]]);
    expect((await put({ applications: [] })).body).not.toHaveProperty('applications');
    expect(await agentsOf(application)).toEqual([]);
  });
});

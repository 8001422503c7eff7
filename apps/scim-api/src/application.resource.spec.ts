// Applications of agents over SCIM, and agents that belong to them.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

const applicationSchema = 'urn:ietf:params:scim:schemas:core:2.0:AgenticApplication';

let world: ScimWorld;
let owner: Json;
beforeAll(async () => {
  world = await openScim();
  owner = await world.newUser();
});
afterAll(() => world.close());

const newApplication = (attributes: object = {}): Promise<Json> =>
  world.create('/AgenticApplications', { schemas: [applicationSchema], name: newName(), ...attributes });
const newAgent = (attributes: object = {}): Promise<Json> =>
  world.create('/Agents', { name: newName(), owners: [{ value: owner.id }], ...attributes });
const appended = async () => (await world.appended()).map(({ type, data }) => ({ type, data }));

describe('an application', () => {
  it('is created, shown, found and listed', async () => {
    const url = { value: 'https://billing.example.com', type: 'home' };
    const { id, ...shown } = await newApplication({ name: 'Ledger', externalId: 'app-1', applicationUrls: [url] });
    expect(shown).toMatchObject({
      schemas: [applicationSchema],
      name: 'Ledger',
      active: true,
      applicationUrls: [url],
      meta: {
        resourceType: 'AgenticApplication',
        location: `http://scim.test/scim/v2/AgenticApplications/${id}`,
        version: 'W/"0"',
      },
    });
    for (const filter of [
      'name eq "ledger"',
      'externalId eq "app-1"',
      `id eq "${id}"`,
      'applicationUrls.type eq "home"',
    ]) {
      const { body } = await world.ask('GET', `/AgenticApplications?filter=${encodeURIComponent(filter)}`);
      expect([filter, body.Resources.map((one: Json) => one.id)]).toEqual([filter, [id]]);
    }
    expect((await world.ask('GET', `/AgenticApplications/${id}`, { as: 'lenient-globex' })).status).toBe(404);
    const { agentExtension } = (await world.ask('GET', '/ServiceProviderConfig')).body;
    expect(agentExtension).toEqual({ supported: true, agentsSupported: true, agenticApplicationsSupported: true });
  });

  it('keeps all that the draft says of it, and of its OAuth connections nothing else', async () => {
    const said = {
      applicationUrls: [
        { value: 'https://a.example.com', type: 'homepage', primary: true, description: 'For everybody' },
        { value: 'https://api.example.com', type: 'api', description: 'For agents' },
      ],
      oAuthConfiguration: [
        {
          clientId: '0oa1qwerty',
          description: 'Production',
          audienceUri: 'https://a.example.com/api',
          issuerUri: 'https://idp.example.com',
          redirectUri: ['https://a.example.com/callback', 'https://b.example.com/callback'],
        },
      ],
      externalIdentifiers: [{ type: 'ssoTenantId', value: '00abc123', system: 'https://idp.example.com' }],
    };
    const application = await newApplication(said);
    expect(application).toMatchObject(said);
    const filter = encodeURIComponent('oAuthConfiguration.redirectUri eq "https://b.example.com/callback"');
    const { body: found } = await world.ask('GET', `/AgenticApplications?filter=${filter}`);
    expect(found.Resources.map(({ id }: Json) => id)).toEqual([application.id]);

    const { body: schema } = await world.ask('GET', `/Schemas/${applicationSchema}`);
    const { subAttributes } = schema.attributes.find(({ name }: Json) => name === 'oAuthConfiguration');
    expect(subAttributes.map(({ name }: Json) => name)).toEqual(Object.keys(said.oAuthConfiguration[0] ?? {}));
    for (const wrong of [{ clientSecret: 'x' }, { redirectUri: [{ value: 'x' }] }, { audienceUri: 7 }]) {
      const body = { schemas: [applicationSchema], name: newName(), oAuthConfiguration: [wrong] };
      const answer = await world.ask('POST', '/AgenticApplications', { body, as: 'strict-acme' });
      expect([wrong, answer.status]).toEqual([wrong, 400]);
    }
  });

  it('is changed, deactivated, reactivated and deleted; a repetition records nothing', async () => {
    const { id, meta } = await newApplication({ name: 'billing' });
    const path = `/AgenticApplications/${id}`;
    await world.appended();
    const rename = patch({ op: 'replace', path: 'displayName', value: 'Billing' });
    const stale = { 'if-match': 'W/"9"' };
    expect((await world.ask('PATCH', path, { body: rename, headers: stale })).status).toBe(412);
    expect((await world.ask('PATCH', path, { body: rename, headers: { 'if-match': meta.version } })).status).toBe(200);
    for (let i = 0; i < 2; i += 1) expect((await world.ask('PATCH', path, { body: off })).body.active).toBe(false);
    expect((await world.ask('PUT', path, { body: { name: 'billing', active: true } })).body).toMatchObject({
      active: true,
      name: 'billing',
    });
    expect((await world.ask('DELETE', path)).status).toBe(204);
    expect((await world.ask('DELETE', path)).status).toBe(404);
    expect(await appended()).toMatchObject([
      { type: 'ApplicationChanged', data: { changed: ['displayName'] } },
      { type: 'ApplicationDeactivated' },
      { type: 'ApplicationChanged', data: { changed: ['displayName'] } },
      { type: 'ApplicationReactivated' },
      { type: 'ApplicationDeleted' },
    ]);
  });
});

describe('an agent of an application', () => {
  it('names those it belongs to, joins others and leaves them', async () => {
    const [first, second] = [await newApplication(), await newApplication()];
    const { id, applications } = await newAgent({ applications: [{ value: first.id }] });
    expect(applications).toEqual([{ value: first.id }]);
    await world.appended();
    const join = patch({ op: 'add', path: 'applications', value: [{ value: second.id }] });
    const joined = await world.ask('PATCH', `/Agents/${id}`, { body: join });
    expect(joined.body.applications).toEqual([{ value: first.id }, { value: second.id }]);
    expect((await world.ask('GET', `/Agents/${id}`)).body.applications).toHaveLength(2);
    const leave = patch({ op: 'remove', path: `applications[value eq "${first.id}"]` });
    await world.ask('PATCH', `/Agents/${id}`, { body: leave });
    await world.ask('PATCH', `/Agents/${id}`, { body: leave });
    expect(await appended()).toMatchObject([
      { type: 'AgentApplicationsChanged', data: { added: [second.id], removed: [] } },
      { type: 'AgentApplicationsChanged', data: { added: [], removed: [first.id] } },
    ]);
    const found = await world.ask('GET', `/Agents?filter=${encodeURIComponent(`applications eq "${second.id}"`)}`);
    expect(found.body.Resources.map((one: Json) => one.id)).toEqual([id]);
  });

  it('may name one by its id alone, as an agentic identity does, whatever else it belongs to', async () => {
    const [first, second, other] = [await newApplication(), await newApplication(), await newApplication()];
    const named = (agenticApplicationId: unknown) => patch({ op: 'replace', value: { agenticApplicationId } });
    const { id } = await world.create('/AgenticIdentities', { displayName: 'Bot', agenticApplicationId: first.id });
    const idsNow = async (): Promise<string[]> =>
      ((await world.ask('GET', `/Agents/${id}`)).body.applications ?? []).map(({ value }: Json) => value);
    expect(await idsNow()).toEqual([first.id]);
    await world.ask('PATCH', `/Agents/${id}`, {
      body: patch({ op: 'replace', path: 'applications', value: [{ value: other.id }] }),
    });
    expect((await idsNow()).toSorted()).toEqual([first.id, other.id]);
    await world.appended();
    for (const next of [second.id, second.id, 'what its provider calls it'])
      await world.ask('PATCH', `/AgenticIdentities/${id}`, { body: named(next) });
    expect(await appended()).toMatchObject([
      { type: 'AgentChanged', data: { changed: ['agenticApplicationId'] } },
      { type: 'AgentApplicationsChanged', data: { added: [second.id], removed: [first.id] } },
      { type: 'AgentChanged', data: { changed: ['agenticApplicationId'] } },
      { type: 'AgentApplicationsChanged', data: { added: [], removed: [second.id] } },
    ]);
    expect(await idsNow()).toEqual([other.id]);
    const { body } = await world.ask('GET', `/AgenticIdentities/${id}`);
    expect(body.agenticApplicationId).toBe('what its provider calls it');
  });

  it('does not belong to the application of another connection that it names', async () => {
    const { body: theirs } = await world.ask('POST', '/AgenticApplications', {
      body: { schemas: [applicationSchema], name: newName() },
      as: 'strict-acme',
    });
    const { id } = await world.create('/AgenticIdentities', { displayName: 'Bot', agenticApplicationId: theirs.id });
    expect((await world.ask('GET', `/Agents/${id}`)).body).not.toHaveProperty('applications');
  });

  it('is shown by the application, which is found by it', async () => {
    const [first, second] = [await newApplication(), await newApplication()];
    const path = `/AgenticApplications/${first.id}`;
    expect(first).not.toHaveProperty('agents');
    const bot = await newAgent({ name: 'Ledger bot', applications: [{ value: first.id }] });
    const other = await newAgent({ applications: [{ value: first.id }, { value: second.id }] });
    const shown = {
      value: bot.id,
      $ref: `http://scim.test/scim/v2/Agents/${bot.id}`,
      type: 'Agent',
      display: 'Ledger bot',
    };
    expect((await world.ask('GET', path)).body.agents).toMatchObject([shown, { value: other.id }]);
    expect((await world.ask('GET', `${path}?excludedAttributes=agents`)).body).not.toHaveProperty('agents');
    for (const [filter, found] of [
      [`agents eq "${bot.id}"`, [first.id]],
      [`agents.display eq "ledger bot"`, [first.id]],
      [`agents[value eq "${other.id}"]`, [first.id, second.id]],
    ] as const) {
      const { body } = await world.ask('GET', `/AgenticApplications?filter=${encodeURIComponent(filter)}`);
      expect([filter, body.Resources.map((one: Json) => one.id)]).toEqual([filter, found]);
    }
    await world.ask('DELETE', `/Agents/${bot.id}`);
    expect((await world.ask('GET', path)).body.agents).toMatchObject([{ value: other.id }]);
  });

  it('names only applications that this tenant has', async () => {
    const foreign = await world.ask('POST', '/AgenticApplications', { body: { name: 'x' }, as: 'lenient-globex' });
    await world.appended();
    for (const value of [foreign.body.id, 'nobody']) {
      const body = { name: 'bot', owners: [{ value: owner.id }], applications: [{ value }] };
      const answer = await world.ask('POST', '/Agents', { body });
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    }
    expect(await appended()).toEqual([]);
  });
});

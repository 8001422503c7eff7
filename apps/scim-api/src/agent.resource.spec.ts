// Agents over SCIM: what their owners' identity provider may do to them.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, off, openScim, patch, type Json, type ScimWorld } from './scim-api.fixture.js';

const agentSchema = 'urn:ietf:params:scim:schemas:core:2.0:Agent';

let world: ScimWorld;
let owner: Json;
beforeAll(async () => {
  world = await openScim();
  owner = await world.newUser();
});
afterAll(() => world.close());

const newAgent = (attributes: object = {}): Promise<Json> =>
  world.create('/Agents', {
    schemas: [agentSchema],
    agentUserName: newName(),
    owners: [{ value: owner.id, type: 'User' }],
    ...attributes,
  });
const appended = async () => (await world.appended()).map(({ type, data }) => ({ type, data }));

describe('an agent', () => {
  it('is created by either name, shown by one, and found by it', async () => {
    const { id, ...shown } = await newAgent({ agentUserName: undefined, name: 'Ledger-Bot', agentType: 'assistant' });
    expect(shown).toMatchObject({
      schemas: [agentSchema],
      agentUserName: 'Ledger-Bot',
      agentType: 'assistant',
      active: true,
      owners: [{ value: owner.id, type: 'User' }],
      meta: { resourceType: 'Agent', location: `http://scim.test/scim/v2/Agents/${id}`, version: 'W/"0"' },
    });
    for (const filter of ['agentUserName eq "ledger-bot"', 'name eq "ledger-bot"', `owners.value eq "${owner.id}"`]) {
      const { body } = await world.ask('GET', `/Agents?filter=${encodeURIComponent(filter)}`);
      expect([filter, body.Resources.map((agent: Json) => agent.id)]).toEqual([filter, [id]]);
    }
  });

  it('has a name of its own in its tenant, which it gives back when it is renamed or deleted', async () => {
    const named = (agentUserName: string, as: 'lenient-acme' | 'strict-acme' = 'lenient-acme') =>
      world.ask('POST', '/Agents', {
        as,
        body: { schemas: [agentSchema], agentUserName, owners: [{ value: owner.id, type: 'User' }] },
      });
    const first = await named('Own-Name');
    const again = await named('own-name');
    expect([first.status, again.status, again.body.scimType]).toEqual([201, 409, 'uniqueness']);
    const second = await named('Second-Name');
    const rename = patch({ op: 'replace', path: 'agentUserName', value: 'OWN-NAME' });
    expect((await world.ask('PATCH', `/Agents/${second.body.id}`, { body: rename })).status).toBe(409);
    expect((await world.ask('PATCH', `/Agents/${first.body.id}`, { body: rename })).status).toBe(200);

    const moved = patch({ op: 'replace', path: 'agentUserName', value: 'Moved-Name' });
    expect((await world.ask('PATCH', `/Agents/${first.body.id}`, { body: moved })).status).toBe(200);
    expect((await named('own-name')).status).toBe(201);
    expect((await world.ask('DELETE', `/Agents/${first.body.id}`)).status).toBe(204);
    expect((await named('moved-name')).status).toBe(201);
  });

  it('is created once, however many ask for its name at once', async () => {
    const agentUserName = newName();
    const body = { agentUserName, owners: [{ value: owner.id }] };
    await world.appended();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.ask('POST', '/Agents', { body })));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    expect((await world.appended()).map(({ type }) => type)).toEqual(['AgentProvisioned']);
  });

  it('is shown by the name that its connection has for it, whichever it was sent by', async () => {
    const as = 'naming-acme';
    const { id: value } = (await world.ask('POST', '/Users', { as, body: { userName: newName() } })).body;
    for (const key of ['name', 'agentUserName']) {
      const created = await world.ask('POST', '/Agents', { as, body: { [key]: 'Dual', owners: [{ value }] } });
      expect(created.status).toBe(201);
      const path = `/Agents/${created.body.id}`;
      const change = patch({ op: 'replace', path: key, value: 'Renamed' });
      const filter = `/Agents?filter=${encodeURIComponent(`${key} eq "renamed" and id eq "${created.body.id}"`)}`;
      const search = {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        filter: `id eq "${created.body.id}"`,
      };
      const shown = [
        created.body,
        (await world.ask('PATCH', path, { as, body: change })).body,
        (await world.ask('GET', path, { as })).body,
        (await world.ask('GET', `${path}?attributes=${key}`, { as })).body,
        (await world.ask('GET', filter, { as })).body.Resources[0],
        (await world.ask('POST', '/.search', { as, body: search })).body.Resources[0],
      ];
      expect(shown.map((agent: Json) => agent.name)).toEqual(['Dual', ...Array<string>(5).fill('Renamed')]);
      for (const agent of shown) expect(agent).not.toHaveProperty('agentUserName');
      expect((await world.ask('DELETE', path, { as })).status).toBe(204);
    }
    const namesIn = async (asking: 'naming-acme' | 'lenient-acme') => {
      const schema = (await world.ask('GET', `/Schemas/${agentSchema}`, { as: asking })).body;
      return schema.attributes.map((attribute: Json) => attribute.name);
    };
    expect((await namesIn(as))[0]).toBe('name');
    expect((await namesIn('lenient-acme'))[0]).toBe('agentUserName');
  });

  it('needs an owner that exists, and a parent that exists', async () => {
    const nobody = '0b7f66e4-64a5-4d2c-8b4f-000000000000';
    await world.appended();
    for (const attributes of [
      { owners: [] },
      { owners: [{ value: nobody }] },
      { owners: [{ value: owner.id, type: 'Group' }] },
      { owners: [{ value: owner.id, type: 'Printer' }] },
      { owners: [{ value: owner.id }], parent: { value: nobody } },
    ]) {
      const body = { schemas: [agentSchema], agentUserName: 'bot', ...attributes };
      const answer = await world.ask('POST', '/Agents', { body });
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    }
    expect(await appended()).toEqual([]);
  });

  it('is deactivated, reactivated and deleted', async () => {
    const { id } = await newAgent();
    await world.appended();
    expect((await world.ask('PATCH', `/Agents/${id}`, { body: off })).body.active).toBe(false);
    expect((await world.ask('PATCH', `/Agents/${id}`, { body: off })).status).toBe(200);
    const on = patch({ op: 'Replace', path: 'active', value: 'True' });
    expect((await world.ask('PATCH', `/Agents/${id}`, { body: on })).body.active).toBe(true);
    expect((await world.ask('DELETE', `/Agents/${id}`)).status).toBe(204);
    expect((await world.ask('GET', `/Agents/${id}`)).status).toBe(404);
    expect(await appended()).toMatchObject([
      { type: 'AgentDeactivated' },
      { type: 'AgentReactivated', data: { generation: 2 } },
      { type: 'AgentDeleted' },
    ]);
  });

  it('loses owners, the last one too', async () => {
    const group = await world.create('/Groups', { displayName: 'Owners' });
    const { id } = await newAgent({ owners: [{ value: owner.id }, { value: group.id, type: 'Group' }] });
    await world.appended();
    const one = patch({ op: 'remove', path: `owners[value eq "${group.id}"]` });
    expect((await world.ask('PATCH', `/Agents/${id}`, { body: one })).body.owners).toEqual([
      { value: owner.id, type: 'User' },
    ]);
    const all = await world.ask('PATCH', `/Agents/${id}`, { body: patch({ op: 'remove', path: 'owners' }) });
    expect(all.body).not.toHaveProperty('owners');
    expect(await appended()).toMatchObject([
      { type: 'AgentOwnersChanged', data: { added: [], removed: [{ id: group.id, type: 'Group' }] } },
      { type: 'AgentOwnersChanged', data: { added: [], removed: [{ id: owner.id, type: 'User' }] } },
    ]);
  });

  it('is not changed by putting back what was read, nor by owners without a type', async () => {
    const parent = await newAgent({ agentUserName: 'parent-bot' });
    const { id } = await newAgent({ parent: { value: parent.id }, protocols: [{ type: 'A2A' }] });
    const read = (await world.ask('GET', `/Agents/${id}`)).body;
    await world.appended();
    for (const body of [
      read,
      { ...read, parent: undefined },
      { ...read, owners: [{ value: owner.id, display: 'Ada' }] },
    ]) {
      const answer = await world.ask('PUT', `/Agents/${id}`, { body });
      expect([answer.status, answer.headers.etag, answer.body.parent]).toEqual([200, 'W/"0"', { value: parent.id }]);
    }
    expect(await appended()).toEqual([]);
  });

  it('cannot be given a parent later', async () => {
    const parent = await newAgent({ agentUserName: 'late-parent' });
    const { id } = await newAgent();
    const body = patch({ op: 'add', path: 'parent', value: { value: parent.id } });
    const answer = await world.ask('PATCH', `/Agents/${id}`, { body });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'mutability']);
  });

  it('of another tenant is nobody', async () => {
    const { id } = await newAgent();
    expect((await world.ask('PATCH', `/Agents/${id}`, { body: off, as: 'lenient-globex' })).status).toBe(404);
  });
});

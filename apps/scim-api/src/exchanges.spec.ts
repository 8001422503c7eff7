// What is kept of the requests of a connection, and that no value of them is.
import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newName, openScim, patch, type ScimWorld } from './scim-api.fixture.js';

let scim: ScimWorld;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());

const USER = '/scim/v2/Users/:id';

describe('the log of exchanges', () => {
  it('says what was asked and how it ended, the newest first', async () => {
    const created = await scim.ask('POST', '/Users', { body: { userName: newName(), active: 'True' } });
    const { id } = created.body;
    await scim.ask('GET', `/Users/${id}?attributes=userName`);
    await scim.ask('PATCH', `/Users/${id}`, { body: patch({ op: 'Replace', path: 'active', value: 'False' }) });
    await scim.ask('PATCH', `/Users/${id}`, { body: patch({ op: 'remove' }) });
    await scim.ask('GET', '/Users?filter=canary eq');
    await scim.ask('POST', '/Users', { body: '{"canary' });
    await scim.ask('GET', '/Users/nobody');
    await scim.ask('GET', '/nowhere');
    const shown = (await scim.exchanges('lenient-acme')).map(
      ({ method, route, resourceId, status, scimType, quirks }) => [
        method,
        route,
        resourceId,
        status,
        scimType,
        Object.keys(quirks ?? {}),
      ],
    );
    expect(shown).toEqual([
      ['GET', undefined, undefined, 404, undefined, []],
      ['GET', USER, undefined, 404, undefined, []],
      ['POST', '/scim/v2/Users', undefined, 400, 'invalidSyntax', []],
      ['GET', '/scim/v2/Users', undefined, 400, 'invalidFilter', []],
      ['PATCH', USER, id, 400, 'noTarget', []],
      ['PATCH', USER, id, 200, undefined, ['capitalised-op', 'boolean-as-string']],
      ['GET', USER, id, 200, undefined, []],
      ['POST', '/scim/v2/Users', id, 201, undefined, expect.arrayContaining(['boolean-as-string'])],
    ]);
    expect(JSON.stringify(await scim.exchanges('lenient-acme'))).not.toContain('canary');
    expect(await scim.exchanges('strict-acme')).toEqual([]);
  });

  it('holds the quirks of all operations of a bulk request', async () => {
    const operation = () => ({ method: 'POST', path: '/Users', data: { userName: newName(), active: 'True' } });
    await scim.ask('POST', '/Bulk', {
      body: {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [
          { ...operation(), bulkId: 'a' },
          { ...operation(), bulkId: 'b' },
        ],
      },
    });
    expect((await scim.exchanges('lenient-acme'))[0]).toMatchObject({
      route: '/scim/v2/Bulk',
      quirks: { 'boolean-as-string': 2 },
    });
  });
});

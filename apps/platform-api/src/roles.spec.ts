import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readExtensions } from '@app/scim';
import { openPlatform, type Answer, type PlatformWorld } from './platform.fixture.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const inDepartment = (department: string, cleared = true) => ({
  [ENTERPRISE]: { department },
  'urn:acme': { clearedForProdData: cleared },
});
const attributes = [
  { name: 'clearedForProdData', type: 'boolean' },
  { name: 'until', type: 'dateTime' },
];
const { extensions } = readExtensions({ '*': { User: [{ id: 'urn:acme', name: 'Acme', attributes }] } });
const condition = `${ENTERPRISE}:department eq "Engineering" and urn:acme:clearedForProdData eq true`;

let world: PlatformWorld;
let ada: string;

const operator = (method: string, url: string, body?: object, tenant = 'acme') =>
  world.send(method, url, body, {}, `operator of ${tenant}`);
const credential = (more: object): Promise<Answer> =>
  world.send('POST', 'credentials', { kind: 'api_key', providerId: 'idp', userId: ada, ...more });
const reasons = async (credentialId: string): Promise<string[]> =>
  (await world.send('GET', `subjects/${ada}/status?credentialId=${credentialId}`)).body.reasons;

beforeEach(async () => {
  world = await openPlatform(extensions);
  ada = await world.user('ada', 'acme', inDepartment('Engineering'));
  const settings = { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' };
  await world.send('PUT', 'providers/idp', { connector: 'rfc7009', displayName: 'Identity', settings });
});
afterEach(() => world.close());

describe('a credential that requires a condition', () => {
  it('may be used while it holds, and is refused by the gate as soon as the change is answered', async () => {
    expect(await credential({ id: 'c', condition })).toMatchObject({ status: 201, body: { id: 'c' } });
    expect(await reasons('c')).toEqual([]);
    await world.change(ada, inDepartment('Engineering', false));
    expect(await reasons('c')).toEqual(['credential_revoked', 'condition_unmet']);
  });

  it('is compared by the declared schema, so that an earlier instant in another offset ends it', async () => {
    await world.change(ada, { 'urn:acme': { until: '2027-06-01T00:00:00Z' } });
    await credential({ id: 'c', condition: 'urn:acme:until gt "2026-12-31T23:00:00Z"' });
    expect(await reasons('c')).toEqual([]);
    await world.change(ada, { 'urn:acme': { until: '2027-01-01T00:00:00+02:00' } });
    expect(await reasons('c')).toEqual(['credential_revoked', 'condition_unmet']);
  });

  it.each([
    ['of a declared schema', 'not (urn:acme:clearedForProdDataa eq true)'],
    ['of a schema that is not declared', 'not (urn:other:cleared eq true)'],
  ])('is refused for an attribute %s that nobody can have', async (_, text) => {
    expect(await credential({ condition: text })).toMatchObject({ status: 422, body: { code: 'invalid_policy' } });
  });

  it('is answered 409 for somebody for whom it does not hold, and recorded', async () => {
    await world.change(ada, inDepartment('Sales'));
    expect(await credential({ id: 'c', condition })).toMatchObject({
      status: 409,
      body: { code: 'subject_denied', id: 'c', reasons: ['condition_unmet'] },
    });
    const [registered] = (await world.log.readAll()).filter(({ type }) => type === 'CredentialRegistered');
    expect(registered?.data).toMatchObject({
      credentialId: 'c',
      requiresRoles: [expect.stringMatching(/^condition-/)],
    });
  });

  it('is refused when the condition cannot be read, alone in its batch, and without an echo', async () => {
    const bad = await credential({ condition: 'nonsense attribute "secret"' });
    expect(bad).toMatchObject({ status: 422, body: { code: 'invalid_policy' } });
    expect(bad.text).not.toContain('secret');
    const item = { kind: 'api_key', providerId: 'idp', userId: ada };
    const batch = await world.send('POST', 'credentials/batch', {
      credentials: [
        { ...item, condition: 'nope' },
        { ...item, id: 'good', condition },
        { ...item, providerId: 'none' },
      ],
    });
    expect(batch.body.results).toMatchObject([
      { result: 'refused', code: 'invalid_policy' },
      { result: 'registered', id: 'good' },
      { result: 'refused', code: 'unknown_provider' },
    ]);
  });

  it('needs a person', async () => {
    const body = { kind: 'api_key', providerId: 'idp', agentId: ada, condition };
    expect((await world.send('POST', 'credentials', body)).status).toBe(422);
  });
});

describe('roles', () => {
  it('are defined, given and taken by hand, and required by credentials', async () => {
    const defined = await operator('PUT', 'roles/prod', { name: 'Production', kind: 'team' });
    expect(defined).toMatchObject({
      status: 200,
      body: { id: 'prod', name: 'Production', kind: 'team', memberCount: 0 },
    });
    expect(await credential({ id: 'early', requiresRoles: ['prod'] })).toMatchObject({
      status: 409,
      body: { reasons: ['role_missing'] },
    });
    expect((await operator('POST', 'roles/prod/members', { userId: ada })).status).toBe(204);
    expect((await credential({ id: 'c', requiresRoles: ['prod'] })).status).toBe(201);
    expect((await operator('GET', 'roles/prod/members')).body).toEqual({
      total: 1,
      members: [{ userId: ada, sources: ['manual'] }],
    });
    expect((await operator('DELETE', `roles/prod/members/${ada}`)).status).toBe(204);
    expect(await reasons('c')).toEqual(['credential_revoked', 'role_missing']);
    expect((await operator('GET', 'roles')).body.roles).toEqual([
      { id: 'prod', name: 'Production', kind: 'team', memberCount: 0 },
    ]);
  });

  it('with a condition are given to nobody by hand', async () => {
    expect((await operator('PUT', 'roles/engineers', { name: 'Engineers', condition })).body.memberCount).toBe(1);
    const given = await operator('POST', 'roles/engineers/members', { userId: ada });
    expect(given).toMatchObject({ status: 409, body: { code: 'role_is_computed' } });
  });

  it.each([
    ['PUT', 'roles/condition-x', { name: 'x' }, 422],
    ['PUT', 'roles/x', { name: 'x', condition: 'unheardOf pr' }, 422],
    ['PUT', 'roles/x', { name: 'x', kind: 'condition' }, 400],
    ['GET', 'roles/none/members', undefined, 404],
    ['POST', 'roles/none/members', { userId: 'nobody' }, 422],
    ['GET', 'roles/none/members?limit=0', undefined, 400],
  ] as const)('answer %s %s with %j by %i', async (method, url, body, status) => {
    expect((await operator(method, url, body)).status).toBe(status);
  });

  it('are deleted with what requires them, which is counted before', async () => {
    const eve = await world.user('eve');
    for (const role of ['prod', 'test']) {
      await operator('PUT', `roles/${role}`, { name: role });
      for (const userId of [ada, eve]) await operator('POST', `roles/${role}/members`, { userId });
    }
    await credential({ id: 'both', requiresRoles: ['prod', 'test'] });
    await credential({ id: 'prod', requiresRoles: ['prod'] });
    await credential({ id: 'test', requiresRoles: ['test'] });
    await credential({ id: 'released', requiresRoles: ['prod'] });
    await world.send('DELETE', 'credentials/released');
    await world.send('POST', 'credentials', {
      ...{ kind: 'api_key', providerId: 'idp', userId: eve },
      ...{ id: 'eves', requiresRoles: ['prod'] },
    });
    expect((await operator('GET', 'roles/prod/deletion')).body).toEqual({ lossCount: 2, revokedCount: 3 });
    expect((await operator('GET', 'roles/none/deletion')).status).toBe(404);
    expect((await operator('DELETE', 'roles/prod')).status).toBe(204);
    expect([await reasons('both'), await reasons('test')]).toEqual([['credential_revoked', 'role_missing'], []]);
    expect((await operator('DELETE', 'roles/prod')).status).toBe(404);
    expect((await operator('GET', 'roles')).body.roles).toMatchObject([{ id: 'test' }]);
  });

  it('that the mapping in force gives are not deleted', async () => {
    await operator('PUT', 'roles/prod', { name: 'Production' });
    const rules = [{ role: 'prod', group: { displayName: 'Ops' } }];
    await operator('POST', 'mappings', { id: 'first', name: 'first', rules });
    await operator('POST', 'mappings/first/activate');
    expect(await operator('DELETE', 'roles/prod')).toMatchObject({ status: 409, body: { code: 'role_is_given' } });
  });

  it('are in the hands of operators, each of their own tenant', async () => {
    await operator('PUT', 'roles/prod', { name: 'Production' });
    expect((await world.send('GET', 'roles')).status).toBe(403);
    expect((await operator('GET', 'roles', undefined, 'globex')).body).toEqual({ roles: [] });
    expect((await operator('GET', 'roles/prod/members', undefined, 'globex')).status).toBe(404);
    expect((await operator('POST', 'roles/prod/members', { userId: ada }, 'globex')).status).toBe(422);
  });
});

describe('mappings', () => {
  const template = '{{#each roles}}{{value}}\n{{/each}}';
  const rules = [
    { role: 'prod', group: { displayName: 'ops', ignoreCase: true } },
    { role: 'prod', claim: { template, equals: 'Admin' } },
  ];
  beforeEach(async () => {
    await operator('PUT', 'roles/prod', { name: 'Production' });
  });

  it('are drafted, shown with what they would change, and put in force', async () => {
    const group = await world.group('Ops', [ada]);
    const admin = await world.user('eve', 'acme', { roles: [{ value: 'Admin' }] });
    const { status, body } = await operator('POST', 'mappings', { name: 'first', rules });
    expect(status).toBe(201);
    const gains = [
      { userId: ada, sources: [`scim:${group}`] },
      { userId: admin, sources: ['claim'] },
    ];
    expect((await operator('GET', `mappings/${body.id}/diff`)).body).toEqual({
      insteadOf: null,
      roles: [{ role: 'prod', gainCount: 2, lossCount: 0, gains, losses: [], revokedCount: 0 }],
      revokedCount: 0,
    });
    expect((await operator('POST', `mappings/${body.id}/activate`)).status).toBe(204);
    expect((await operator('GET', 'roles/prod/members')).body.members).toEqual(expect.arrayContaining(gains));
    expect((await operator('GET', 'mappings')).body.mappings).toMatchObject([
      { id: body.id, name: 'first', active: true, rules },
    ]);
  });

  it('that take a role away take what requires it', async () => {
    await world.group('Ops', [ada]);
    await operator('POST', 'mappings', { id: 'first', name: 'first', rules });
    await operator('POST', 'mappings/first/activate');
    expect((await credential({ id: 'c', requiresRoles: ['prod'] })).status).toBe(201);
    await operator('POST', 'mappings', { id: 'second', name: 'second', rules: [] });
    expect((await operator('GET', 'mappings/second/diff')).body).toEqual({
      insteadOf: 'first',
      roles: [{ role: 'prod', gainCount: 0, lossCount: 1, gains: [], losses: [ada], revokedCount: 1 }],
      revokedCount: 1,
    });
    expect(await reasons('c')).toEqual([]);
    await operator('POST', 'mappings/second/activate');
    expect(await reasons('c')).toEqual(['credential_revoked', 'role_missing']);
  });

  it('are put in force instead of what their diff was made against, and of nothing else', async () => {
    for (const id of ['first', 'second']) await operator('POST', 'mappings', { id, name: id, rules });
    expect((await operator('POST', 'mappings/first/activate', { insteadOf: null })).status).toBe(204);
    const late = await operator('POST', 'mappings/second/activate', { insteadOf: null });
    expect(late).toMatchObject({ status: 409, body: { code: 'mapping_replaced' } });
    expect((await operator('POST', 'mappings/second/activate', { insteadOf: 5 })).status).toBe(400);
    expect((await operator('POST', 'mappings/second/activate', {})).status).toBe(204);
  });

  it('count a credential that loses two roles once', async () => {
    await operator('PUT', 'roles/test', { name: 'Test' });
    await world.group('Ops', [ada]);
    const of = (role: string) => ({ role, group: { displayName: 'Ops' } });
    await operator('POST', 'mappings', { id: 'first', name: 'first', rules: [of('prod'), of('test')] });
    await operator('POST', 'mappings/first/activate');
    await credential({ id: 'c', requiresRoles: ['prod', 'test'] });
    await operator('POST', 'mappings', { id: 'second', name: 'second', rules: [] });
    const { body } = await operator('GET', 'mappings/second/diff');
    expect(body).toMatchObject({ roles: [{ revokedCount: 1 }, { revokedCount: 1 }], revokedCount: 1 });
  });

  it('whose roles are gone say so instead of a diff', async () => {
    await operator('POST', 'mappings', { id: 'first', name: 'first', rules });
    await operator('DELETE', 'roles/prod');
    for (const [method, url] of [
      ['GET', 'mappings/first/diff'],
      ['POST', 'mappings/first/activate'],
    ] as const) {
      const answer = await operator(method, url);
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_policy' } });
      expect(answer.body.detail).toMatch(/^Rule 1: There is no such role/);
    }
  });

  it('are tried on somebody made up', async () => {
    const body = {
      rules,
      attributes: { roles: [{ value: '{"value":"Admin"}' }] },
      groups: [{ id: 'g', display: 'OPS' }],
    };
    const tried = await operator('POST', 'mappings/test', body);
    expect(tried).toMatchObject({
      status: 200,
      body: { roles: [{ role: 'prod', sources: ['claim', 'scim:g'] }], claims: [{ rule: 2, names: ['Admin'] }] },
    });
    const bad = await operator('POST', 'mappings/test', {
      rules: [{ role: 'prod', claim: { template: '{{#each secret}}' } }],
      attributes: {},
    });
    expect(bad).toMatchObject({
      status: 422,
      body: { code: 'invalid_policy', detail: expect.stringMatching(/^Rule 1: /) },
    });
    expect(bad.text).not.toContain('secret');
  });

  it.each([
    ['a rule of another shape', { name: 'x', rules: [{ role: 'prod', group: 'ops' }] }, 400],
    ['no rule', { name: 'x', rules: [null] }, 400],
    ['an unknown role', { name: 'x', rules: [{ role: 'none', group: { id: 'g' } }] }, 422],
    ['no name', { rules: [] }, 400],
  ])('are refused for %s', async (_, body, status) => {
    expect((await operator('POST', 'mappings', body)).status).toBe(status);
  });

  it('are those of one tenant', async () => {
    const { body } = await operator('POST', 'mappings', { name: 'first', rules });
    expect((await operator('GET', 'mappings', undefined, 'globex')).body).toEqual({ mappings: [] });
    expect((await operator('GET', `mappings/${body.id}/diff`, undefined, 'globex')).status).toBe(404);
    expect((await operator('POST', `mappings/${body.id}/activate`, undefined, 'globex')).status).toBe(404);
  });
});

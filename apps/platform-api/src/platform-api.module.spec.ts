import { generateKeyPairSync } from 'node:crypto';
// The platform API as a platform and an operator meet it: over HTTP, with a real log behind it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openPlatform, type PlatformWorld } from './platform.fixture.js';

const OPERATOR = 'operator of acme';
const STRANGER = 'platform of globex';
const IDP = {
  connector: 'rfc7009',
  displayName: 'Identity',
  settings: { clientId: 'c', revocationEndpoint: 'https://idp.example/revoke' },
  secret: 'canary-client-secret',
};

let world: PlatformWorld;
let ada: string;
let people = 0;
const token = (over: object = {}) => ({
  kind: 'oauth_access_token',
  providerId: 'idp',
  userId: ada,
  secret: 'canary-token',
  ...over,
});

beforeAll(async () => {
  world = await openPlatform();
  expect((await world.send('PUT', 'providers/idp', IDP)).status).toBe(200);
});
afterAll(() => world.close());
beforeEach(async () => {
  ada = await world.user(`ada-${(people += 1)}`);
});

describe('providers', () => {
  it('are configured, shown without their secret, listed and removed', async () => {
    const put = await world.send('PUT', 'providers/other', IDP);
    const { secret: _, ...shown } = IDP;
    expect([put.status, put.body]).toEqual([200, { id: 'other', ...shown, hasSecret: true }]);
    expect((await world.send('GET', 'providers')).body.providers.map((one: { id: string }) => one.id)).toEqual([
      'idp',
      'other',
    ]);
    expect((await world.send('DELETE', 'providers/other')).status).toBe(204);
    expect((await world.send('GET', 'providers/other')).body).toMatchObject({ status: 404, code: 'not_found' });
    expect((await world.send('DELETE', 'providers/other')).status).toBe(404);
  });

  it('keep their secret over a renaming, send it nowhere else, and give it up for null', async () => {
    const { secret: _, ...shown } = IDP;
    const put = (over: object) => world.send('PUT', 'providers/renamed', { ...shown, ...over });
    await put({ secret: IDP.secret });
    expect((await put({ displayName: 'Renamed' })).body).toMatchObject({ displayName: 'Renamed', hasSecret: true });
    const elsewhere = { settings: { ...IDP.settings, revocationEndpoint: 'https://other.example/revoke' } };
    expect((await put(elsewhere)).body).toMatchObject({ status: 422, code: 'secret_needed' });
    expect((await put({ ...elsewhere, secret: null })).body).toMatchObject({ ...elsewhere, hasSecret: false });
    expect((await world.send('DELETE', 'providers/renamed')).status).toBe(204);
  });

  it('of another tenant are not there', async () => {
    expect((await world.send('GET', 'providers/idp', undefined, {}, STRANGER)).status).toBe(404);
    expect((await world.send('GET', 'providers', undefined, {}, STRANGER)).body).toEqual({ providers: [] });
  });

  it('with settings the connector refuses are told every problem', async () => {
    const answer = await world.send('PUT', 'providers/bad', { ...IDP, settings: { clientId: 7 } });
    const { errors } = answer.body as { errors: { message: string }[] };
    expect(errors.map(({ message }) => message).toSorted()).toEqual([
      expect.stringMatching(/clientId/),
      expect.stringMatching(/revocationEndpoint/),
    ]);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({
      status: 422,
      code: 'invalid_settings',
      errors: [{ field: 'settings' }, { field: 'settings' }],
    });
  });
});

describe('credentials', () => {
  it('are registered, rotated and released', async () => {
    const made = await world.send('POST', 'credentials', token());
    expect([made.status, Object.keys(made.body)]).toEqual([201, ['id']]);
    const url = `credentials/${made.body.id}`;
    expect(await world.send('POST', `${url}/rotate`, { secret: 'canary-next' })).toMatchObject({
      status: 200,
      body: made.body,
    });
    expect((await world.send('DELETE', url)).status).toBe(204);
    expect((await world.send('POST', `${url}/rotate`, { secret: 'x' })).body).toMatchObject({
      status: 409,
      code: 'already_ended',
    });
    expect((await world.send('DELETE', url, undefined, {}, STRANGER)).status).toBe(404);
  });

  it('for somebody who is denied answer 409 with the id that was recorded and the reasons', async () => {
    await world.deactivate(ada);
    const answer = await world.send('POST', 'credentials', token({ id: `late-${people}` }));
    expect(answer.body).toMatchObject({
      status: 409,
      code: 'subject_denied',
      id: `late-${people}`,
      reasons: ['user_deactivated'],
    });
    const [event] = await world.log.readStream(`credential-acme-late-${people}`);
    expect(event?.type).toBe('CredentialRegistered');
  });

  it('come in batches, each with its own result', async () => {
    const bob = await world.user(`bob-${people}`);
    await world.deactivate(bob);
    const credentials = [token({ id: `b-${people}` }), token({ providerId: 'none' }), token({ userId: bob })];
    const answer = await world.send('POST', 'credentials/batch', { credentials });
    expect([answer.status, answer.body.results]).toEqual([
      200,
      [
        { result: 'registered', id: `b-${people}` },
        { result: 'refused', code: 'unknown_provider', detail: expect.any(String) },
        { result: 'denied', id: expect.any(String), reasons: ['user_deactivated'] },
      ],
    ]);
  });

  it('of more than 500 in a batch are refused', async () => {
    const credentials = Array.from({ length: 501 }, () => token());
    const answer = await world.send('POST', 'credentials/batch', { credentials });
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ field: 'credentials' }] });
  });

  it.each([
    ['kind', { kind: 'password' }],
    ['userId', { userId: null }],
    ['userId', { userId: { $ne: '' } }],
    ['secret', { secret: '' }],
    ['secret', { secret: 7 }],
    ['reference', { reference: { a: { b: 'c' } } }],
    ['requiresGroups', { requiresGroups: ['a b'] }],
    ['expiresAt', { expiresAt: '2026-01-01T00:00:00' }],
    ['id', { id: '../x' }],
    [undefined, { canaryField: 'x' }],
  ])('with a bad %s are refused by name, and nothing is quoted', async (field, over) => {
    const answer = await world.send('POST', 'credentials', token(over));
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(answer.body.errors[0].field).toBe(field);
    expect(answer.text).not.toMatch(/canary|password|\$ne|\.\.\/x/);
  });
});

describe('schedules and runs', () => {
  it('are registered and let go, and denied like credentials', async () => {
    const held = { providerId: 'idp', userId: ada, reference: { queue: 'q' } };
    const schedule = await world.send('POST', 'schedules', held);
    const run = await world.send('POST', 'runs', { ...held, scheduleId: schedule.body.id });
    expect([schedule.status, run.status]).toEqual([201, 201]);
    expect((await world.send('POST', `runs/${run.body.id}/end`)).status).toBe(204);
    expect((await world.send('DELETE', `schedules/${schedule.body.id}`)).status).toBe(204);
    await world.deactivate(ada);
    expect((await world.send('POST', 'runs', held)).body).toMatchObject({ status: 409, code: 'subject_denied' });
    expect((await world.send('POST', 'schedules', held)).body).toMatchObject({ status: 409, code: 'subject_denied' });
  });
});

describe('agents and the gate', () => {
  const status = async (id: string, query = '') => (await world.send('GET', `subjects/${id}/status${query}`)).body;

  it('are provisioned, changed and deleted, and each change is known to the gate when it is answered', async () => {
    const owners = [{ type: 'User', id: ada }];
    const made = await world.send('POST', 'agents', { name: 'mailer', owners, description: 'sends mail' });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ name: 'mailer', active: true, owners, description: 'sends mail' }),
    ]);
    const { id } = made.body;
    expect(await status(id)).toMatchObject({ type: 'agent', mayAct: true, reasons: [], generation: 1 });
    expect((await world.send('PATCH', `agents/${id}`, { active: false, reason: 'leaked' })).body.active).toBe(false);
    expect(await status(id)).toMatchObject({ mayAct: false, reasons: ['agent_deactivated'] });
    const back = await world.send('PATCH', `agents/${id}`, { active: true });
    expect(back.body).toMatchObject({ id, active: true, description: 'sends mail' });
    expect(await status(id)).toMatchObject({ mayAct: true, generation: 2 });
    expect((await world.send('GET', `agents/${id}`)).body).toEqual(back.body);
    expect((await world.send('DELETE', `agents/${id}`)).status).toBe(204);
    expect(await status(id)).toMatchObject({ mayAct: false, reasons: ['agent_deleted'] });
    expect((await world.send('GET', `agents/${id}`)).status).toBe(404);
  });

  it('need owners that exist, and ids that are free', async () => {
    const owners = [{ type: 'User', id: ada }];
    const nobody = await world.send('POST', 'agents', { name: 'x', owners: [{ type: 'User', id: 'nobody' }] });
    expect(nobody.body).toMatchObject({ status: 422, code: 'unknown_members', ids: ['nobody'] });
    expect((await world.send('POST', 'agents', { name: 'x', owners: [] })).status).toBe(400);
    expect((await world.send('POST', 'agents', { id: 'chosen', name: 'x', owners })).body.id).toBe('chosen');
    expect((await world.send('POST', 'agents', { id: 'chosen', name: 'x', owners })).body).toMatchObject({
      status: 409,
      code: 'already_exists',
    });
  });

  it('refuse for ever what its holder has lost, though no worker runs and the holder is back', async () => {
    const body = token({ id: `kept-${people}` });
    expect((await world.send('POST', 'credentials', body)).status).toBe(201);
    await world.deactivate(ada);
    await world.setActive(ada, true);
    expect(await status(ada)).toMatchObject({ mayAct: true });
    expect(await status(ada, `?credentialId=kept-${people}`)).toMatchObject({
      mayAct: false,
      reasons: ['credential_revoked'],
    });
    expect(await world.send('POST', 'credentials', body)).toMatchObject({
      status: 409,
      body: { reasons: ['credential_revoked'] },
    });
  });

  it('answer for an agent, the person it acts for, and the credential it wants to use', async () => {
    const boss = await world.user(`boss-${people}`);
    const { id } = (await world.send('POST', 'agents', { name: 'm', owners: [{ type: 'User', id: boss }] })).body;
    const credential = await world.send('POST', 'credentials', token({ agentId: id }));
    const question = `?onBehalfOf=${ada}&credentialId=${credential.body.id}`;
    expect(await status(id, question)).toMatchObject({ subjectId: id, mayAct: true });
    await world.deactivate(ada);
    expect(await status(id, question)).toMatchObject({
      mayAct: false,
      reasons: ['user_deactivated', 'credential_revoked'],
    });
    expect(await status(id)).toMatchObject({ mayAct: true });
    expect(await status('nobody')).toMatchObject({
      type: 'unknown',
      mayAct: false,
      reasons: ['unknown'],
      generation: 0,
    });
    expect(await status(id, '?onbehalfof=x')).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});

describe('the doors', () => {
  it('are opened by operators: connections with at most two tokens, shown once', async () => {
    const as = (method: string, url: string, body?: object) => world.send(method, url, body, {}, OPERATOR);
    const { id } = (await as('POST', 'connections', { name: 'Okta' })).body;
    const past = await as('POST', `connections/${id}/tokens`, { expiresAt: '2020-01-01T00:00:00Z' });
    expect([past.status, past.body.code]).toEqual([422, 'expired_already']);
    const first = await as('POST', `connections/${id}/tokens`, { expiresAt: '2027-01-01T00:00:00Z' });
    expect([first.status, first.body]).toEqual([
      201,
      { id: expect.any(String), token: expect.stringMatching(/^scim_/) },
    ]);
    expect((await as('POST', `connections/${id}/tokens`)).status).toBe(201);
    expect((await as('POST', `connections/${id}/tokens`)).body).toMatchObject({ status: 409, code: 'too_many_tokens' });
    const listed = await as('GET', 'connections');
    expect(listed.body.connections).toEqual([
      {
        id,
        name: 'Okta',
        dialect: 'lenient',
        agentNameKey: 'agentUserName',
        state: 'open',
        clientKeys: [],
        tokens: expect.arrayContaining([{ id: first.body.id, expiresAt: '2027-01-01T00:00:00.000Z' }]),
      },
    ]);
    expect(listed.text).not.toContain(first.body.token);
    expect((await as('DELETE', `connections/${id}/tokens/${first.body.id}`)).status).toBe(204);
    expect((await as('GET', 'connections')).body.connections[0].tokens).toHaveLength(1);
  });

  it('have a rule that says which users are agents, and refuse one that cannot be asked', async () => {
    const open = (agentWhen: unknown) => world.send('POST', 'connections', { name: 'Bots', agentWhen }, {}, OPERATOR);
    const { id } = (await open('usertype EQ "Agent" and (active eq true)')).body;
    const { connections } = (await world.send('GET', 'connections', undefined, {}, OPERATOR)).body;
    expect(connections.find((one: { id: string }) => one.id === id).agentWhen).toBe(
      'usertype eq "Agent" and active eq true',
    );
    for (const [rule, says] of [
      ['userType eq', 'lacks a value'],
      ['kind eq "x"', 'attribute'],
      ['groups.display eq "Bots"', 'no group when it is provisioned'],
    ]) {
      const refused = await open(rule);
      expect([refused.status, refused.body.code]).toEqual([422, 'invalid_policy']);
      expect(refused.body.detail).toContain(says);
    }
    expect((await open(7)).status).toBe(400);
  });

  it('say what the name of an agent is answered under', async () => {
    const open = (agentNameKey: string) =>
      world.send('POST', 'connections', { name: 'Names', agentNameKey }, {}, OPERATOR);
    const { id } = (await open('name')).body;
    const { connections } = (await world.send('GET', 'connections', undefined, {}, OPERATOR)).body;
    expect(connections.find((one: { id: string }) => one.id === id).agentNameKey).toBe('name');
    expect((await open('title')).status).toBe(400);
  });

  it('are replaced without a gap: a second token, seen in use, and the first revoked', async () => {
    const as = (method: string, url: string, body?: object) => world.send(method, url, body, {}, OPERATOR);
    const { id } = (await as('POST', 'connections', { name: 'JumpCloud' })).body;
    const [first, second] = [
      (await as('POST', `connections/${id}/tokens`)).body,
      (await as('POST', `connections/${id}/tokens`)).body,
    ];
    const uses = async () => {
      const { connections } = (await as('GET', 'connections')).body;
      const { tokens } = connections.find((one: { id: string }) => one.id === id);
      return Object.fromEntries(
        tokens.map((one: { id: string; lastUsedAt?: string }) => [one.id, one.lastUsedAt]),
      ) as object;
    };
    expect(await uses()).toEqual({ [first.id]: undefined, [second.id]: undefined });
    expect((await world.send('GET', 'connections', undefined, {}, second.token)).status).toBe(403);
    expect(await uses()).toEqual({ [first.id]: undefined, [second.id]: world.clock.iso() });
    expect((await as('DELETE', `connections/${id}/tokens/${first.id}`)).status).toBe(204);
    expect((await world.send('GET', 'connections', undefined, {}, first.token)).status).toBe(401);
    expect((await world.send('GET', 'connections', undefined, {}, second.token)).status).toBe(403);
  });

  it('are closed with a word about whom they let in, and what stays behind is handed over', async () => {
    const as = (method: string, url: string, body?: object) => world.send(method, url, body, {}, OPERATOR);
    const [id, next] = [
      (await as('POST', 'connections', { name: 'Former' })).body.id,
      (await as('POST', 'connections', { name: 'Next' })).body.id,
    ];
    const connection = async () =>
      (await as('GET', 'connections')).body.connections.find((one: { id: string }) => one.id === id);
    const handOver = (to: unknown) => as('POST', `connections/${id}/hand-over`, { to });
    expect((await handOver(next)).body).toMatchObject({ status: 409, code: 'connection_is_open' });
    expect((await as('DELETE', `connections/${id}?provisioned=delete`)).status).toBe(400);
    expect((await as('DELETE', `connections/${id}?provisioned=keep`)).status).toBe(204);
    expect(await connection()).toMatchObject({ state: 'closed' });
    expect(await connection()).not.toHaveProperty('order');
    expect((await as('DELETE', `connections/${id}`)).status).toBe(204);
    expect((await connection()).order).toEqual({ what: 'deactivate', isCarriedOut: false });
    const order = { what: 'hand-over', to: next, isCarriedOut: false };
    expect(await handOver(next)).toMatchObject({ status: 202, body: { id, state: 'closed', order } });
    expect((await connection()).order).toEqual(order);
    expect((await handOver(id)).body).toMatchObject({ status: 422, code: 'unusable_successor' });
    expect((await handOver(7)).status).toBe(400);
    expect((await world.send('POST', `connections/${id}/hand-over`, { to: next })).status).toBe(403);
  });

  it('of a connection show what came in through them, to operators of the tenant alone', async () => {
    const as = (method: string, url: string, body?: object, caller = OPERATOR) =>
      world.send(method, url, body, {}, caller);
    const { id } = (await as('POST', 'connections', { name: 'Ping' })).body;
    const { token } = (await as('POST', `connections/${id}/tokens`)).body;
    expect((await as('GET', `connections/${id}/requests`)).body).toEqual({ requests: [] });
    expect((await world.send('GET', 'agents/ada@example.com?x=ada', undefined, {}, token)).status).toBe(403);
    expect((await world.send('GET', `agents/${ada}`, undefined, {}, token)).status).toBe(403);
    expect((await world.send('POST', 'nowhere', { a: 'ada' }, {}, token)).status).toBe(404);
    const shown = await as('GET', `connections/${id}/requests`);
    const every = {
      at: world.clock.iso(),
      durationMs: 0,
      quirks: [],
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    };
    expect(shown.body.requests).toEqual([
      { ...every, method: 'POST', status: 404 },
      { ...every, method: 'GET', route: '/v1/agents/:id', resourceId: ada, status: 403 },
      { ...every, method: 'GET', route: '/v1/agents/:id', status: 403 },
    ]);
    expect(shown.text).not.toContain('ada@');

    world.quirks.add('acme', id, { 'boolean-as-string': 2, 'unsolicited-password': 3 });
    expect((await as('GET', `connections/${id}/quirks`)).body.quirks).toEqual([
      { name: 'unsolicited-password', count: 3, sentence: 'A password was sent; it was not kept.' },
      { name: 'boolean-as-string', count: 2, sentence: 'A boolean was sent as a string such as "False".' },
    ]);
    for (const shownOf of ['requests', 'quirks']) {
      expect((await as('GET', `connections/${id}/${shownOf}`, undefined, 'operator of globex')).status).toBe(404);
      expect((await world.send('GET', `connections/${id}/${shownOf}`)).status).toBe(403);
    }
  });

  it('of a connection open to what a registered key signs, until the key is revoked', async () => {
    const as = (method: string, url: string, body?: object) => world.send(method, url, body, {}, OPERATOR);
    const { id } = (await as('POST', 'connections', { name: 'OneLogin' })).body;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const registered = await as('POST', `connections/${id}/client-keys`, { jwk: publicKey.export({ format: 'jwk' }) });
    expect([registered.status, registered.body]).toEqual([201, { id: expect.any(String) }]);
    const keys = async () =>
      (await as('GET', 'connections')).body.connections.find((one: { id: string }) => one.id === id).clientKeys;
    expect(await keys()).toEqual([{ id: registered.body.id, algorithm: 'EdDSA' }]);

    const secret = privateKey.export({ format: 'jwk' });
    const refused = await as('POST', `connections/${id}/client-keys`, { jwk: secret });
    expect(refused.body).toMatchObject({ status: 422, code: 'invalid_key' });
    expect(refused.text).not.toContain(secret.d);
    expect((await as('POST', `connections/${id}/client-keys`, { jwk: 'x' })).status).toBe(400);
    const other = { jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) };
    expect((await as('POST', `connections/${id}/client-keys`, other)).status).toBe(201);
    expect((await as('POST', `connections/${id}/client-keys`, other)).body.code).toBe('too_many_tokens');
    expect((await world.send('POST', `connections/${id}/client-keys`, other)).status).toBe(403);

    expect((await as('DELETE', `connections/${id}/client-keys/${registered.body.id}`)).status).toBe(204);
    expect((await as('DELETE', `connections/${id}/client-keys/${registered.body.id}`)).status).toBe(404);
    expect(await keys()).toHaveLength(1);
  });

  it('of a connection are shut for a while or for good by operators alone', async () => {
    const as = (method: string, url: string, body?: object) => world.send(method, url, body, {}, OPERATOR);
    const { id } = (await as('POST', 'connections', { name: 'Entra ID' })).body;
    const state = async () =>
      (await as('GET', 'connections')).body.connections.find((one: { id: string }) => one.id === id).state;
    for (const [method, url, becomes] of [
      ['POST', `connections/${id}/pause`, 'paused'],
      ['POST', `connections/${id}/resume`, 'open'],
      ['DELETE', `connections/${id}`, 'closed'],
    ] as const) {
      expect((await world.send(method, url)).status).toBe(403);
      expect((await as(method, url)).status).toBe(204);
      expect(await state()).toBe(becomes);
      expect((await as(method, url)).status).toBe(204);
    }
    for (const asked of [`${id}/pause`, `${id}/resume`, `${id}/tokens`, 'unknown/pause']) {
      expect((await as('POST', `connections/${asked}`)).body).toMatchObject({ status: 404, code: 'not_found' });
    }
  });

  it('open and close with a key', async () => {
    const { id, token: key } = (await world.send('POST', 'keys', { roles: ['platform'] }, {}, OPERATOR)).body;
    expect((await world.send('GET', 'providers', undefined, {}, key)).status).toBe(200);
    expect((await world.send('DELETE', `keys/${id}`, undefined, {}, OPERATOR)).status).toBe(204);
    expect((await world.send('GET', 'providers', undefined, {}, key)).status).toBe(401);
  });

  it('are closed to the platform, and the platform’s routes to operators and strangers', async () => {
    for (const [method, url] of [
      ['GET', 'connections'],
      ['POST', 'connections'],
      ['POST', 'keys'],
      ['DELETE', 'keys/x'],
    ] as const) {
      expect((await world.send(method, url)).body).toMatchObject({ status: 403, code: 'forbidden' });
    }
    for (const [method, url] of [
      ['GET', 'providers'],
      ['POST', 'credentials'],
      ['GET', `subjects/${ada}/status`],
    ] as const) {
      expect((await world.send(method, url, undefined, {}, OPERATOR)).status).toBe(403);
      expect((await world.send(method, url, undefined, {}, 'unknown-key')).status).toBe(401);
    }
  });
});

describe('a write that the gates do not know yet', () => {
  it('is never answered with success, and sent again it is the same one', async () => {
    const held = { providerId: 'idp', userId: ada };
    const owners = [{ type: 'User', id: ada }];
    const agent = (await world.send('POST', 'agents', { name: 'a', owners })).body.id;
    const writes: [method: string, url: string, body?: object, caller?: string][] = [
      ['PUT', 'providers/late', IDP],
      ['POST', 'credentials', token({ id: 'late-c' })],
      ['POST', 'credentials/batch', { credentials: [token({ id: 'late-b' })] }],
      ['POST', 'schedules', { ...held, id: 'late-s' }],
      ['POST', 'runs', { ...held, id: 'late-r' }],
      ['POST', 'runs/late-r/end'],
      ['DELETE', 'schedules/late-s'],
      ['POST', 'credentials/late-c/rotate', { secret: 'next' }],
      ['DELETE', 'credentials/late-c'],
      ['DELETE', 'providers/late'],
      ['POST', 'agents', { name: 'b', owners }],
      ['PATCH', `agents/${agent}`, { active: false }],
      ['DELETE', `agents/${agent}`],
      ['POST', 'connections', { name: 'late' }, OPERATOR],
      ['POST', 'keys', { roles: ['platform'] }, OPERATOR],
    ];
    world.readModels.late = true;
    for (const [method, url, body, caller] of writes) {
      const answer = await world.send(method, url, body, {}, caller);
      expect([url, answer.status, answer.headers['retry-after']]).toEqual([url, 503, '5']);
    }
    const key = { 'idempotency-key': 'late' };
    expect((await world.send('POST', 'runs', held, key)).status).toBe(503);
    world.readModels.late = false;
    const started = (await world.log.readAll({ max: 100_000 })).findLast((event) => event.type === 'RunStarted');
    const again = await world.send('POST', 'runs', held, key);
    expect([again.status, again.body]).toEqual([201, { id: (started?.data as { runId: string }).runId }]);
  });

  it('is not answered with success when it is sent again meanwhile, though it changes nothing then', async () => {
    const owners = [{ type: 'User', id: ada }];
    const agent = (await world.send('POST', 'agents', { name: 'c', owners })).body.id;
    await world.send('POST', 'credentials', token({ id: 'twice' }));
    await world.send('POST', 'runs', { providerId: 'idp', userId: ada, id: 'twice' });
    const writes: [method: string, url: string, body?: object][] = [
      ['PATCH', `agents/${agent}`, { active: false }],
      ['POST', 'credentials/twice/rotate', { secret: 'next' }],
      ['DELETE', 'credentials/twice'],
      ['POST', 'runs/twice/end'],
      ['PUT', 'providers/twice', IDP],
    ];
    world.readModels.late = true;
    for (const [method, url, body] of writes.flatMap((write) => [write, write])) {
      expect([url, (await world.send(method, url, body)).status]).toEqual([url, 503]);
    }
    world.readModels.late = false;
    expect((await world.send('PATCH', `agents/${agent}`, { active: false })).status).toBe(200);
    expect((await world.send('GET', `subjects/${agent}/status`)).body.mayAct).toBe(false);
  });
});

describe('secrets', () => {
  it('reach neither the log nor an answer', async () => {
    const answer = await world.send('POST', 'credentials', token({ secret: 'canary-in-answer' }));
    const provider = await world.send('GET', 'providers/idp');
    expect(answer.text + provider.text).not.toContain('canary');
    const bytes = (await world.log.readAll({ max: 100_000 })).map((event) => Buffer.from(event.bytes).toString());
    expect(bytes.join('\n')).not.toContain('canary');
  });
});

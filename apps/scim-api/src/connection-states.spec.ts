// What an identity provider meets at a connection that an operator has paused, resumed or closed.
import 'reflect-metadata';
import { CloseConnection, NotFound, PauseConnection, ResumeConnection } from '@app/directory';
import type { RequestContext } from '@app/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorSchema, newName, off, openScim, type ScimWorld } from './scim-api.fixture.js';

let scim: ScimWorld;
beforeAll(async () => {
  scim = await openScim();
});
afterAll(() => scim.close());

const operator: RequestContext = {
  tenant: 'acme',
  actor: 'operator:spec',
  correlationId: 'spec',
  receivedAt: '2026-01-01T00:00:00.000Z',
};

describe('a paused connection', () => {
  it('is answered 503 with an integer Retry-After, appends nothing, and goes on with the same token', async () => {
    const { id } = await scim.newUser();
    await scim.operate(new PauseConnection(operator, scim.idOf('lenient-acme')));
    for (const [method, path, body] of [
      ['GET', `/Users/${id}`],
      ['GET', '/Users'],
      ['POST', '/Users', { userName: newName() }],
      ['PATCH', `/Users/${id}`, off],
      ['DELETE', `/Users/${id}`],
      ['POST', '/Bulk', { Operations: [] }],
      ['GET', '/nowhere'],
    ] as const) {
      const answer = await scim.ask(method, path, { body });
      expect([method, path, answer.status, answer.headers['retry-after']]).toEqual([method, path, 503, '60']);
      expect(answer.body).toMatchObject({ schemas: [errorSchema], status: '503' });
    }
    expect(await scim.appended()).toEqual([]);
    expect((await scim.ask('GET', '/Users', { as: 'strict-acme' })).status).toBe(200);

    expect((await scim.operate(new PauseConnection(operator, scim.idOf('lenient-acme')))).position).toBeUndefined();
    await scim.operate(new ResumeConnection(operator, scim.idOf('lenient-acme')));
    expect((await scim.ask('PATCH', `/Users/${id}`, { body: off })).body).toMatchObject({ active: false });
  });
});

describe('a closed connection', () => {
  it('is answered 401 with every token, and is never opened again', async () => {
    const globex = { ...operator, tenant: 'globex' };
    const id = scim.idOf('strict-globex');
    await scim.operate(new PauseConnection(globex, id));
    await scim.operate(new CloseConnection(globex, id));
    const refused = await scim.ask('GET', '/Users', { as: 'strict-globex' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('invalid_token'),
    ]);
    expect((await scim.operate(new CloseConnection(globex, id))).position).toBeUndefined();
    for (const command of [new ResumeConnection(globex, id), new PauseConnection(globex, id)]) {
      await expect(scim.operate(command)).rejects.toThrow(NotFound);
    }
    expect((await scim.ask('GET', '/Users', { as: 'lenient-globex' })).status).toBe(200);
  });

  it('of another tenant is nobody’s', async () => {
    await expect(scim.operate(new CloseConnection(operator, scim.idOf('lenient-globex')))).rejects.toThrow(NotFound);
  });
});

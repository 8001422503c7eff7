import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { expectStatus, PROVIDER, Scenario } from './scenario.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const condition = `${ENTERPRISE}:department eq "Engineering" and title eq "Engineer"`;

let acme: Scenario;
beforeAll(async () => {
  acme = await Scenario.start();
});
afterAll(() => acme.stop());

/** A person in Engineering with an access token. */
async function engineer(userName: string): Promise<{ id: string; token: string }> {
  const answer = await acme.scim.post<{ id: string }>('/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
    userName,
    title: 'Engineer',
    [ENTERPRISE]: { department: 'Engineering' },
  });
  return { id: expectStatus(answer, 201).id, token: acme.provider.issueGrant().accessTokens[0] as string };
}

async function groupOf(displayName: string, ...members: string[]): Promise<string> {
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
  const body = { schemas, displayName, members: members.map((value) => ({ value })) };
  return expectStatus(await acme.scim.post<{ id: string }>('/Groups', body), 201).id;
}

const patch = (path: string, ...operations: object[]) =>
  acme.scim.patch(path, { schemas: [PATCH], Operations: operations });
const hold = (userId: string, secret: string, more: object) =>
  acme.api.post<{ id: string }>('/credentials', {
    kind: 'oauth_access_token',
    providerId: PROVIDER,
    userId,
    secret,
    ...more,
  });

/** What the gate says, asked once: right after an answer and without waiting. */
async function reasons(userId: string, credentialId: string): Promise<string[]> {
  const answer = await acme.api.get<{ reasons: string[] }>(`/subjects/${userId}/status?credentialId=${credentialId}`);
  return expectStatus(answer, 200).reasons;
}

async function activate(rules: object[]): Promise<string> {
  const { id } = expectStatus(await acme.api.post<{ id: string }>('/mappings', { name: 'mapping', rules }), 201);
  expectStatus(await acme.api.post(`/mappings/${id}/activate`, {}), 204);
  return id;
}

describe('a condition that turns false', () => {
  it('denies with the answer to the PATCH, kills what requires it and nothing else, and restores nothing', async () => {
    const ada = await engineer('ada@example.com');
    const other = acme.provider.issueGrant().accessTokens[0] as string;
    const { id } = expectStatus(await hold(ada.id, ada.token, { condition }), 201);
    const plain = expectStatus(await hold(ada.id, other, {}), 201);
    expect(await reasons(ada.id, id)).toEqual([]);

    const department = { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Sales' };
    expect((await patch(`/Users/${ada.id}`, department)).status).toBe(200);
    expect(await reasons(ada.id, id)).toContain('condition_unmet');
    expect(await reasons(ada.id, plain.id)).toEqual([]);

    const list = () => acme.api.get<{ items: { subject: { type: string; id: string } }[] }>('/cascades');
    const { subject } = await eventually('the cascade is listed', async () => expectStatus(await list(), 200).items[0]);
    expect(subject.type).toBe('role');
    expect(await acme.completed(subject.id)).toMatchObject({ status: 'complete', targetCount: 1 });
    expect(acme.provider.isAlive(ada.token)).toBe(false);
    expect(acme.provider.isAlive(other)).toBe(true);

    expect((await patch(`/Users/${ada.id}`, { ...department, value: 'Engineering' })).status).toBe(200);
    expect(await reasons(ada.id, id)).toEqual(['credential_revoked']);
  });

  it('answers 409 to whoever registers for somebody it does not hold for, and kills what was recorded', async () => {
    const eve = await engineer('eve@example.com');
    expect((await patch(`/Users/${eve.id}`, { op: 'remove', path: 'title' })).status).toBe(200);
    const late = await hold(eve.id, eve.token, { condition });
    expect(late).toMatchObject({ status: 409, body: { code: 'subject_denied', reasons: ['condition_unmet'] } });
    await acme.completed(late.body.id);
    expect(acme.provider.isAlive(eve.token)).toBe(false);
  });
});

describe('a group in a group that a credential requires', () => {
  it('lets its members hold it, and takes it from them when it leaves', async () => {
    const [ann, ben] = [await engineer('ann'), await engineer('ben')];
    const low = await groupOf('Low', ann.id, ben.id);
    const middle = await groupOf('Middle', low);
    const top = await groupOf('Top', middle, ben.id);
    const ofAnn = expectStatus(await hold(ann.id, ann.token, { requiresGroups: [top] }), 201).id;
    const ofBen = expectStatus(await hold(ben.id, ben.token, { requiresGroups: [top] }), 201).id;
    expect(await reasons(ann.id, ofAnn)).toEqual([]);

    expect((await patch(`/Groups/${middle}`, { op: 'remove', path: `members[value eq "${low}"]` })).status).toBe(204);
    expect(await reasons(ann.id, ofAnn)).toContain('group_missing');
    expect(await reasons(ben.id, ofBen)).toEqual([]);
    expect(await acme.completed(middle)).toMatchObject({ status: 'complete', targetCount: 1 });
    expect([ann, ben].map(({ token }) => acme.provider.isAlive(token))).toEqual([false, true]);
  });
});

describe('a role that is deleted', () => {
  it('takes what requires it from everybody, and says before how much that is', async () => {
    const gus = await engineer('gus');
    expectStatus(await acme.api.put('/roles/gone', { name: 'Gone' }), 200);
    expectStatus(await acme.api.post('/roles/gone/members', { userId: gus.id }), 204);
    const { id } = expectStatus(await hold(gus.id, gus.token, { requiresRoles: ['gone'] }), 201);
    const before = await acme.api.get('/roles/gone/deletion');
    expect(expectStatus(before, 200)).toEqual({ lossCount: 1, revokedCount: 1 });
    expectStatus(await acme.api.delete('/roles/gone'), 204);
    expect(await reasons(gus.id, id)).toContain('role_missing');
    await acme.completed('gone');
    expect(acme.provider.isAlive(gus.token)).toBe(false);
  });
});

describe('a mapping', () => {
  it('takes a role with the last group that gave it: by a removal, by a new name, by another mapping', async () => {
    expectStatus(await acme.api.put('/roles/prod', { name: 'Production' }), 200);
    const [bob, cyd, dan] = [await engineer('bob'), await engineer('cyd'), await engineer('dan')];
    const ops = await groupOf('Ops', bob.id, cyd.id, dan.id);
    const dev = await groupOf('Dev', bob.id);
    const both = ['Ops', 'Dev'].map((displayName) => ({ role: 'prod', group: { displayName } }));
    await activate(both);
    const held: string[] = [];
    for (const { id, token } of [bob, cyd, dan]) {
      held.push(expectStatus(await hold(id, token, { requiresRoles: ['prod'] }), 201).id);
    }
    const [ofBob, ofCyd, ofDan] = held as [string, string, string];

    expect((await patch(`/Groups/${ops}`, { op: 'remove', path: `members[value eq "${bob.id}"]` })).status).toBe(204);
    expect((await patch(`/Groups/${ops}`, { op: 'remove', path: `members[value eq "${cyd.id}"]` })).status).toBe(204);
    expect(await reasons(bob.id, ofBob)).toEqual([]);
    expect(await reasons(cyd.id, ofCyd)).toContain('role_missing');

    expect((await patch(`/Groups/${ops}`, { op: 'replace', path: 'displayName', value: 'Former' })).status).toBe(204);
    expect(await reasons(dan.id, ofDan)).toContain('role_missing');
    expect(await reasons(bob.id, ofBob)).toEqual([]);

    const { id } = expectStatus(await acme.api.post<{ id: string }>('/mappings', { name: 'none', rules: [] }), 201);
    const diff = expectStatus(await acme.api.get<{ roles: object[] }>(`/mappings/${id}/diff`), 200);
    expect(diff).toEqual({
      insteadOf: expect.any(String),
      roles: [{ role: 'prod', gainCount: 0, lossCount: 1, gains: [], losses: [bob.id], revokedCount: 1 }],
      revokedCount: 1,
    });
    expect(await reasons(bob.id, ofBob)).toEqual([]);
    expectStatus(await acme.api.post(`/mappings/${id}/activate`, {}), 204);
    expect(await reasons(bob.id, ofBob)).toContain('role_missing');

    const tokens = [bob, cyd, dan].map(({ token }) => token);
    await eventually('all three are dead', async () =>
      tokens.some((one) => acme.provider.isAlive(one)) ? undefined : true,
    );
    expect(dev).toBeDefined();
  });

  it('is in force after a restart', async () => {
    await acme.service.stop();
    await acme.restart();
    const fay = await engineer('fay');
    await groupOf('Night', fay.id);
    await activate([{ role: 'prod', group: { displayName: 'night', ignoreCase: true } }]);
    const { id } = expectStatus(await hold(fay.id, fay.token, { requiresRoles: ['prod'], condition }), 201);
    await acme.service.stop();
    await acme.restart();
    expect(await reasons(fay.id, id)).toEqual([]);
    expect((await patch(`/Users/${fay.id}`, { op: 'replace', path: 'title', value: 'Other' })).status).toBe(200);
    expect(await reasons(fay.id, id)).toContain('condition_unmet');
  });
});

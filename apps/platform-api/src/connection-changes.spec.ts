// Connections that operators change after they were opened.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openPlatform, type Answer, type PlatformWorld } from './platform.fixture.js';

const OPERATOR = 'operator of acme';
const RULE = 'userType eq "Agent"';

let world: PlatformWorld;
let id: string;
beforeAll(async () => {
  world = await openPlatform();
});
afterAll(() => world.close());
beforeEach(async () => {
  id = (await world.send('POST', 'connections', { name: 'Okta' }, {}, OPERATOR)).body.id;
});

const change = (changes: object, caller = OPERATOR): Promise<Answer> =>
  world.send('PATCH', `connections/${id}`, changes, {}, caller);
const shown = async () =>
  (await world.send('GET', 'connections', undefined, {}, OPERATOR)).body.connections.find(
    (one: { id: string }) => one.id === id,
  );
const refusal = ({ status, body }: Answer) => [status, body.code];

describe('a connection that is changed', () => {
  it('is answered as it is shown from then on, and what is not mentioned stays', async () => {
    const before = await shown();
    const named = await change({ name: 'Entra ID', agentWhen: 'usertype EQ "Agent" and (active eq true)' });
    const agentWhen = 'usertype eq "Agent" and active eq true';
    expect([named.status, named.body]).toEqual([200, { ...before, name: 'Entra ID', agentWhen }]);
    const read = await change({ dialect: 'strict', agentNameKey: 'name' });
    expect(read.body).toEqual({ ...named.body, dialect: 'strict', agentNameKey: 'name' });
    expect(await shown()).toEqual(read.body);
    const { agentWhen: _, ...ruleless } = read.body;
    expect((await change({ agentWhen: null })).body).toEqual(ruleless);
    expect(await shown()).toEqual(ruleless);
  });

  it('into what it is already appends nothing', async () => {
    await change({ agentWhen: RULE });
    const head = await world.log.head();
    for (const same of [{}, { name: 'Okta' }, { agentWhen: '(userType EQ "Agent")', agentNameKey: 'agentUserName' }]) {
      expect(await change(same)).toMatchObject({ status: 200, body: { name: 'Okta', agentWhen: RULE } });
    }
    expect(await world.log.head()).toBe(head);
  });

  it('may be paused', async () => {
    await world.send('POST', `connections/${id}/pause`, undefined, {}, OPERATOR);
    expect((await change({ name: 'Okta EU' })).body).toMatchObject({ name: 'Okta EU', state: 'paused' });
  });

  it('takes what one that is opened takes', async () => {
    const before = await shown();
    for (const changes of [
      { name: '' },
      { name: null },
      { dialect: 'loose' },
      { agentWhen: 7 },
      { agentWhen: '' },
      { agentNameKey: 'title' },
      { state: 'closed' },
    ]) {
      expect([changes, refusal(await change(changes))]).toEqual([changes, [400, 'invalid_request']]);
    }
    for (const agentWhen of ['userType eq', 'kind eq "x"', 'groups.display eq "Bots"']) {
      expect(refusal(await change({ agentWhen }))).toEqual([422, 'invalid_policy']);
    }
    expect(await shown()).toEqual(before);
  });

  it('is one of the tenant that is not closed, and is changed by operators alone', async () => {
    expect(refusal(await change({ name: 'x' }, 'operator of globex'))).toEqual([404, 'not_found']);
    expect(refusal(await change({ name: 'x' }, 'platform of acme'))).toEqual([403, 'forbidden']);
    await world.send('DELETE', `connections/${id}`, undefined, {}, OPERATOR);
    expect(refusal(await change({ name: 'x' }))).toEqual([404, 'not_found']);
    id = 'unknown';
    expect(refusal(await change({ name: 'x' }))).toEqual([404, 'not_found']);
  });

  it('is not answered with success before the gates know', async () => {
    world.readModels.late = true;
    expect((await change({ name: 'late' })).status).toBe(503);
    world.readModels.late = false;
    expect((await change({ name: 'late' })).body.name).toBe('late');
  });
});

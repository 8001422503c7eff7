// An identity provider that cannot push agents pushes them as users: each loss starts one cascade, of the agent.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ApiClient } from '@app/testkit';
import { entraDeactivation, expectStatus, PROVIDER, Scenario } from './scenario.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

let scenario: Scenario;
let idp: ApiClient;
let names = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
  const rule = { name: 'Bots', agentWhen: 'userType eq "Agent"' };
  const { id } = expectStatus(await scenario.api.post<{ id: string }>('/connections', rule), 201);
  const { token } = expectStatus(await scenario.api.post<{ token: string }>(`/connections/${id}/tokens`, {}), 201);
  idp = new ApiClient(scenario.service.scimBaseUrl, token, 'application/scim+json');
});
afterAll(() => scenario.stop());

const push = async (attributes: object = {}): Promise<string> => {
  const answer = await idp.post<{ id: string }>('/Users', { userName: `bot-${++names}`, ...attributes });
  return expectStatus(answer, 201).id;
};

/** With two credentials of its own. */
async function pushAgent(attributes: object = {}): Promise<string> {
  const agentId = await push({ userType: 'Agent', ...attributes });
  for (let i = 0; i < 2; i += 1) {
    const secret = scenario.provider.issueGrant().accessTokens[0] as string;
    const credential = { kind: 'oauth_access_token', providerId: PROVIDER, agentId, secret };
    expectStatus(await scenario.api.post('/credentials', credential), 201);
  }
  return agentId;
}

const cascadesOf = async (subject: string) =>
  (await scenario.cascadesOf(subject)).map(({ targetCount, status }) => [targetCount, status]);

it.each(['PATCH', 'DELETE'])(
  'ends what it held in one cascade when the user is gone: %s, sent twice',
  async (method) => {
    const agent = await pushAgent();
    const status = () => scenario.api.get(`/subjects/${agent}/status`);
    expect((await status()).body).toMatchObject({ type: 'agent', mayAct: true });
    for (let i = 0; i < 2; i += 1) {
      if (method === 'DELETE') await idp.delete(`/Users/${agent}`);
      else expectStatus(await idp.patch(`/Users/${agent}`, entraDeactivation), 200);
    }
    const reason = method === 'DELETE' ? 'agent_deleted' : 'agent_deactivated';
    expect((await status()).body).toMatchObject({ type: 'agent', mayAct: false, reasons: [reason] });
    await scenario.completed(agent);
    expect(await cascadesOf(agent)).toEqual([[2, 'complete']]);
  },
);

it('ends what it held with its manager', async () => {
  const manager = await push();
  const agent = await pushAgent({ [ENTERPRISE]: { manager: { value: manager } } });
  expectStatus(await idp.patch(`/Users/${manager}`, entraDeactivation), 200);
  expect(await scenario.mayAct(agent)).toBe(false);
  await scenario.completed(manager);
  expect(await cascadesOf(manager)).toEqual([[2, 'complete']]);
});

// The first half: an identity provider hires Ada, and the agent platform registers what her agents hold.
import { eventually, type ApiClient } from '@app/testkit';
import { must } from './answers.js';
import { CLIENT_SECRET, stillWorks, type Cast } from './cast.js';
import type { Story } from './story.js';

const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const CORE_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface Person {
  readonly userId: string;
  readonly groupId: string;
}

/** In the shapes that Okta sends. */
export async function hire(story: Story, scim: ApiClient): Promise<Person> {
  story.chapter('1. Okta provisions Ada Lovelace and the group engineering-prod.');
  const filter = encodeURIComponent('userName eq "ada@example.com"');
  const before = must(await scim.get<{ totalResults: number }>(`/Users?filter=${filter}`), 200);
  story.fact('Okta asks for ada@example.com first and is told that there is nobody.', before.totalResults === 0);
  const created = await scim.post<{ id: string; active: boolean }>('/Users', {
    schemas: [CORE_USER],
    userName: 'ada@example.com',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ primary: true, value: 'ada@example.com', type: 'work' }],
    displayName: 'Ada Lovelace',
    locale: 'en-US',
    externalId: '00u1ada',
    groups: [],
    password: 'unsolicited',
    active: true,
  });
  const ada = must(created, 201);
  story.fact('Ada is provisioned; the password that Okta sends along is not kept.', ada.active && !('password' in ada));

  const group = { schemas: [CORE_GROUP], displayName: 'engineering-prod', members: [] };
  const { id: groupId } = must(await scim.post<{ id: string }>('/Groups', group), 201);
  await scim.patch(`/Groups/${groupId}`, {
    schemas: [PATCH_OP],
    Operations: [
      { op: 'replace', value: { id: groupId, displayName: 'engineering-prod' } },
      { op: 'add', path: 'members', value: [{ value: ada.id, display: 'ada@example.com' }] },
    ],
  });
  const read = must(await scim.get<{ members?: { value: string }[] }>(`/Groups/${groupId}`), 200);
  story.fact('Ada is a member of engineering-prod.', read.members?.[0]?.value === ada.id);
  return { userId: ada.id, groupId };
}

export interface Access {
  readonly agentIds: readonly string[];
  readonly flakyTokens: readonly string[];
  readonly liarTokens: readonly string[];
  readonly runIds: readonly string[];
  /** How many things are held on Ada's behalf. */
  readonly count: number;
}

export async function grantAccess(
  story: Story,
  api: ApiClient,
  cast: Cast,
  { userId, groupId }: Person,
): Promise<Access> {
  story.chapter('2. The agent platform registers what her agents hold.');
  await configureProviders(api, cast);
  const agentIds: string[] = [];
  for (const name of ['release-notes-writer', 'incident-triager']) {
    const owned = { name, owners: [{ type: 'User', id: userId }] };
    agentIds.push(must(await api.post<{ id: string }>('/agents', owned), 201).id);
  }
  const [writer, triager] = agentIds as [string, string];
  story.tell('Two agents, owned by Ada: release-notes-writer and incident-triager.');

  let count = 0;
  const register = async (route: string, held: Record<string, unknown>) => {
    count += 1;
    return must(await api.post<{ id: string }>(route, { userId, ...held }), 201);
  };
  const grantAt = async (providerId: string, provider: Cast['flaky'], agentId: string): Promise<string[]> => {
    const { grantId, refreshToken, accessTokens } = provider.issueGrant(2);
    const held = { providerId, agentId, grantId };
    await register('/credentials', { ...held, kind: 'oauth_refresh_token', secret: refreshToken });
    for (const secret of accessTokens) await register('/credentials', { ...held, kind: 'oauth_access_token', secret });
    return [refreshToken, ...accessTokens];
  };
  const flakyTokens = await grantAt('northwind', cast.flaky, writer);
  const liarTokens = await grantAt('contoso', cast.liar, triager);
  const key = { providerId: 'keyring', agentId: triager, reference: { keyId: 'sa-key-7' } };
  await register('/credentials', { ...key, kind: 'service_account_key', requiresGroups: [groupId] });
  story.tell(
    'Two OAuth grants, each a refresh token and two access tokens, and a key for members of engineering-prod.',
  );

  const runIds: string[] = [];
  const { queueName: queue } = cast.workload;
  for (const schedulerId of ['nightly-triage', 'hourly-digest']) {
    const jobId = await cast.workload.schedule(schedulerId, 3_600_000);
    const held = { providerId: 'runner', agentId: triager };
    const { id: scheduleId } = await register('/schedules', { ...held, reference: { queue, schedulerId } });
    await register('/runs', { ...held, scheduleId, reference: { queue, jobId } });
    runIds.push(jobId);
  }
  const working = () => (runIds.every((id) => cast.workload.running().includes(id)) ? true : undefined);
  await eventually('both runs are working', working);
  story.tell('Two schedules on BullMQ, each with a run that is working right now.');
  const alive = await Promise.all([
    ...flakyTokens.slice(1).map((token) => stillWorks(cast.flaky, token)),
    ...liarTokens.slice(1).map((token) => stillWorks(cast.liar, token)),
  ]);
  story.fact('Every access token opens the API of its provider.', alive.every(Boolean));
  const status = must(await api.get<{ mayAct: boolean }>(`/subjects/${triager}/status?onBehalfOf=${userId}`), 200);
  story.fact('May incident-triager act for Ada? The platform is told yes.', status.mayAct);
  return { agentIds, flakyTokens, liarTokens, runIds, count };
}

async function configureProviders(api: ApiClient, cast: Cast): Promise<void> {
  const { url, statusUrl, secret } = cast.keyring;
  const oauth = (issuer: string) => ({
    connector: 'rfc7009',
    settings: { issuer, clientId: 'agent-platform' },
    secret: CLIENT_SECRET,
  });
  const providers = {
    northwind: { displayName: 'Northwind', ...oauth(cast.flaky.issuer) },
    contoso: { displayName: 'Contoso', ...oauth(cast.liar.issuer) },
    keyring: { displayName: 'Keyring', connector: 'webhook', settings: { url, statusUrl }, secret },
    runner: { displayName: 'Agent runner', connector: 'bullmq-schedule', settings: {}, secret: cast.redis.url },
  };
  for (const [id, provider] of Object.entries(providers)) must(await api.put(`/providers/${id}`, provider), 200);
}

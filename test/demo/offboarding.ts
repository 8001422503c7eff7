// The second half: one SCIM request, the gate that says no before it is answered, and the cascade to its end.
import { eventually, type ApiClient } from '@app/testkit';
import { must } from './answers.js';
import { stillWorks, type Cast } from './cast.js';
import type { Access, Person } from './hiring.js';
import type { Story } from './story.js';

interface CascadeView {
  readonly cascadeId: string;
  readonly status: string;
  readonly causeType: string;
  readonly targetCount: number;
  readonly t0: string;
  readonly t1: string;
  readonly t2?: string;
  readonly t3?: string;
  readonly t4?: string;
  readonly targets: { readonly items: readonly TargetView[] };
}

interface TargetView {
  readonly targetId: string;
  readonly providerId: string;
  readonly kind: string;
  readonly grade?: string;
  readonly attempts: number;
  readonly t3?: string;
  readonly t4?: string;
}

interface Asked {
  readonly sentAt: number;
  readonly mayAct: boolean;
}

/** Asks the gate over and over while `during` runs and shortly after. */
async function askWhile(api: ApiClient, path: string, during: () => Promise<void>): Promise<Asked[]> {
  const asked: Asked[] = [];
  let isOver = false;
  const asking = (async () => {
    for (let after = 0; after < 20; after += isOver ? 1 : 0) {
      const sentAt = performance.now();
      const { mayAct } = must(await api.get<{ mayAct: boolean }>(path), 200);
      asked.push({ sentAt, mayAct });
    }
  })();
  await eventually('the gate has been asked', () => (asked.length > 0 ? true : undefined));
  await during();
  isOver = true;
  await asking;
  return asked;
}

export async function deactivate(story: Story, scim: ApiClient, api: ApiClient, person: Person, access: Access) {
  story.chapter('3. Payroll terminates Ada. Entra ID sends one request.');
  let answeredAt = 0;
  const path = `/subjects/${access.agentIds[1]}/status?onBehalfOf=${person.userId}`;
  const asked = await askWhile(api, path, async () => {
    const answer = await scim.patch(`/Users/${person.userId}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
    });
    answeredAt = performance.now();
    const sentence = `PATCH {"op":"Replace","path":"active","value":"False"} is answered ${answer.status} in ${answer.ms.toFixed(1)} ms.`;
    story.fact(sentence, answer.status === 200);
  });
  const yes = asked.filter((one) => one.mayAct).length;
  const yesAfter = asked.filter((one) => one.mayAct && one.sentAt >= answeredAt).length;
  const noAfter = asked.filter((one) => !one.mayAct && one.sentAt >= answeredAt).length;
  story.tell(
    `Meanwhile the platform asked ${asked.length} times whether the agent may act: ${yes} times yes, before the answer.`,
  );
  story.fact('Once the request was answered, the check never said yes again.', yesAfter === 0 && noAfter > 0);
}

/** @returns the id of the cascade */
export async function watchCascade(
  story: Story,
  api: ApiClient,
  cast: Cast,
  { userId }: Person,
  access: Access,
): Promise<string> {
  story.chapter('4. The cascade ends everything that was held on her behalf.');
  const list = async () => {
    const page = must(await api.get<{ items: CascadeView[] }>(`/cascades?person=${userId}`), 200);
    return page.items.length > 0 && page.items.every((one) => one.status !== 'open') ? page.items : undefined;
  };
  const [found, ...others] = (await eventually('the cascade is complete', list, 120_000)) as [CascadeView];
  const cascade = must(await api.get<CascadeView>(`/cascades/${found.cascadeId}?limit=100`), 200);
  const targets = cascade.targets.items;
  story.fact(
    `One cascade, because of ${cascade.causeType}: ${cascade.targetCount} targets.`,
    others.length === 0 && cascade.targetCount === access.count,
  );
  for (const { kind, providerId, grade, attempts } of targets) {
    story.tell(
      `    ${kind.padEnd(20)} at ${providerId.padEnd(10)} grade ${grade ?? '-'} after ${attempts} attempts and probes`,
    );
  }
  story.fact(
    'Every target ended in a graded state.',
    targets.every(({ grade }) => grade !== undefined),
  );
  const since = (time: string | undefined) =>
    time === undefined ? 'never' : `${Date.parse(time) - Date.parse(cascade.t0)} ms`;
  const { t1, t2, t3, t4 } = cascade;
  story.tell(
    `From the request: denied after ${since(t1)}, first attempt ${since(t2)}, last acknowledged ${since(t3)}, last verified ${since(t4)}.`,
  );

  const flakyAnswers = cast.flaky.calls.filter((call) => call.route === 'POST /revoke').map((call) => call.status);
  story.fact(
    `Northwind answered ${flakyAnswers.join(', ')}: its failures were retried.`,
    flakyAnswers.includes(500) && flakyAnswers.includes(429) && flakyAnswers.at(-1) === 200,
  );
  await theLiar(story, api, targets);

  const tokens = [
    ...access.flakyTokens.slice(1).map((token) => stillWorks(cast.flaky, token)),
    ...access.liarTokens.slice(1).map((token) => stillWorks(cast.liar, token)),
  ];
  story.fact('No access token opens the API of its provider any more.', !(await Promise.all(tokens)).some(Boolean));
  const stopped = access.runIds.filter((id) => !cast.workload.running().includes(id)).length;
  story.fact('Both agent runs were stopped while they were working.', stopped === 2);
  return cascade.cascadeId;
}

async function theLiar(story: Story, api: ApiClient, targets: readonly TargetView[]): Promise<void> {
  const histories = await Promise.all(
    targets
      .filter(({ providerId }) => providerId === 'contoso')
      .map(({ targetId }) =>
        api.get<{ grade: string; history: { type: string; sentence: string }[] }>(`/revocations/${targetId}`),
      ),
  );
  const caught = histories.find(({ body }) => body.history.some((line) => line.type === 'VerificationFailed'));
  for (const { sentence } of [...(caught?.body.history ?? [])].reverse()) story.tell(`    ${sentence}`);
  story.fact(
    'Contoso said 200 without revoking: its probe caught it, it was told again, and then verified dead.',
    caught?.body.grade === 'A',
  );
}

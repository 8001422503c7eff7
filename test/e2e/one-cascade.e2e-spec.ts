import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { entraDeactivation, Scenario } from './scenario.js';

let scenario: Scenario;

beforeAll(async () => {
  scenario = await Scenario.start();
});
afterAll(() => scenario.stop());

it('starts one cascade for duplicate, repeated and parallel deactivations, and revokes each credential once', async () => {
  const ada = await scenario.provisionUser('ada@example.com');
  await scenario.register(ada, 10);
  const shapes: unknown[] = [
    entraDeactivation,
    { ...entraDeactivation, Operations: [{ op: 'replace', value: { active: false } }] },
    { ...entraDeactivation, Operations: [{ op: 'Replace', path: 'active', value: [false] }] },
  ];
  const parallel = Array.from({ length: 21 }, (_, i) =>
    scenario.scim.patch(`/Users/${ada}`, shapes[i % shapes.length]),
  );
  const answers = await Promise.all(parallel);
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map((answer) => answer.headers.get('etag'))).size).toBe(1);
  await scenario.completed(ada);
  expect((await scenario.deactivate(ada)).status).toBe(200);

  const cascades = await scenario.cascadesOf(ada);
  expect(cascades.map(({ targetCount }) => targetCount)).toEqual([10]);
  expect(scenario.provider.count('POST /revoke')).toBe(10);
});

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ChangeAgent } from '../agent.commands.js';
import { ProvisionApplication } from '../application.commands.js';
import { Directory } from '../directory.fixture.js';
import { FindAgent, FindApplication } from '../directory.queries.js';

let directory: Directory;
beforeEach(async () => {
  directory = await Directory.open();
});
afterEach(async () => {
  await directory.close();
  expect(directory.errors).toEqual([]);
});

it('an agent that is pushed as a user has one name, alone and among the agents of an application', async () => {
  const ada = await directory.user('ada');
  const pushed = { agentWhen: 'userType eq "Agent"', userType: 'Agent', displayName: 'Ledger bot' };
  const agents = [await directory.user('bot', pushed), await directory.agent('Plain', [{ type: 'User', id: ada }])];
  const billing = new ProvisionApplication(directory.request(), { name: 'Billing', active: true, attributes: {} });
  const application = (await directory.run(billing)).resource.id;
  const { connection: _, ...platform } = directory.request();
  for (const id of agents) {
    await directory.run(new ChangeAgent(platform, id, (agent) => ({ ...agent, applicationIds: [application] })));
  }
  await directory.settled();
  const alone = await Promise.all(agents.map((id) => directory.ask(new FindAgent('acme', id))));
  expect(alone.map((agent) => agent?.name)).toEqual(['Ledger bot', 'Plain']);
  const found = await directory.ask(new FindApplication('acme', application));
  expect(found?.agents?.map(({ display }) => display)).toEqual(['Ledger bot', 'Plain']);
});

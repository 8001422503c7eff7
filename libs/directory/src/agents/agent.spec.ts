import { describe, expect, it } from '@jest/globals';
import { context, facts, given, type Fact } from '../given-when-then.fixture.js';
import { agentAggregate, changeAgent, orphanAgent, storedAgent } from './agent.js';

const ada = { type: 'User', id: 'ada' } as const;
const ops = { type: 'Group', id: 'ops' } as const;
const provisioned: Fact = [
  'AgentProvisioned',
  { agentId: 'a', name: 'Bot', active: true, owners: [ada], resource: { description: 'x' } },
];
const orphaned: Fact = ['AgentOrphaned', { agentId: 'a' }];
const same = { name: 'Bot', active: true, owners: [ada], attributes: { description: 'x' } };
const orphan = { agentId: 'a', generation: 1, eventId: 'e1' };

describe('changing an agent', () => {
  const agent = given(agentAggregate, provisioned);

  it('to what it is already records nothing', () => {
    expect(changeAgent(agent, 'a', same, 'r', context)).toEqual([]);
  });

  it('names what differs', () => {
    const write = { ...same, name: 'Robot', attributes: { title: 'y' } };
    expect(facts(changeAgent(agent, 'a', write, 'r', context))).toEqual([
      [
        'AgentChanged',
        { agentId: 'a', name: 'Robot', resource: { title: 'y' }, changed: ['name', 'description', 'title'] },
      ],
    ]);
  });

  it('deactivates first and reactivates last', () => {
    const off = changeAgent(agent, 'a', { ...same, active: false, owners: [ops] }, 'left', context);
    expect(facts(off)).toEqual([
      ['AgentDeactivated', { agentId: 'a', reason: 'left' }],
      ['AgentOwnersChanged', { agentId: 'a', added: [ops], removed: [ada] }],
    ]);
    const suspended = given(agentAggregate, provisioned, orphaned);
    expect(facts(changeAgent(suspended, 'a', { ...same, owners: [ada, ops] }, 'r', context))).toEqual([
      ['AgentOwnersChanged', { agentId: 'a', added: [ops], removed: [] }],
      ['AgentReactivated', { agentId: 'a', generation: 2 }],
    ]);
  });

  it('shows the agent as stored', () => {
    expect(storedAgent('a', agent, 0n)).toMatchObject({ id: 'a', ...same, revision: 0n });
  });
});

describe('orphaning an agent', () => {
  it('suspends it under the id derived from the cause', () => {
    const [event] = orphanAgent(given(agentAggregate, provisioned), orphan, context);
    expect(event).toMatchObject({ id: 'e1', type: 'AgentOrphaned', data: { agentId: 'a' } });
  });

  it.each<[string, Fact[]]>([
    ['is suspended already', [provisioned, orphaned]],
    ['was deactivated', [provisioned, ['AgentDeactivated', { agentId: 'a', reason: 'r' }]]],
    ['is deleted', [provisioned, ['AgentDeleted', { agentId: 'a' }]]],
    ['was reactivated since', [provisioned, orphaned, ['AgentReactivated', { agentId: 'a', generation: 2 }]]],
    ['does not exist', []],
  ])('leaves it alone when it %s', (_, facts) => {
    expect(orphanAgent(given(agentAggregate, ...facts), orphan, context)).toEqual([]);
  });
});

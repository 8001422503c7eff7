import type { EventType, RecordedEvent } from '@app/events';
import { expect, it } from '@jest/globals';
import { affectedBy, isRoleWork } from './affected.js';
import type { People } from './people.js';
import { rolesAggregate } from './roles.js';

const fact = (type: EventType, data: object) =>
  ({ type, data, metadata: { tenant: 'acme' } }) as unknown as RecordedEvent;
const conditionOf = () => {
  throw new Error('there is no condition');
};
const affected = async (event: RecordedEvent) => {
  const { everybody, some } = await affectedBy([event], { ...rolesAggregate.initial(), conditionOf }, {} as People);
  return everybody === undefined ? [...some.keys()] : 'everybody';
};

it.each(['Provisioned', 'Changed', 'Deactivated', 'Reactivated', 'HandedOver', 'Deleted'])(
  'whoever is %s is looked at again, pushed as a user or as an agent',
  async (what) => {
    const user = fact(`User${what}` as EventType, { userId: 'ada' });
    const agent = fact(`Agent${what}` as EventType, { agentId: 'bot', user: { sealed: 's' } });
    expect([await affected(user), await affected(agent)]).toEqual([['ada'], ['bot']]);
    expect([user, agent].every(isRoleWork)).toBe(true);
  },
);

it('what changes nobody’s roles is not looked at', async () => {
  const renamed = fact('AgentChanged', { agentId: 'bot' });
  const created = fact('GroupCreated', { groupId: 'ops' });
  expect([await affected(renamed), await affected(created)]).toEqual([[], []]);
  expect(isRoleWork(created)).toBe(false);
});

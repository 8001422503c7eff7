import { describe, expect, it } from '@jest/globals';
import type { EventData } from '@app/events';
import { after, context, facts, given, GIVEN_AT } from '../given-when-then.fixture.js';
import { changeUser, userAggregate } from './user.js';

const provisioned = (active = true) => {
  const data: EventData['UserProvisioned'] = { userId: 'u', active, dataKeyId: 'k', userNameHash: 'h', sealed: 's0' };
  return ['UserProvisioned', data] as const;
};
const deactivated = ['UserDeactivated', { userId: 'u' }] as const;
const resource = { userNameHash: 'h2', sealed: 's1', changed: ['displayName'] };

describe('a user', () => {
  it('is nobody before the first fact', () => {
    expect(given(userAggregate)).toMatchObject({ status: 'none', active: false, generation: 0 });
  });

  it('is in generation 1 when provisioned, sealed by that event', () => {
    const user = given(userAggregate, provisioned());
    expect(user).toMatchObject({ status: 'present', active: true, generation: 1, sealedBy: 'UserProvisioned' });
    expect([user.created, user.lastModified]).toEqual([GIVEN_AT, GIVEN_AT]);
  });

  it('remembers which event its attributes were sealed for', () => {
    const user = given(userAggregate, provisioned());
    const changed = after(userAggregate, user, changeUser(user, 'u', { active: true, resource }, context));
    expect(changed).toMatchObject({ sealed: 's1', sealedBy: 'UserChanged', userNameHash: 'h2', created: GIVEN_AT });
    expect(changed.lastModified).toBe(context.at);
  });

  it('keeps nothing sealed once deleted', () => {
    const user = given(userAggregate, provisioned(), ['UserDeleted', { userId: 'u', userNameHash: 'h' }]);
    expect(user).toMatchObject({ status: 'deleted', active: false, sealed: '', dataKeyId: '' });
  });
});

describe('changing a user', () => {
  it('to what it is already records nothing', () => {
    expect(changeUser(given(userAggregate, provisioned()), 'u', { active: true }, context)).toEqual([]);
    expect(changeUser(given(userAggregate, provisioned(false)), 'u', { active: false }, context)).toEqual([]);
  });

  it('denies before it describes', () => {
    const events = changeUser(given(userAggregate, provisioned()), 'u', { active: false, resource }, context);
    expect(facts(events)).toEqual([
      ['UserDeactivated', { userId: 'u' }],
      ['UserChanged', { userId: 'u', ...resource }],
    ]);
    expect(events.every((event) => event.metadata.causationId === 'request-1')).toBe(true);
  });

  it('opens a generation with every reactivation', () => {
    const again = ['UserReactivated', { userId: 'u', generation: 2 }] as const;
    const user = given(userAggregate, provisioned(), deactivated, again, deactivated);
    expect(facts(changeUser(user, 'u', { active: true }, context))).toEqual([
      ['UserReactivated', { userId: 'u', generation: 3 }],
    ]);
  });
});

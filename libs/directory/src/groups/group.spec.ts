import { describe, expect, it } from '@jest/globals';
import type { EventData, MemberRef, NewEvent } from '@app/events';
import { after, context, facts, given, type Fact } from '../given-when-then.fixture.js';
import { changeGroup, groupAggregate, MEMBERS_PER_APPEND, MEMBERS_PER_EVENT, membersOf } from './group.js';

const user = (id: string): MemberRef => ({ id, type: 'User' });
const created = ['GroupCreated', { groupId: 'g', displayName: 'Ops', resource: { displayName: 'Ops' } }] as const;
const joined = (...ids: string[]): Fact => [
  'GroupMembershipChanged',
  { groupId: 'g', added: ids.map(user), removed: [] },
];
const nothing = { attributes: {}, changed: [], added: [], removed: [] };
const many = (n: number) => Array.from({ length: n }, (_, i) => user(`u${i}`));
const membership = (event: NewEvent) => event.data as EventData['GroupMembershipChanged'];

describe('changing a group', () => {
  it('records nothing for members that are in already or not in at all', () => {
    const group = given(groupAggregate, created, joined('a'));
    expect(changeGroup(group, 'g', { ...nothing, added: [user('a')], removed: ['b'] }, context).events).toEqual([]);
  });

  it('records only what differs, each member once', () => {
    const group = given(groupAggregate, created, joined('a', 'b'));
    const delta = { ...nothing, added: [user('c'), user('c'), user('a')], removed: ['b', 'b'] };
    expect(facts(changeGroup(group, 'g', delta, context).events)).toEqual([
      ['GroupMembershipChanged', { groupId: 'g', added: [user('c')], removed: [user('b')] }],
    ]);
  });

  it('records a new name beside the members', () => {
    const group = given(groupAggregate, created);
    const delta = { ...nothing, attributes: { displayName: 'Dev' }, changed: ['displayName'], added: [user('a')] };
    expect(changeGroup(group, 'g', delta, context).events.map((event) => event.type)).toEqual([
      'GroupChanged',
      'GroupMembershipChanged',
    ]);
  });

  it('cuts many members into events and says when there is more than one append holds', () => {
    const group = given(groupAggregate, created);
    const { events, rest } = changeGroup(group, 'g', { ...nothing, added: many(MEMBERS_PER_EVENT + 1) }, context);
    expect(events.map((event) => membership(event).added.length)).toEqual([MEMBERS_PER_EVENT, 1]);
    expect(rest).toBe(false);
    const large = changeGroup(group, 'g', { ...nothing, added: many(MEMBERS_PER_APPEND + 1) }, context);
    expect(large.rest).toBe(true);
    const then = changeGroup(
      after(groupAggregate, group, large.events),
      'g',
      { ...nothing, added: many(MEMBERS_PER_APPEND + 1) },
      context,
    );
    expect(then.events.map((event) => membership(event).added)).toEqual([[user(`u${MEMBERS_PER_APPEND}`)]]);
  });

  it('shows members by id', () => {
    const members = membersOf(given(groupAggregate, created, joined('a', 'b')));
    expect([members.size, members.has('a'), members.has('c'), [...members.ids()]]).toEqual([
      2,
      true,
      false,
      ['a', 'b'],
    ]);
  });
});

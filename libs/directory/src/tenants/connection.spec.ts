import { describe, expect, it } from '@jest/globals';
import { NotFound } from '../directory.errors.js';
import { after, context, facts, given, type Fact } from '../given-when-then.fixture.js';
import type { ConnectionChanges } from '../tenant.commands.js';
import { changeProfile, connectionAggregate } from './connection.js';

const opened: Fact = ['ConnectionOpened', { connectionId: 'c', name: 'Okta', dialect: 'lenient' }];
const paused: Fact = ['ConnectionPaused', { connectionId: 'c' }];
const closed: Fact = ['ConnectionClosed', { connectionId: 'c' }];
const rule = 'userType eq "Agent"';

const change = (changes: ConnectionChanges, ...past: Fact[]) =>
  changeProfile(given(connectionAggregate, ...past), changes, 'c', context);

describe('a change of a connection', () => {
  it('is one event with all that the connection is, which names what is otherwise', () => {
    expect(facts(change({ name: 'Entra ID', agentWhen: rule, dialect: 'lenient' }, opened))).toEqual([
      [
        'ConnectionChanged',
        {
          connectionId: 'c',
          name: 'Entra ID',
          dialect: 'lenient',
          agentWhen: rule,
          agentNameKey: 'agentUserName',
          changed: ['name', 'agentWhen'],
        },
      ],
    ]);
  });

  it('goes on from the last one, and takes the rule away where it is null', () => {
    const state = given(connectionAggregate, opened, paused);
    const ruled = after(connectionAggregate, state, changeProfile(state, { agentWhen: rule }, 'c', context));
    expect(ruled.state).toBe('paused');
    const [event] = changeProfile(ruled, { agentWhen: null, agentNameKey: 'name' }, 'c', context);
    expect(event?.data).toEqual({
      connectionId: 'c',
      name: 'Okta',
      dialect: 'lenient',
      agentNameKey: 'name',
      changed: ['agentWhen', 'agentNameKey'],
    });
  });

  it.each<[string, ConnectionChanges]>([
    ['nothing', {}],
    ['what it is already', { name: 'Okta', dialect: 'lenient' }],
    ['what it is without a word', { agentNameKey: 'agentUserName' }],
    ['no rule where there is none', { agentWhen: null }],
  ])('to %s is none', (_, changes) => {
    expect(change(changes, opened)).toEqual([]);
  });

  it('needs a connection that is open or paused', () => {
    expect(() => change({ name: 'x' })).toThrow(NotFound);
    expect(() => change({ name: 'x' }, opened, closed)).toThrow(NotFound);
  });
});

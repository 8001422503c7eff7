import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@app/events';
import { newEvent } from '@app/event-log';
import { context } from '../given-when-then.fixture.js';
import { claimOf, hasName } from './user-name.js';

const sealed = { userId: 'u', dataKeyId: 'k', sealed: 's' };
const provisioned = newEvent(
  'UserProvisioned',
  { ...sealed, active: true, userNameHash: 'h' },
  context,
) as RecordedEvent;
const renamed = newEvent('UserChanged', { ...sealed, userNameHash: 'other', changed: [] }, context) as RecordedEvent;
const deactivated = newEvent('UserDeactivated', { userId: 'u' }, context) as RecordedEvent;
const deleted = newEvent('UserDeleted', { userId: 'u', userNameHash: 'h' }, context) as RecordedEvent;

const tells = (newestFirst: readonly object[], hash: string) =>
  hasName(newestFirst as RecordedEvent[], hash, (type, name) => `${type} ${name}`);

describe('a claim', () => {
  it('is what the last event of the name says', () => {
    const until = '2026-01-01T00:01:00.000Z';
    const reserved = newEvent('UserNameReserved', { userId: 'u', until }, context) as RecordedEvent;
    const released = newEvent('UserNameReleased', { userId: 'u' }, context) as RecordedEvent;
    expect(claimOf(reserved)).toEqual({ userId: 'u', until });
    expect(claimOf(released).userId).toBeUndefined();
    expect(claimOf(undefined).userId).toBeUndefined();
  });

  it('stands while its user has the name', () => {
    expect(tells([deactivated, provisioned], 'h')).toBe(true);
    expect(tells([deactivated, renamed, provisioned], 'h')).toBe(false);
    expect(tells([deleted, provisioned], 'h')).toBe(false);
    expect(tells([deactivated], 'h')).toBeUndefined();
  });

  it('stands while an agent or an application has the name, and not for one of the other kind', () => {
    const agent = newEvent(
      'AgentProvisioned',
      { agentId: 'a', name: 'bot', active: true, owners: [], resource: {} },
      context,
    );
    const moved = newEvent('AgentChanged', { agentId: 'a', name: 'robot', resource: {}, changed: ['name'] }, context);
    const described = newEvent(
      'AgentChanged',
      { agentId: 'a', name: 'bot', resource: {}, changed: ['description'] },
      context,
    );
    const application = newEvent(
      'ApplicationProvisioned',
      { applicationId: 'p', name: 'bot', active: true, resource: {} },
      context,
    );
    const gone = newEvent('ApplicationDeleted', { applicationId: 'p' }, context);
    expect(tells([described, agent], 'Agent bot')).toBe(true);
    expect(tells([moved, agent], 'Agent bot')).toBe(false);
    expect(tells([moved, agent], 'Agent robot')).toBe(true);
    expect(tells([application], 'Agent bot')).toBe(false);
    expect(tells([application], 'Application bot')).toBe(true);
    expect(tells([gone, application], 'Application bot')).toBe(false);
  });
});

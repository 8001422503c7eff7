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
    expect(hasName([deactivated, provisioned], 'h')).toBe(true);
    expect(hasName([deactivated, renamed, provisioned], 'h')).toBe(false);
    expect(hasName([deleted, provisioned], 'h')).toBe(false);
    expect(hasName([deactivated], 'h')).toBeUndefined();
  });
});

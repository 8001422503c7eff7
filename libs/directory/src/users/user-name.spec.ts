import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@app/events';
import { newEvent } from '@app/event-log';
import { context } from '../given-when-then.fixture.js';
import { claimOf, foldCase, hasName } from './user-name.js';

const sealed = { userId: 'u', dataKeyId: 'k', sealed: 's' };
const provisioned = newEvent(
  'UserProvisioned',
  { ...sealed, active: true, userNameHash: 'h' },
  context,
) as RecordedEvent;
const renamed = newEvent('UserChanged', { ...sealed, userNameHash: 'other', changed: [] }, context) as RecordedEvent;
const deactivated = newEvent('UserDeactivated', { userId: 'u' }, context) as RecordedEvent;
const deleted = newEvent('UserDeleted', { userId: 'u', userNameHash: 'h' }, context) as RecordedEvent;

describe('names', () => {
  it.each([
    ['Ada@Acme.Test', 'ada@acme.test'],
    ['ＡＤＡ', 'ada'],
    ['ÄRGER', 'a\u0308rger'],
    ['ﬁsh', 'FISH'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
  ])('%s and %s are the same', (one, other) => {
    expect(foldCase(one)).toBe(foldCase(other));
  });

  it.each([
    ['ada', 'adam'],
    ['ada', 'ádá'],
    ['ılker', 'ilker'],
  ])('%s and %s are not the same', (one, other) => {
    expect(foldCase(one)).not.toBe(foldCase(other));
  });
});

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

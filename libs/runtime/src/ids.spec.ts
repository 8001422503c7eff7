// Ids look like UUIDs of their version, and each kind keeps its promise.
import { describe, expect, it } from '@jest/globals';
import { derivedId, newId } from './ids.js';

const uuid = (version: number): RegExp =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

describe('ids', () => {
  it('sort by time, and differ within a millisecond', () => {
    const times = [0, 1, 1_699_999_999_999, 1_700_000_000_000, 2 ** 48 - 1];
    const ids = times.map((now) => newId(now));
    for (const id of ids) expect(id).toMatch(uuid(7));
    expect([...ids].sort()).toEqual(ids);
    expect(newId(5)).not.toBe(newId(5));
  });

  it('are the same for the same parts where they are derived, wherever one part ends and the next begins', () => {
    expect(derivedId('a', 'b')).toMatch(uuid(8));
    // What every version of the service has computed.
    expect(derivedId('a', 'b')).toBe('facdde7a-bf1e-8c5b-b012-73ab2e282f79');
    expect(new Set([derivedId('a', 'b'), derivedId('ab'), derivedId('ab', ''), derivedId('b', 'a')]).size).toBe(4);
  });
});

import { describe, expect, it } from '@jest/globals';
import { Lane, type DueRow } from './lane.js';
import type { TargetFact } from './outcome.js';

const MINUTE = 60_000;
const about = { cascadeId: 'c', attempt: { number: 1, startedAt: '', endedAt: '' } };
const evidence = { adapter: 'test@1', request: 'none', conclusion: 'said so' };

const row = (id: string, ord = 20): DueRow => ({ target_id: id, generation: 1, attempts: 0, revision: -1, ord });
const yes = (targetId: string): TargetFact => ({
  type: 'RevocationAcknowledged',
  data: { ...about, targetId, alreadyGone: false, evidence },
});
const refusal = (targetId: string): TargetFact => ({
  type: 'RevocationParked',
  data: { ...about, targetId, class: 'connector-broken', reason: 'refused', until: '' },
});

/** Hands out what may go of these, @returns their ids */
function handOut(lane: Lane, ...rows: DueRow[]): string[] {
  const next = lane.next(rows, lane.look());
  lane.handOut(next, 0);
  return next.map(({ target_id }) => target_id);
}

/** The target's way from an answer to the rows. */
function end(lane: Lane, fact: TargetFact, now = 0): void {
  lane.onRecorded(fact.data.targetId, fact, now);
  lane.onCommitted(fact.data.targetId);
}

describe('a lane', () => {
  it('hands out nothing twice, and nothing that was just committed', () => {
    const lane = new Lane('acme', 'p', 2);
    expect(handOut(lane, row('a'), row('b'), row('c'))).toEqual(['a', 'b']);
    const asked = lane.look();
    end(lane, yes('a'));
    expect(lane.next([row('a'), row('b'), row('c')], asked).map((next) => next.target_id)).toEqual(['c']);
  });

  it('hands out what comes first, and the rest when that has an outcome', () => {
    const lane = new Lane('acme', 'p', 9);
    expect(handOut(lane, row('refresh', 10), row('access'))).toEqual(['refresh']);
    expect(handOut(lane, row('access'))).toEqual([]);
    end(lane, yes('refresh'));
    expect(handOut(lane, row('access'))).toEqual(['access']);
  });

  it('tries another one at once when it is refused, whatever comes first', () => {
    const lane = new Lane('acme', 'p', 9);
    handOut(lane, row('refresh', 10));
    end(lane, refusal('refresh'));
    expect(lane.status(0)).toMatchObject({ broken: true, pausedUntil: undefined });
    expect(handOut(lane, row('a'), row('b'), row('refresh', 10))).toEqual(['a']);
  });

  it('pauses when trials with different targets are refused, and opens with the first yes', () => {
    const lane = new Lane('acme', 'p', 9);
    handOut(lane, row('a'));
    end(lane, refusal('a'));
    handOut(lane, row('a'));
    end(lane, refusal('a'), 1);
    expect(lane.pausedUntil).toBe(0);
    handOut(lane, row('b'));
    end(lane, refusal('b'), 2);
    expect(lane.pausedUntil).toBe(2 + 5 * MINUTE);
    handOut(lane, row('c'));
    expect(lane.onRecorded('c', yes('c'), 3)).toBe(true);
    expect(lane.status(3)).toMatchObject({ broken: false, pausedUntil: undefined });
  });

  it('knows whose refusal another one has disproved, until the provider is configured anew', () => {
    const lane = new Lane('acme', 'p', 9);
    handOut(lane, row('a'), row('b'), row('c'));
    end(lane, refusal('a'));
    expect(lane.isDisproved('a')).toBe(false);
    end(lane, yes('b'));
    expect([lane.isDisproved('a'), lane.isDisproved('b'), lane.isDisproved('c')]).toEqual([true, false, false]);
    lane.reopen();
    expect(lane.isDisproved('a')).toBe(false);
  });

  it('forgets a refusal when the same target is accepted', () => {
    const lane = new Lane('acme', 'p', 9);
    handOut(lane, row('a'));
    end(lane, refusal('a'));
    end(lane, yes('a'));
    expect(lane.isDisproved('a')).toBe(false);
  });
});

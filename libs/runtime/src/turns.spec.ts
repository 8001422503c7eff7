// Many parts take many turns, in order, and what comes in is served between them.
import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { Turns } from './turns.js';

/** Parts that take a ms each by a clock that only they move. */
function partsOf(turns: Turns, clock: { ms: number }, done: number[]) {
  return async (part: number): Promise<void> => {
    await turns.share();
    clock.ms += 1;
    done.push(part);
  };
}

const NUMBERS = Array.from({ length: 23 }, (_, i) => i);

describe('parts of much work', () => {
  const clock = { ms: 0 };
  const turns = new Turns(() => clock.ms);

  it('follow one another for 4 ms, then others have a turn, and none is overtaken', async () => {
    const done: number[] = [];
    const all = Promise.all(NUMBERS.map(partsOf(turns, clock, done)));
    const seen: number[] = [];
    while (done.length < NUMBERS.length) {
      await turn();
      seen.push(done.length);
    }
    await all;
    expect(done).toEqual(NUMBERS);
    const largest = Math.max(...seen.map((count, i) => count - (seen[i - 1] ?? 0)));
    // Between two looks lie two slices at most.
    expect(largest).toBeGreaterThanOrEqual(4);
    expect(largest).toBeLessThanOrEqual(10);
  });

  it('that come one at a time wait for nothing', async () => {
    for (const _ of NUMBERS) {
      const first = await Promise.race([turns.share().then(() => 'part'), turn('turn')]);
      expect(first).toBe('part');
    }
  });

  it('of several loops go on by turns', async () => {
    const done: string[] = [];
    const loop = async (name: string): Promise<void> => {
      for (let i = 0; i < 20; i += 1) {
        await turns.share();
        clock.ms += 4;
        done.push(name);
      }
    };
    await Promise.all([loop('a'), loop('b')]);
    expect(done.slice(10, 30).filter((name) => name === 'a')).toHaveLength(10);
  });
});

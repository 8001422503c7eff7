import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { SystemClock } from './clock.js';

const DAY = 86_400_000;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

it('calls back at its time and not before, also where no single timer reaches that far', () => {
  const called: number[] = [];
  const clock = new SystemClock();
  clock.at(60 * DAY, () => called.push(clock.now()));
  const cancel = clock.at(61 * DAY, () => called.push(-1));
  jest.advanceTimersByTime(60 * DAY - 1);
  expect(called).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(called).toEqual([60 * DAY]);
  cancel();
  jest.advanceTimersByTime(DAY);
  expect(called).toEqual([60 * DAY]);
});

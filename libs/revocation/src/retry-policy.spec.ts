import { describe, expect, it } from '@jest/globals';
import { DEFAULT_RETRY_CURVE, DEFAULT_RETRY_POLICY, nextWait } from './retry-policy.js';

describe('the retry curve', () => {
  it('lasts about three days', () => {
    const days = DEFAULT_RETRY_CURVE.reduce((sum, wait) => sum + wait, 0) / 86_400_000;
    expect(days).toBeGreaterThan(3);
    expect(days).toBeLessThan(3.5);
  });

  it('spreads targets over ±20 % and is the same for the same target and attempt', () => {
    const waits = Array.from({ length: 200 }, (_, i) => nextWait(DEFAULT_RETRY_POLICY, `target-${i}`, 1) as number);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(4_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(6_000);
    expect(new Set(waits).size).toBeGreaterThan(100);
    expect(nextWait(DEFAULT_RETRY_POLICY, 'target-7', 1)).toBe(waits[7]);
  });

  it('ends', () => {
    expect(nextWait(DEFAULT_RETRY_POLICY, 't', DEFAULT_RETRY_CURVE.length)).toBeDefined();
    expect(nextWait(DEFAULT_RETRY_POLICY, 't', DEFAULT_RETRY_CURVE.length + 1)).toBeUndefined();
  });
});

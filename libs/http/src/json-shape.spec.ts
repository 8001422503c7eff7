import { describe, expect, it } from '@jest/globals';
import { hasDuplicateKeys } from './duplicate-keys.js';

const duplicates = (json: string) => hasDuplicateKeys(Buffer.from(json), JSON.parse(json));

describe('keys that stand twice in one object', () => {
  it.each([
    ['{"a":1,"a":2}'],
    ['{"a":1,"\\u0061":2}'],
    ['[{"a":{"b":1,"b":1}}]'],
    ['{"__proto__":1,"__proto__":2}'],
    ['{"1":0,"1":0}'],
  ])('are found in %s', (json) => {
    expect(duplicates(json)).toBe(true);
  });

  it.each([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}'],
    ['{"a:b\\":":"x:\\\\"}'],
    ['{"ü":"\\ud83d\\ude00:","":null}'],
    ['":"'],
    ['7'],
    ['{}'],
    ['{"__proto__":{"constructor":1}}'],
  ])('are not seen in %s', (json) => {
    expect(duplicates(json)).toBe(false);
  });

  it('are looked for in the deepest body that fits', () => {
    const depth = 500_000;
    expect(duplicates(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toBe(false);
  });
});

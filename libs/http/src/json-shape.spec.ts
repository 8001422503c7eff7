import { describe, expect, it } from '@jest/globals';
import { keysKept, shapeOf } from './json-shape.js';

const shape = (json: string) => shapeOf(Buffer.from(json));
const duplicates = (json: string) => shape(json).keys !== keysKept(JSON.parse(json));

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

describe('the depth of a body', () => {
  it.each([
    ['7', 0],
    ['"[{"', 0],
    ['[]', 1],
    ['[[],[],{}]', 2],
    ['{"a":[{"b":"]}"}],"c":{}}', 3],
    ['[["\\""],[[1]]]', 3],
    ['['.repeat(500_000), 500_000],
  ])('of %.20s is %i', (json, depth) => {
    expect(shape(json).depth).toBe(depth);
  });
});

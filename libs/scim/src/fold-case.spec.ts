import { describe, expect, it } from '@jest/globals';
import { foldCase } from './fold-case.js';

describe('texts', () => {
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

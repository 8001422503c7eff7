// What a start takes, and that whatever else is answered with a sentence.
import { describe, expect, it } from '@jest/globals';
import { readArguments, USAGE, UsageError } from './arguments.js';

describe('the arguments of a start', () => {
  it('are three, and a text that explains them', () => {
    expect(readArguments([])).toEqual({ json: false, issueKeys: false, tenant: undefined, help: false });
    expect(readArguments(['--json', '--issue-keys', '--tenant', 'acme'])).toEqual({
      json: true,
      issueKeys: true,
      tenant: 'acme',
      help: false,
    });
    expect(readArguments(['-h']).help).toBe(true);
    for (const flag of ['--json', '--issue-keys', '--tenant']) expect(USAGE).toContain(flag);
  });

  it.each([
    [['--bogus']],
    [['extra']],
    [['--tenant']],
    [['--tenant', '']],
    [['--tenant', '../x']],
    [['--tenant', '--issue-keys']],
    [['--issue-keys=yes']],
  ])('are refused when they are %j', (args) => {
    expect(() => readArguments(args)).toThrow(UsageError);
  });
});

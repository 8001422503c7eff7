import { describe, expect, it } from '@jest/globals';
import { postpone } from './bulk-circle.js';
import type { ScimValue } from './change-set.js';
import { createRegistry } from './schema/registry.js';

const registry = createRegistry();
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const waits = (value: ScimValue): boolean => JSON.stringify(value).includes('bulkId:');
const split = (type: string, data: ScimValue) => {
  const parts = postpone(registry.type(type), data, waits);
  const operations = (parts?.rest as { Operations: { op: string; path: string; value: ScimValue }[] } | undefined)
    ?.Operations;
  return parts && [parts.data, operations?.map(({ op, path, value }) => [op, path, value])];
};

describe('what waits in a resource', () => {
  it.each<[string, string, ScimValue, ScimValue, [string, ScimValue][]]>([
    ['elements of a list', 'Group', { members: [1, 'bulkId:a'] }, { members: [1] }, [['members', ['bulkId:a']]]],
    [
      'a value in an extension',
      'User',
      { [enterprise]: { manager: 'bulkId:a', division: 'x' } },
      { [enterprise]: { division: 'x' } },
      [[`${enterprise}:manager`, 'bulkId:a']],
    ],
    [
      'all of an extension',
      'User',
      { [enterprise.toUpperCase()]: { Manager: 'bulkId:a' } },
      {},
      [[`${enterprise}:manager`, 'bulkId:a']],
    ],
    [
      'what a path names',
      'User',
      { [`${enterprise}:manager.value`]: 'bulkId:a' },
      {},
      [[`${enterprise}:manager.value`, 'bulkId:a']],
    ],
    [
      'owners where nobody asks for them',
      'AgenticIdentity',
      { owners: ['bulkId:a'] },
      { owners: [] },
      [['owners', ['bulkId:a']]],
    ],
    ['an owner of several', 'Agent', { owners: [1, 'bulkId:a'] }, { owners: [1] }, [['owners', ['bulkId:a']]]],
    ['a list that is sent as one value', 'Group', { members: 'bulkId:a' }, {}, [['members', 'bulkId:a']]],
  ])('is left out and added later: %s', (_, type, data, now, later) => {
    expect(split(type, data)).toEqual([now, later.map(([path, value]) => ['add', path, value])]);
  });

  it('is neither sent nor added where the server decides what it is', () => {
    expect(split('User', { title: 'x', groups: ['bulkId:a'] })).toEqual([{ title: 'x' }, undefined]);
  });

  it.each<[string, string, ScimValue]>([
    ['required', 'User', { userName: 'bulkId:a' }],
    ['required to create it', 'Agent', { owners: [{ value: 'bulkId:a' }] }],
    ['immutable', 'Agent', { parent: { value: 'bulkId:a' } }],
    ['unknown', 'User', { boss: 'bulkId:a' }],
    ['unknown in an extension', 'User', { [enterprise]: { boss: 'bulkId:a' } }],
    ['no attribute at all', 'User', ['bulkId:a']],
  ])('cannot be left out when it is %s', (_, type, data) => {
    expect(split(type, data)).toBeUndefined();
  });
});

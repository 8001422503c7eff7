// Laws every write obeys, over generated resources and operations.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createRegistry,
  membersToShow,
  memberSet,
  parseResource,
  patchChangeSet,
  patchOpSchema,
  replaceChangeSet,
  resourceBody,
  type MemberSet,
  type ScimAttributes,
  type ScimValue,
} from '../index.js';

const runs = { seed: 7644, numRuns: 1000 };
const registry = createRegistry();
const userType = registry.type('User');
const groupType = registry.type('Group');
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const word = fc.constantFrom('a', 'A', 'b', 'work', 'home', 'long word', 'ü');
const optional = { requiredKeys: [] as never[] };
const entries = fc.array(
  fc.record({ value: word, type: word, display: word, primary: fc.boolean() }, { requiredKeys: ['value'] }),
  { maxLength: 3 },
);
const body = fc.record(
  {
    userName: word,
    displayName: word,
    active: fc.boolean(),
    externalId: word,
    name: fc.record({ givenName: word, familyName: word }, optional),
    emails: entries,
    roles: entries,
    [enterprise]: fc.record(
      {
        department: word,
        manager: fc.record({ value: word, $ref: fc.constantFrom('/Users/a', '/Users/b') }, { requiredKeys: ['value'] }),
      },
      optional,
    ),
  },
  { requiredKeys: ['userName'] },
);
const user: fc.Arbitrary<ScimAttributes> = body.map((given) => parseResource(userType, given).attributes);

const verb = fc.constantFrom('add', 'replace', 'Add', 'Replace');
const userOperation = fc.oneof(
  fc.record({ op: verb, path: fc.constantFrom('displayName', 'name.givenName', 'userName'), value: word }),
  fc.record({ op: verb, path: fc.constant('active'), value: fc.constantFrom(true, false, 'True', 'False') }),
  fc.record({ op: verb, path: fc.constantFrom('emails', 'roles'), value: entries }),
  fc.record({ op: verb, path: fc.constantFrom(`${enterprise}:department`, `${enterprise}:manager`), value: word }),
  fc.record({
    op: verb,
    path: fc.constant(`${enterprise}:manager`),
    value: fc.record({ value: fc.constantFrom('a', 'b', '', null) }),
  }),
  fc.record({
    op: verb,
    path: fc.constant(`${enterprise}:manager.value`),
    value: fc.constantFrom('a', 'b', '', null),
  }),
  fc.record({
    op: verb,
    value: fc.record({ displayName: word, active: fc.boolean(), 'name.familyName': word }, optional),
  }),
  fc.record({
    op: fc.constant('remove'),
    path: fc.constantFrom('displayName', 'name', 'name.givenName', 'emails', enterprise, `${enterprise}:manager.value`),
  }),
  fc.record({ op: fc.constant('Remove'), path: fc.constantFrom('roles', 'emails'), value: entries }),
  fc.record({ op: fc.constant('remove'), path: word.map((value) => `emails[value eq "${value}"]`) }),
);
const patch = (operations: readonly unknown[]) => ({ schemas: [patchOpSchema], Operations: operations });

describe('a write', () => {
  it('changes nothing when the same PATCH comes again', () => {
    let changed = 0;
    fc.assert(
      fc.property(user, fc.array(userOperation, { minLength: 1, maxLength: 4 }), (source, operations) => {
        const first = patchChangeSet(userType, source, undefined, patch(operations));
        changed += Number(!first.noop);
        expect(patchChangeSet(userType, first.next, undefined, patch(operations)).changes).toEqual([]);
      }),
      runs,
    );
    expect(changed).toBeGreaterThan(runs.numRuns / 2);
  });

  it('changes nothing when what was read is put back', () => {
    fc.assert(
      fc.property(user, (source) => {
        const read = resourceBody(userType, { id: 'u1', attributes: source, meta: { version: 'W/"1"' } });
        expect(replaceChangeSet(userType, source, undefined, JSON.parse(JSON.stringify(read)))).toMatchObject({
          noop: true,
          next: source,
        });
      }),
      runs,
    );
  });

  it('changes nothing when what is there is added again, though a list hold what counts as the same twice', () => {
    fc.assert(
      fc.property(user, (source) => {
        const again = patch([{ op: 'add', value: source }]);
        expect(patchChangeSet(userType, source, undefined, again).changes).toEqual([]);
      }),
      runs,
    );
  });

  it('leaves what could have been created so at once', () => {
    fc.assert(
      fc.property(user, fc.array(userOperation, { minLength: 1, maxLength: 4 }), (source, operations) => {
        const { next } = patchChangeSet(userType, source, undefined, patch(operations));
        expect(parseResource(userType, next).attributes).toEqual(next);
      }),
      runs,
    );
  });

  it('names a change exactly when something differs, and never touches what it was given', () => {
    fc.assert(
      fc.property(user, user, (source, target) => {
        const untouched = structuredClone(source);
        const result = replaceChangeSet(userType, source, undefined, { schemas: [userType.schema.id], ...target });
        expect(source).toEqual(untouched);
        expect(result.noop).toBe(result.changes.length === 0);
        for (const { before, after } of result.changes) expect(before).not.toEqual(after);
      }),
      runs,
    );
  });
});

describe('the members of a group', () => {
  const ids = fc.uniqueArray(fc.constantFrom<string[]>('u1', 'u2', 'u3', 'u4', 'u5', 'u6'), { maxLength: 6 });
  const values = (list: readonly string[]): ScimValue => list.map((value) => ({ value }));
  const operation = fc.oneof(
    fc.record({ op: fc.constantFrom('add', 'replace'), ids }),
    fc.record({ op: fc.constant('remove'), ids }),
    fc.record({ op: fc.constant('remove one'), ids }),
    fc.record({ op: fc.constant('remove all'), ids }),
  );

  it('become what the same operations make of a plain set', () => {
    fc.assert(
      fc.property(ids, fc.array(operation, { minLength: 1, maxLength: 6 }), (start, operations) => {
        const model = new Set<string>(start);
        const sent: unknown[] = [];
        for (const { op, ids: named } of operations) {
          if (op === 'replace' || op === 'remove all') model.clear();
          if (op === 'add' || op === 'replace') for (const id of named) model.add(id);
          if (op === 'remove') for (const id of named) model.delete(id);
          if (op === 'remove one') model.delete(named[0] ?? 'nobody');
          if (op === 'remove all') sent.push({ op: 'remove', path: 'members' });
          else if (op === 'remove one')
            sent.push({ op: 'remove', path: `members[value eq "${named[0] ?? 'nobody'}"]` });
          else sent.push({ op, path: 'members', value: values(named) });
        }
        const { members } = patchChangeSet(groupType, { displayName: 'g' }, memberSet(start), patch(sent));
        const result = new Set<string>(start);
        for (const { value } of members.added) {
          expect(result.has(value)).toBe(false);
          result.add(value);
        }
        for (const id of members.removed) expect(result.delete(id)).toBe(true);
        expect([...result].sort()).toEqual([...model].sort());
      }),
      runs,
    );
  });
});

describe('a PATCH of a group', () => {
  const types = new Map([
    ['u1', 'User'],
    ['g1', 'Group'],
    ['g2', 'Group'],
  ]);
  const members = { ...memberSet(types.keys()), typeOf: (id: string) => types.get(id) };
  const answered = (value: string) => ({ value, type: types.get(value) as string, display: `The ${value}` });
  const removedBy = (path: string, set: MemberSet = members): readonly string[] =>
    patchChangeSet(groupType, { displayName: 'G' }, set, patch([{ op: 'remove', path }])).members.removed;

  it('selects members by what they are', () => {
    expect(removedBy('members[type eq "Group" and not (value eq "g2")]')).toEqual(['g1']);
    expect(removedBy('members[value eq "u1" and type eq "Group"]')).toEqual([]);
  });

  it('selects members by their names where these were looked up', () => {
    expect(removedBy('members[display sw "the g"]', { ...members, answered })).toEqual(['g1', 'g2']);
    expect(removedBy('members[value eq "u1" and display eq "The g1"]', { ...members, answered })).toEqual([]);
    expect(() => removedBy('members[display eq "x"]')).toThrow(expect.objectContaining({ scimType: 'invalidFilter' }));
  });

  it.each([
    [[], { path: 'members[display eq "Ada"]' }],
    [[], { Path: 'MEMBERS[not ($REF pr)]' }],
    [['u1'], { value: { 'members[display eq "Ada"]': 'u1' } }],
    [['u1', 'u2'], { path: 'members[type eq "User"]', value: [{ Value: 'u1' }, 'u2', { display: 'Ada' }, null] }],
    [['x'], { path: 'displayName', value: 'x' }, { path: 'members[display pr]' }],
    [['u1'], { value: { displayName: 7, Members: { value: 'u1' } } }, { path: 'members[type pr]' }],
    [undefined, { path: 'members[type eq "User"]' }],
    [undefined, { path: 'members[value eq "u1"]' }],
    [undefined, { path: 'members', value: [{ value: 'u1', display: 'Ada' }] }],
    [undefined, { path: 'displayName', value: 'x' }],
    [undefined, 'members[display pr]'],
  ])('has its members looked up, and %j, for %j', (named, ...operations) => {
    expect(membersToShow({ operations })).toEqual(named);
  });

  it('refuses to search ten thousand members a thousand times', () => {
    const many = memberSet(Array.from({ length: 10_000 }, (_, i) => `u${i}`));
    const operations = Array.from({ length: 1_000 }, (_, i) => ({ op: 'remove', path: `members[value ew "x${i}"]` }));
    const change = () => patchChangeSet(groupType, { displayName: 'G' }, many, patch(operations));
    expect(change).toThrow(expect.objectContaining({ status: 413, scimType: 'tooMany' }));
  });
});

describe('a PATCH of a list of texts', () => {
  const attributes = [
    { name: 'tags', multiValued: true },
    { name: 'codes', multiValued: true, caseExact: true },
  ];
  const schema = { id: 'urn:example:params:scim:schemas:core:2.0:Room', name: 'Room', attributes };
  const roomType = createRegistry([{ name: 'Room', endpoint: '/Rooms', schema }]).type('Room');
  const source = { tags: ['Quiet', 'Blue'], codes: ['Q', 'B'] };
  const apply = (op: string, path: string, value: readonly string[]) =>
    patchChangeSet(roomType, source, undefined, patch([{ op, path, value }])).next[path];

  it('knows a text again as its schema compares it', () => {
    expect(apply('add', 'tags', ['quiet', 'warm'])).toEqual(['quiet', 'Blue', 'warm']);
    expect(apply('add', 'codes', ['q'])).toEqual(['Q', 'B', 'q']);
    expect(apply('remove', 'tags', ['quiet'])).toEqual(['Blue']);
    expect(apply('remove', 'codes', ['q', 'B'])).toEqual(['Q']);
  });
});

describe('a PATCH of long lists', () => {
  const emails = Array.from({ length: 2_000 }, (_, i) => ({ value: `${i}@example.com`, type: 'work' }));
  const apply = (operations: readonly unknown[]) =>
    patchChangeSet(userType, { userName: 'a', active: true, emails }, undefined, patch(operations)).next;

  it('finds what is added again among what was added before, whatever is primary by then', () => {
    const add = (i: number) => ({
      op: 'add',
      path: 'emails',
      value: [{ value: `new-${i % 500}@example.com`, primary: true }],
    });
    const added = (apply(Array.from({ length: 1_000 }, (_, i) => add(i))).emails as { primary?: boolean }[]).slice(
      2_000,
    );
    expect(added).toHaveLength(500);
    expect(added.flatMap(({ primary }, i) => (primary === true ? [i] : []))).toEqual([499]);
  });

  it.each([
    ['filters', (i: number) => ({ op: 'replace', path: `emails[value eq "${i}@example.com"].display`, value: 'x' })],
    ['values', (i: number) => ({ op: 'remove', path: 'emails', value: [{ value: `${i}@example.com` }] })],
  ])('refuses to search them a thousand times by %s', (_, operation) => {
    const operations = Array.from({ length: 1_000 }, (__, i) => operation(i));
    expect(() => apply(operations)).toThrow(expect.objectContaining({ status: 413, scimType: 'tooMany' }));
    expect(apply(operations.slice(0, 400)).emails).not.toEqual(emails);
  });
});

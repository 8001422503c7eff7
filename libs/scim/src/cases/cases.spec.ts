// Runs the case tables: what each client sends, and what it must come to in either dialect.
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import {
  createRegistry,
  memberSet,
  parseResource,
  patchChangeSet,
  patchOpSchema,
  quirkSentences,
  replaceChangeSet,
  ScimError,
  type ChangeSet,
  type Dialect,
  type ScimAttributes,
} from '../index.js';

interface Refusal {
  readonly status: number;
  readonly scimType: string;
}

interface Case {
  readonly name: string;
  /** Default `User`. */
  readonly type?: 'User' | 'Group' | 'Agent' | 'AgenticApplication' | 'AgenticIdentity';
  /** Default `PATCH`. */
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  /** Laid over a minimal resource of the type. */
  readonly source?: ScimAttributes;
  readonly members?: string[];
  readonly ops?: unknown[];
  readonly body?: unknown;
  /** The whole resource afterwards; or `set`: the attributes that differ from the source. */
  readonly target?: ScimAttributes;
  readonly set?: ScimAttributes;
  readonly changes?: string[];
  readonly added?: string[];
  readonly removed?: string[];
  readonly noop?: boolean;
  readonly quirks?: Record<string, number>;
  readonly error?: Refusal;
  /** What the strict dialect does: the same when absent; `differs` when it accepts with another meaning. */
  readonly strict?: Refusal | 'differs';
}

const registry = createRegistry();
const minimal: Record<string, ScimAttributes> = {
  User: { userName: 'alice@example.com', active: true },
  Group: { displayName: 'Sales' },
  Agent: { agentUserName: 'bot', active: true },
  AgenticApplication: { name: 'Billing', active: true },
  AgenticIdentity: { displayName: 'Bot', active: true },
};

function sourceOf(test: Case): ScimAttributes {
  return { ...minimal[test.type ?? 'User'], ...test.source };
}

function run(test: Case, dialect: Dialect, source = sourceOf(test), members = test.members ?? []): ChangeSet {
  const type = registry.type(test.type ?? 'User');
  const set = type.members === undefined ? undefined : memberSet(members);
  const body = test.ops === undefined ? test.body : { schemas: [patchOpSchema], Operations: test.ops };
  if (test.method === 'PUT') return replaceChangeSet(type, source, set, body, { dialect });
  if (test.method !== 'POST') return patchChangeSet(type, source, set, body, { dialect, id: 'r1' });
  const parsed = parseResource(type, body, { dialect });
  const { checkTypes } = parsed;
  const delta = { added: parsed.members ?? [], removed: [] };
  return { next: parsed.attributes, changes: [], members: delta, noop: false, checkTypes, quirks: parsed.quirks };
}

function refusalOf(test: Case, dialect: Dialect): Refusal | undefined {
  try {
    run(test, dialect);
    return undefined;
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return { status: error.status, scimType: error.scimType ?? '' };
  }
}

function expectMeaning(test: Case, result: ChangeSet): void {
  if (test.target !== undefined) expect(result.next).toEqual(test.target);
  else if (test.method !== 'POST') expect(result.next).toEqual({ ...sourceOf(test), ...test.set });
  if (test.method !== 'POST')
    expect(result.changes.map((change) => change.path).sort()).toEqual([...(test.changes ?? [])].sort());
  expect(result.members.added.map((member) => member.value)).toEqual(test.added ?? []);
  expect(result.members.removed).toEqual(test.removed ?? []);
  expect(result.noop).toBe(test.noop ?? false);
}

/** JSON.parse keeps `__proto__` as an own key, as a request body does. */
const tables = [
  'entra',
  'entra-values',
  'okta',
  'others',
  'members',
  'attributes',
  'lists',
  'agents',
  'strict',
  'hostile',
].map((file) => ({
  file,
  cases: JSON.parse(readFileSync(new URL(`./${file}.json`, import.meta.url), 'utf8')) as Case[],
}));

describe.each(tables)('$file', ({ cases }) => {
  it.each(cases)('$name', (test) => {
    if (test.error !== undefined) {
      expect(refusalOf(test, 'lenient')).toEqual(test.error);
      expect(refusalOf(test, 'strict')).toBeDefined();
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      return;
    }
    const source = sourceOf(test);
    const untouched = structuredClone(source);
    const result = run(test, 'lenient', source);
    expectMeaning(test, result);
    if (test.quirks !== undefined || test.strict === undefined) expect(result.quirks).toEqual(test.quirks ?? {});
    expect(source).toEqual(untouched);
  });

  const accepted = cases.filter((test) => test.error === undefined);
  if (accepted.length === 0) return;

  it.each(accepted.filter((test) => test.strict !== 'differs'))('strict: $name', (test) => {
    if (test.strict !== undefined) expect(refusalOf(test, 'strict')).toEqual(test.strict);
    else expectMeaning(test, run(test, 'strict'));
  });

  it.each(accepted.filter((test) => test.method !== 'POST'))('changes nothing the second time: $name', (test) => {
    const first = run(test, 'lenient');
    const members = new Set(test.members ?? []);
    for (const id of first.members.removed) members.delete(id);
    for (const member of first.members.added) members.add(member.value);
    expect(run(test, 'lenient', first.next, [...members]).noop).toBe(true);
  });
});

/** Met in filters, searches, bulk requests and by the directory; or no departure from the RFCs. */
const elsewhere = [
  'number-as-string',
  'lower-case-method',
  'deactivation-by-post',
  'wrong-member-type',
  'unsolicited-password',
];

it('every quirk is met in a case that the strict dialect refuses', () => {
  const refused = tables.flatMap(({ cases }) => cases.filter(({ strict }) => typeof strict === 'object'));
  const met = new Set([...elsewhere, ...refused.flatMap(({ quirks = {} }) => Object.keys(quirks))]);
  expect(Object.keys(quirkSentences).filter((quirk) => !met.has(quirk))).toEqual([]);
});

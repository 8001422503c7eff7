// Measures the protocol engine alone: filters and patches per second, and how long a large group holds the event loop.
import {
  compileFilter,
  createRegistry,
  memberSet,
  parseFilter,
  patchChangeSet,
  patchOpSchema,
  readProjection,
  replaceChangeSet,
  resourceBody,
  type ScimAttributes,
} from '@app/scim';

export interface EngineResult {
  /** Filters parsed and compiled for users. Goal: 100,000 or more. */
  readonly filtersPerSecond: number;
  /** Bodies parsed and applied to a user of ordinary size. Goal: 50,000 or more. */
  readonly patchesPerSecond: number;
  /** The longest of several: a PUT of 5,000 members, from the bytes of the request to those of the answer. Goal: 50 or less. */
  readonly largePutMs: number;
}

const registry = createRegistry();
const userType = registry.type('User');
const groupType = registry.type('Group');
const MEMBERS = 5_000;

const filters = [
  'userName eq "ada@example.com"',
  'externalId eq "00u1"',
  'emails[type eq "work"].value eq "ada@example.com" or userName sw "ada"',
  'active eq true and (displayName co "Ada" or name.familyName eq "Lovelace")',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "R&D"',
];

const user: ScimAttributes = {
  userName: 'ada@example.com',
  externalId: '00u1',
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  displayName: 'Ada Lovelace',
  emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
  active: true,
};

const patches = [
  { op: 'Replace', path: 'active', value: 'False' },
  { op: 'replace', value: { active: false } },
  { op: 'replace', path: 'displayName', value: 'Ada King' },
  { op: 'replace', path: 'emails[type eq "work"].value', value: 'king@example.com' },
].map((operation) => JSON.stringify({ schemas: [patchOpSchema], Operations: [operation] }));

/** Runs `work` for about `ms` milliseconds, after a quarter of that to warm up. */
function perSecond(ms: number, work: (i: number) => void): number {
  for (const end = performance.now() + ms / 4; performance.now() < end;) work(0);
  const start = performance.now();
  let runs = 0;
  for (; performance.now() - start < ms; runs += 100) for (let i = 0; i < 100; i += 1) work(i);
  return (runs * 1_000) / (performance.now() - start);
}

function largePut(): number {
  const ids = Array.from({ length: MEMBERS }, (_, i) => `01a20d25-a96b-7cfb-89b2-${String(i).padStart(12, '0')}`);
  const members = ids.map((value) => ({ value, display: `${value}@example.com` }));
  const body = Buffer.from(JSON.stringify({ schemas: [groupType.schema.id], displayName: 'Everybody', members }));
  const current = memberSet(ids.slice(MEMBERS / 2));
  const projection = readProjection(groupType, {});
  const meta = { created: '2026-01-01T00:00:00.000Z', lastModified: '2026-01-01T00:00:00.000Z' };
  let longest = 0;
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    const { next, members: delta } = replaceChangeSet(
      groupType,
      { displayName: 'Everybody' },
      current,
      JSON.parse(body.toString()),
    );
    if (delta.added.length !== MEMBERS / 2) throw new Error('the PUT did not add who was missing');
    const answered = ids.map((value) => ({
      value,
      $ref: `https://scim.example.com/scim/v2/Users/${value}`,
      type: 'User',
    }));
    JSON.stringify(resourceBody(groupType, { id: 'g', attributes: next, members: answered, meta }, projection));
    longest = Math.max(longest, performance.now() - start);
  }
  return longest;
}

/** @param ms how long each rate is measured */
export function measureEngine(ms = 500): EngineResult {
  return {
    filtersPerSecond: perSecond(ms, (i) => {
      compileFilter(parseFilter(filters[i % filters.length] as string), userType);
    }),
    patchesPerSecond: perSecond(ms, (i) => {
      patchChangeSet(userType, user, undefined, JSON.parse(patches[i % patches.length] as string), { id: 'u1' });
    }),
    largePutMs: largePut(),
  };
}

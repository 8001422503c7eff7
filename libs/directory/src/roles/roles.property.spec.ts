// Whatever happens in whatever order: who has which role, followed change by change, is what follows from how things are.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Directory } from '../directory.fixture.js';
import { ChangeGroup, CreateGroup, DeleteGroup } from '../group.commands.js';
import { ActivateMapping, DefineRole, DraftMapping, GrantRole, WithdrawRole } from '../role.commands.js';
import { RoleMembers } from '../role.queries.js';
import { ChangeUser, DeleteUser } from '../user.commands.js';
import type { RuleInput } from './rules.js';

const PEOPLE = 4;
const NAMES = ['Ops', 'ops', 'Dev'];
const TITLES = ['Lead', 'Admin', 'mapped'];
/** Of roles whose sources are `condition`: who has the title. */
const COMPUTED = 'leads';
const GIVEN = 'mapped';

interface Rules {
  readonly groups: readonly { readonly name: string; readonly ignoreCase: boolean }[];
  readonly title: string | undefined;
}
const MAPPINGS: readonly Rules[] = [
  { groups: [], title: undefined },
  { groups: [{ name: 'Ops', ignoreCase: false }], title: 'Admin' },
  {
    groups: [
      { name: 'OPS', ignoreCase: true },
      { name: 'Dev', ignoreCase: false },
    ],
    title: undefined,
  },
];

type Step =
  | { readonly do: 'title'; readonly person: number; readonly title: string | undefined }
  | { readonly do: 'delete' | 'grant' | 'withdraw'; readonly person: number }
  | { readonly do: 'join' | 'leave'; readonly person: number; readonly group: number }
  | { readonly do: 'nest' | 'free'; readonly group: number; readonly within: number }
  | { readonly do: 'rename'; readonly group: number; readonly name: string }
  | { readonly do: 'drop'; readonly group: number }
  | { readonly do: 'activate'; readonly mapping: number };

const person = fc.nat(PEOPLE - 1);
const group = fc.nat(NAMES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('title' as const), person, title: fc.constantFrom(undefined, ...TITLES) }),
  fc.record({ do: fc.constantFrom('delete' as const, 'grant' as const, 'withdraw' as const), person }),
  fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), person, group }),
  fc.record({ do: fc.constantFrom('join' as const), person, group }),
  fc.record({ do: fc.constantFrom('nest' as const, 'nest' as const, 'free' as const), group, within: group }),
  fc.record({ do: fc.constant('rename' as const), group, name: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constant('drop' as const), group }),
  fc.record({ do: fc.constant('activate' as const), mapping: fc.nat(MAPPINGS.length - 1) }),
);

/** How things are, told by the test itself. */
class Truth {
  readonly people: { id: string; title: string | undefined; manual: boolean; deleted: boolean }[] = [];
  readonly groups: { id: string; name: string; members: Set<string>; deleted: boolean }[] = [];
  rules: Rules = { groups: [], title: undefined };

  members(role: string): Record<string, string[]> {
    const present = this.people.filter(({ deleted }) => !deleted);
    const sources = present.map((one) => [one.id, role === COMPUTED ? computed(one.title) : this.given(one)] as const);
    return Object.fromEntries(sources.filter(([, of]) => of.length > 0));
  }

  /** From group to member, over and over. */
  private isWithin(members: ReadonlySet<string>, id: string): boolean {
    const seen = new Set(members);
    for (const one of seen) {
      const inner = this.groups.find((some) => some.id === one && !some.deleted);
      for (const member of inner?.members ?? []) seen.add(member);
    }
    return seen.has(id);
  }

  private given({ id, title, manual }: Truth['people'][number]): string[] {
    const through = this.groups.filter(
      ({ name, members, deleted }) =>
        !deleted &&
        this.isWithin(members, id) &&
        this.rules.groups.some((rule) =>
          rule.ignoreCase ? rule.name.toLowerCase() === name.toLowerCase() : rule.name === name,
        ),
    );
    const claimed = this.rules.title !== undefined && title === this.rules.title;
    const sources = [
      ...through.map((one) => `scim:${one.id}`),
      ...(claimed ? ['claim'] : []),
      ...(manual ? ['manual'] : []),
    ];
    return sources.sort();
  }
}

const computed = (title: string | undefined): string[] => (title === 'Lead' ? ['condition'] : []);

const rulesOf = ({ groups, title }: Rules): RuleInput[] => [
  ...groups.map(({ name, ignoreCase }) => ({ role: GIVEN, group: { displayName: name, ignoreCase } })),
  ...(title === undefined ? [] : [{ role: GIVEN, claim: { template: '{{title}}', equals: title } }]),
];

async function build(directory: Directory, truth: Truth): Promise<string[]> {
  const context = directory.request();
  const condition = 'title eq "Lead"';
  await directory.run(new DefineRole(context, COMPUTED, { name: 'Leads', kind: 'role', condition }));
  await directory.run(new DefineRole(context, GIVEN, { name: 'Mapped', kind: 'team' }));
  for (let n = 0; n < PEOPLE; n += 1) {
    truth.people.push({ id: await directory.user(`person-${n}`), title: undefined, manual: false, deleted: false });
  }
  for (const name of NAMES) {
    const { resource } = await directory.run(
      new CreateGroup(context, { attributes: { displayName: name }, added: [] }),
    );
    truth.groups.push({ id: resource.id, name, members: new Set(), deleted: false });
  }
  const drafts = MAPPINGS.map((rules) => directory.run(new DraftMapping(context, 'mapping', rulesOf(rules))));
  return (await Promise.all(drafts)).map(({ mappingId }) => mappingId);
}

/** Carries out what is possible, without waiting for the roles to follow. */
async function carryOut(directory: Directory, truth: Truth, mappings: readonly string[], one: Step): Promise<void> {
  const context = directory.request();
  if (one.do === 'activate') {
    truth.rules = MAPPINGS[one.mapping] as Rules;
    await directory.run(new ActivateMapping(context, mappings[one.mapping] as string));
    return;
  }
  const somebody = 'person' in one ? truth.people[one.person] : undefined;
  const some = 'group' in one ? truth.groups[one.group] : undefined;
  if (somebody?.deleted === true || some?.deleted === true) return;
  const around = 'within' in one ? truth.groups[one.within] : undefined;
  if (around?.deleted === true) return;
  if (around !== undefined && some !== undefined) await move(directory, around, some.id, one.do === 'nest');
  else if (somebody !== undefined && some !== undefined) await move(directory, some, somebody.id, one.do === 'join');
  else if (somebody !== undefined) await changePerson(directory, somebody, one);
  else if (some !== undefined) await changeGroup(directory, some, one);
}

async function move(directory: Directory, group: Truth['groups'][number], id: string, joins: boolean): Promise<void> {
  if (joins) group.members.add(id);
  else group.members.delete(id);
  const [added, removed] = joins ? [[id], []] : [[], [id]];
  const change = ({ attributes }: { attributes: object }) => ({
    attributes: { ...attributes },
    changed: [],
    added,
    removed,
  });
  await directory.run(new ChangeGroup(directory.request(), group.id, change));
}

async function changePerson(directory: Directory, somebody: Truth['people'][number], one: Step): Promise<void> {
  const context = directory.request();
  if (one.do === 'title') {
    somebody.title = one.title;
    const change = ({ attributes, active }: { attributes: object; active: boolean }) => ({
      attributes: { ...attributes, title: one.title },
      active,
      changed: ['title'],
    });
    await directory.run(new ChangeUser(context, somebody.id, change));
  } else if (one.do === 'delete') {
    somebody.deleted = true;
    await directory.run(new DeleteUser(context, somebody.id));
  } else {
    somebody.manual = one.do === 'grant';
    const Command = one.do === 'grant' ? GrantRole : WithdrawRole;
    await directory.run(new Command(context, GIVEN, somebody.id));
  }
}

async function changeGroup(directory: Directory, some: Truth['groups'][number], one: Step): Promise<void> {
  const context = directory.request();
  if (one.do === 'rename') {
    some.name = one.name;
    const attributes = { displayName: one.name };
    const write = { attributes, changed: ['displayName'], added: [], removed: [] };
    await directory.run(new ChangeGroup(context, some.id, () => write));
  } else {
    some.deleted = true;
    await directory.run(new DeleteGroup(context, some.id));
  }
}

async function found(directory: Directory, role: string): Promise<Record<string, readonly string[]>> {
  const members = await directory.ask(new RoleMembers('acme', role, 0, 1_000));
  return Object.fromEntries((members?.items ?? []).map(({ userId, sources }) => [userId, sources]));
}

it('roles followed change by change are those that follow from how things are, and a replay records nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      const directory = await Directory.open({ policy: false });
      try {
        const truth = new Truth();
        await directory.runRoles();
        const mappings = await build(directory, truth);
        for (const one of steps) await carryOut(directory, truth, mappings, one);
        await directory.settled();
        for (const role of [COMPUTED, GIVEN]) expect(await found(directory, role)).toEqual(truth.members(role));
        const head = await directory.log.head();
        await directory.runRoles();
        await directory.settled();
        expect(await directory.log.head()).toBe(head);
        expect(directory.errors).toEqual([]);
      } finally {
        await directory.close();
      }
    }),
    { numRuns: 20 },
  );
}, 60_000);

// Checks the rules of a mapping before they are drafted: what can be said against them is said with the number of the rule.
import type { MappingRule } from '@app/events';
import { InvalidPolicy } from '../directory.errors.js';
import { MAX_RULES } from '../role.commands.js';
import type { Role } from './roles.js';
import { readTemplate } from './template-tree.js';

/** A rule as it may arrive: which of its parts belong together is for {@link checkedRules} to say. */
export interface RuleInput {
  readonly role?: string | undefined;
  readonly group?:
    | {
        readonly id?: string | undefined;
        readonly displayName?: string | undefined;
        readonly ignoreCase?: boolean | undefined;
        readonly connection?: string | undefined;
      }
    | undefined;
  readonly claim?:
    | { readonly template: string; readonly equals?: string | undefined; readonly ignoreCase?: boolean | undefined }
    | undefined;
}

/** Each is read, and its template tried, at every change of a person. */
const MAX_CLAIM_RULES = 50;

/** What rules may name. */
export interface Nameable {
  readonly roles: ReadonlyMap<string, Role>;
  /** Absent: any, as of rules that were drafted: connections are closed, and stay known. */
  readonly connections?: ReadonlySet<string>;
}

/** The connections that rules name. */
export const connectionsIn = (rules: readonly RuleInput[]): string[] =>
  rules.flatMap(({ group }) => (group?.connection === undefined ? [] : [group.connection]));

/** @throws InvalidPolicy */
export function checkedRules(rules: readonly RuleInput[], known: Nameable): MappingRule[] {
  if (rules.length > MAX_RULES) throw new InvalidPolicy(`A mapping has at most ${MAX_RULES} rules.`);
  if (rules.filter(({ claim }) => claim !== undefined).length > MAX_CLAIM_RULES) {
    throw new InvalidPolicy(`A mapping has at most ${MAX_CLAIM_RULES} rules about claims.`);
  }
  return rules.map((rule, index) => {
    try {
      return checked(rule, known);
    } catch (error) {
      if (error instanceof InvalidPolicy) throw new InvalidPolicy(`Rule ${index + 1}: ${error.message}`);
      throw error;
    }
  });
}

function checked({ role, group, claim }: RuleInput, { roles, connections }: Nameable): MappingRule {
  if ((group === undefined) === (claim === undefined)) throw new InvalidPolicy('Give either group or claim.');
  if (role !== undefined) mustBeGivable(role, roles);
  if (claim !== undefined) return claimRule(role, claim);
  if (role === undefined) throw new InvalidPolicy('Say which role the group gives.');
  const { connection } = group as NonNullable<typeof group>;
  if (connection !== undefined && connections?.has(connection) === false) {
    throw new InvalidPolicy('There is no such connection.');
  }
  return { role, group: groupOf(group as NonNullable<typeof group>) };
}

function mustBeGivable(roleId: string, roles: ReadonlyMap<string, Role>): void {
  const role = roles.get(roleId);
  if (role === undefined) throw new InvalidPolicy('There is no such role: define it first.');
  if (role.condition !== undefined) throw new InvalidPolicy('Who has this role is decided by its condition alone.');
}

function groupOf({ id, displayName, ignoreCase, connection }: NonNullable<RuleInput['group']>) {
  if ((id === undefined) === (displayName === undefined)) {
    throw new InvalidPolicy('Name the group by either its id or its displayName.');
  }
  if (id !== undefined) {
    if (ignoreCase === true) throw new InvalidPolicy('Ids are compared as they are: leave ignoreCase out.');
    if (connection !== undefined) throw new InvalidPolicy('An id is that of one group: leave the connection out.');
    return { id };
  }
  return {
    displayName: displayName as string,
    ...(ignoreCase === undefined ? {} : { ignoreCase }),
    ...(connection === undefined ? {} : { connection }),
  };
}

function claimRule(role: string | undefined, claim: NonNullable<RuleInput['claim']>): MappingRule {
  const { template, equals, ignoreCase } = claim;
  readTemplate(template);
  if (role === undefined && equals !== undefined) throw new InvalidPolicy('Say which role the name gives.');
  return {
    ...(role === undefined ? {} : { role }),
    claim: {
      template,
      ...(equals === undefined ? {} : { equals }),
      ...(ignoreCase === undefined ? {} : { ignoreCase }),
    },
  };
}

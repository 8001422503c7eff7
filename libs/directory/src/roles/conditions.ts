// Conditions over a person: SCIM filters over what the tenant's schemas say that a person has.
import {
  compileFilter,
  limits,
  parseFilter,
  printFilter,
  ScimError,
  type AttributePath,
  type Filter,
  type FilterSubject,
  type ResourceType,
} from '@app/scim';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { InvalidPolicy } from '../directory.errors.js';
import { PersonTypes } from '../person-types.js';

export interface Condition {
  readonly holds: (subject: FilterSubject) => boolean;
  /** Whether it looks at the groups of a person. */
  readonly asksForGroups: boolean;
}

/** Finds what a recorded condition means. It never throws; `owner`, such as `role prod`, is for the log. */
export type ConditionOf = (condition: string, owner: string) => Condition;

/** What cannot be read is in doubt, and what is in doubt is denied. */
const NOBODY: Condition = { holds: () => false, asksForGroups: false };

@Injectable()
export class Conditions {
  private readonly logger = new Logger('conditions');
  /** Compiled once: a condition is asked about every person again and again. */
  private readonly compiled = new LRUCache<string, Condition>({ max: 2_000 });
  /** What has been logged, by tenant and owner. */
  private readonly reported = new Set<string>();

  constructor(private readonly types: PersonTypes) {}

  /** A filter in its one normal form, which is what is recorded. @throws InvalidPolicy with a sentence that says what is wrong */
  normal(tenant: string, text: string): string {
    const printed = printFilter(answering(() => parseFilter(text)));
    if (printed.length > limits.filterLength) {
      throw new InvalidPolicy(`The condition in its normal form has more than ${limits.filterLength} characters.`);
    }
    this.read(tenant, printed);
    return printed;
  }

  /** @throws InvalidPolicy */
  read(tenant: string, text: string): Condition {
    const key = `${tenant} ${text}`;
    let condition = this.compiled.get(key);
    if (condition === undefined) {
      condition = answering(() => compile(parseFilter(text), this.types.of(tenant).kept));
      this.compiled.set(key, condition);
    }
    return condition;
  }

  /** What the conditions mean that are recorded in this tenant: one that cannot be read (any more) holds for nobody. */
  recordedIn(tenant: string): ConditionOf {
    return (condition, owner) => {
      try {
        return this.read(tenant, condition);
      } catch (error) {
        if (!(error instanceof InvalidPolicy)) throw error;
        this.report(tenant, owner, error);
        return NOBODY;
      }
    };
  }

  private report(tenant: string, owner: string, { message }: InvalidPolicy): void {
    const key = `${tenant} ${owner}`;
    if (this.reported.has(key)) return;
    this.reported.add(key);
    this.logger.error(`The condition of ${owner} of tenant ${tenant} holds for nobody until it is mended: ${message}`);
  }
}

function answering<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScimError) throw new InvalidPolicy(error.detail);
    throw error;
  }
}

/** The attributes that a filter names; those inside a value path belong to the attribute before it. */
function pathsIn(filter: Filter): AttributePath[] {
  switch (filter.kind) {
    case 'compare':
    case 'present':
    case 'valuePath':
      return [filter.path];
    case 'not':
      return pathsIn(filter.filter);
    default:
      return filter.terms.flatMap(pathsIn);
  }
}

/** @throws ScimError, InvalidPolicy */
function compile(filter: Filter, type: ResourceType): Condition {
  const paths = pathsIn(filter);
  for (const path of paths) mustBeAboutPeople(path, type);
  return {
    holds: compileFilter(filter, type),
    asksForGroups: paths.some((path) => isOfCore(path, type) && path.name.toLowerCase() === 'groups'),
  };
}

const isOfCore = ({ urn }: AttributePath, { schema }: ResourceType): boolean =>
  urn === undefined || urn.toLowerCase() === schema.id.toLowerCase();

/** Negated, a condition over what nobody has would hold for everybody. @throws InvalidPolicy */
function mustBeAboutPeople(path: AttributePath, type: ResourceType): void {
  const isCore = isOfCore(path, type);
  if (isCore && path.name.toLowerCase() === 'meta') {
    throw new InvalidPolicy('A condition asks about people, and "meta" is about how they are kept: leave it out.');
  }
  if (!isCore && type.extension(path.urn as string) === undefined) {
    throw new InvalidPolicy('The condition names a schema that people of this tenant do not have: declare it first.');
  }
}

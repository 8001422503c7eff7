// What the one flow of requests needs to know of a resource type: how its change sets become commands of the directory.
import type { IndexedEquality, Listed, Listing, NamedRef, Scope, Written } from '@app/directory';
import type { RequestContext } from '@app/events';
import type { ChangeSet, MemberSet, ParsedResource, ScimAttributes } from '@app/scim';

/** What every stored resource has. */
export interface Stored {
  readonly id: string;
  readonly created: string;
  readonly lastModified: string;
  readonly revision: bigint;
}

/** Computes what a write means from what is stored. Called again after a conflict. */
export type Compute = (current: ScimAttributes, members: MemberSet | undefined) => ChangeSet;

/**
 * A resource type as it is stored. `S` is what a command answers, `R` what a query answers.
 * Commands throw the directory's errors and what `compute` throws.
 */
export interface ScimResource<S extends Stored, R extends S> {
  /** Of its resource type. */
  readonly name: string;
  /** What is read from elsewhere, and only when an answer or a filter needs it: `groups`, or the members of its type. */
  readonly related: 'groups' | 'members';
  /** Attributes whose filters an index answers, and what the directory calls them; the most selective first. */
  readonly indexed: Readonly<Record<string, IndexedEquality['attribute']>>;
  /** Whether a PATCH is answered 204 unless attributes are asked for, because the resource may be large. */
  readonly terse: boolean;

  /** Of what the connection of the scope provisioned. */
  find(scope: Scope, id: string, withRelated: boolean): Promise<R | undefined>;
  /** The ids of those that an index finds; only where a list of one may be made of what is kept of it. */
  idsOf?(scope: Scope, equals: IndexedEquality): Promise<readonly string[]>;
  /** Those of these ids that may become members, of a type that has some. */
  membersAmong?(scope: Scope, ids: readonly string[]): Promise<readonly NamedRef[]>;
  list(scope: Scope, listing: Listing<R>, withRelated: boolean): Promise<Listed<R>>;
  /** @param agentWhen the rule of the connection that says which users are agents */
  create(context: RequestContext, parsed: ParsedResource, agentWhen: string | undefined): Promise<Written<S>>;
  change(context: RequestContext, id: string, compute: Compute, expected: bigint | undefined): Promise<Written<S>>;
  remove(context: RequestContext, id: string, expected: bigint | undefined): Promise<{ readonly position: bigint }>;

  /** The attributes as the engine knows them. */
  attributesOf(stored: S): ScimAttributes;
  relatedOf(found: R): readonly NamedRef[];
}

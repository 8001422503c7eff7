// What may be asked about the directory. Answers come from the views; a write waits for them before it is answered.
import type { AgentNameKey, MemberRef } from '@app/events';
import { Query } from '@nestjs/cqrs';
import type { StoredAgent } from './agent.commands.js';
import type { StoredApplication } from './application.commands.js';
import type { StoredGroup } from './group.commands.js';
import type { StoredResource } from './resource.commands.js';
import type { StoredUser } from './user.commands.js';

/** A condition that an index answers. Values are compared without regard to case for `userName` and `displayName`. */
export interface IndexedEquality {
  readonly attribute: 'id' | 'userName' | 'externalId' | 'displayName' | 'members';
  readonly value: string;
}

export interface Listing<R> {
  /** Narrow by an index first. */
  readonly equals?: IndexedEquality;
  /** Then by a predicate over each candidate. */
  readonly matches?: (candidate: R) => boolean;
  /** Compares two in the wanted order; oldest first when absent. */
  readonly order?: (a: R, b: R) => number;
  /** 0-based; of no meaning with `from`. */
  readonly offset: number;
  readonly limit: number;
  /** Goes on at a place rather than at an offset: a deep page then costs what the first one costs. */
  readonly from?: From;
}

/** A place in a list, which creations and deletions elsewhere do not move. */
export interface Place {
  /** The {@link Placed.seq} of the resource at the place; -1 before the first. */
  readonly seq: number;
  /** Where it stood in a sorted list, should it be gone. */
  readonly index: number;
}

export interface From extends Place {
  readonly direction: 'after' | 'before';
  /** As it was counted for the first page; counted when absent. */
  readonly total?: number;
}

export interface Listed<R> {
  readonly total: number;
  readonly items: readonly R[];
  /** Where the pages beside this one go on, if there are any; only of a listing with `from`. */
  readonly before?: Place;
  readonly after?: Place;
}

/** What a query finds has its place in the order of creation. */
export interface Placed {
  readonly seq: number;
}

/** A reference as SCIM answers it: the id, what it is, and how it is called. */
export interface NamedRef {
  readonly id: string;
  readonly type: MemberRef['type'] | 'Agent';
  readonly display?: string;
}

/** A group that somebody is in. */
export interface GroupRef extends NamedRef {
  /** That provisioned it; absent: the platform. */
  readonly connection?: string;
}

export interface UserWithGroups extends StoredUser, Placed {
  readonly groups: readonly GroupRef[];
}

export interface GroupWithMembers extends StoredGroup, Placed {
  /** Empty when the query did not ask for them. */
  readonly members: readonly NamedRef[];
}

export interface FoundApplication extends StoredApplication, Placed {
  /** Empty when the query did not ask for them. */
  readonly agents: readonly NamedRef[];
}

export interface FoundResource extends StoredResource, Placed {}

export interface FoundAgent extends StoredAgent, Placed {}

/** undefined when there is none in this tenant, or the connection that asks has not provisioned it. */
export class FindUser extends Query<UserWithGroups | undefined> {
  constructor(
    readonly tenant: string,
    readonly userId: string,
    readonly withGroups = true,
    /** Only what this connection provisioned. */
    readonly connection?: string,
  ) {
    super();
  }
}

/** Of those that an index finds, the oldest first. */
export class FindUserIds extends Query<readonly string[]> {
  constructor(
    readonly tenant: string,
    readonly equals: IndexedEquality,
    readonly connection?: string,
  ) {
    super();
  }
}

export class ListUsers extends Query<Listed<UserWithGroups>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<UserWithGroups>,
    readonly withGroups = true,
    readonly connection?: string,
  ) {
    super();
  }
}

export class FindGroup extends Query<GroupWithMembers | undefined> {
  constructor(
    readonly tenant: string,
    readonly groupId: string,
    readonly withMembers = true,
    /** Only what this connection provisioned. */
    readonly connection?: string,
  ) {
    super();
  }
}

/** Who of these ids may be a member of a group, as it would be answered; the others are missing. */
export class FindMembers extends Query<readonly NamedRef[]> {
  constructor(
    readonly tenant: string,
    readonly ids: readonly string[],
    readonly connection?: string,
  ) {
    super();
  }
}

export class ListGroups extends Query<Listed<GroupWithMembers>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<GroupWithMembers>,
    readonly withMembers = true,
    readonly connection?: string,
  ) {
    super();
  }
}

export class FindAgent extends Query<FoundAgent | undefined> {
  constructor(
    readonly tenant: string,
    readonly agentId: string,
    readonly connection?: string,
  ) {
    super();
  }
}

export class ListAgents extends Query<Listed<FoundAgent>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<FoundAgent>,
    readonly connection?: string,
  ) {
    super();
  }
}

export interface TokenSummary {
  readonly tokenId: string;
  /** ISO 8601 UTC; absent: valid until revoked. */
  readonly expiresAt?: string;
  /** Known to the minute; absent: never. */
  readonly lastUsedAt?: string;
}

export class FindApplication extends Query<FoundApplication | undefined> {
  constructor(
    readonly tenant: string,
    readonly applicationId: string,
    readonly withAgents = true,
    readonly connection?: string,
  ) {
    super();
  }
}

export class ListApplications extends Query<Listed<FoundApplication>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<FoundApplication>,
    readonly withAgents = true,
    readonly connection?: string,
  ) {
    super();
  }
}

export class FindResource extends Query<FoundResource | undefined> {
  constructor(
    readonly tenant: string,
    readonly resourceType: string,
    readonly resourceId: string,
    readonly connection?: string,
  ) {
    super();
  }
}

export class ListResources extends Query<Listed<FoundResource>> {
  constructor(
    readonly tenant: string,
    readonly resourceType: string,
    readonly listing: Listing<FoundResource>,
    readonly connection?: string,
  ) {
    super();
  }
}

export interface ClientKeySummary {
  readonly keyId: string;
  readonly algorithm: 'ES256' | 'RS256' | 'EdDSA';
  /** Of the last access token that was issued for it, to the minute; absent: never. */
  readonly lastUsedAt?: string;
}

/** What was ordered about all that a closed connection provisioned. */
export interface OrderSummary {
  /** The connection it is handed over to; absent: everybody is deactivated. */
  readonly to?: string;
  readonly isCarriedOut: boolean;
}

export interface ConnectionSummary {
  readonly connectionId: string;
  readonly name: string;
  readonly dialect: 'lenient' | 'strict';
  readonly agentWhen?: string;
  readonly agentNameKey: AgentNameKey;
  readonly state: 'open' | 'paused' | 'closed';
  readonly tokens: readonly TokenSummary[];
  readonly clientKeys: readonly ClientKeySummary[];
  /** The last one; absent: what it provisioned is as it left it. */
  readonly order?: OrderSummary;
}

export class ListConnections extends Query<readonly ConnectionSummary[]> {
  constructor(readonly tenant: string) {
    super();
  }
}

/** Names of users, groups, agents and connections for people to read; unknown and erased ids are missing. */
export class NamesOf extends Query<ReadonlyMap<string, string>> {
  constructor(
    readonly tenant: string,
    readonly ids: readonly string[],
  ) {
    super();
  }
}

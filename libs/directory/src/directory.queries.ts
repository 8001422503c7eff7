// What may be asked about the directory. Answers come from the views; a write waits for them before it is answered.
import type { MemberRef } from '@app/events';
import { Query } from '@nestjs/cqrs';
import type { StoredAgent } from './agent.commands.js';
import type { StoredGroup } from './group.commands.js';
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
  /** 0-based. */
  readonly offset: number;
  readonly limit: number;
}

export interface Listed<R> {
  readonly total: number;
  readonly items: readonly R[];
}

/** A reference as SCIM answers it: the id, what it is, and how it is called. */
export interface NamedRef extends MemberRef {
  readonly display?: string;
}

export interface UserWithGroups extends StoredUser {
  readonly groups: readonly NamedRef[];
}

export interface GroupWithMembers extends StoredGroup {
  /** Empty when the query did not ask for them. */
  readonly members: readonly NamedRef[];
}

/** undefined when there is none in this tenant. */
export class FindUser extends Query<UserWithGroups | undefined> {
  constructor(
    readonly tenant: string,
    readonly userId: string,
    readonly withGroups = true,
  ) {
    super();
  }
}

export class ListUsers extends Query<Listed<UserWithGroups>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<UserWithGroups>,
    readonly withGroups = true,
  ) {
    super();
  }
}

export class FindGroup extends Query<GroupWithMembers | undefined> {
  constructor(
    readonly tenant: string,
    readonly groupId: string,
    readonly withMembers = true,
  ) {
    super();
  }
}

export class ListGroups extends Query<Listed<GroupWithMembers>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<GroupWithMembers>,
    readonly withMembers = true,
  ) {
    super();
  }
}

export class FindAgent extends Query<StoredAgent | undefined> {
  constructor(
    readonly tenant: string,
    readonly agentId: string,
  ) {
    super();
  }
}

export class ListAgents extends Query<Listed<StoredAgent>> {
  constructor(
    readonly tenant: string,
    readonly listing: Listing<StoredAgent>,
  ) {
    super();
  }
}

export interface ConnectionSummary {
  readonly connectionId: string;
  readonly name: string;
  readonly dialect: 'lenient' | 'strict';
  readonly state: 'open' | 'paused' | 'closed';
  readonly tokens: readonly { readonly tokenId: string; readonly expiresAt?: string }[];
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

// Finds people with what decides about their roles: their attributes and their groups, as the directory's view has them.
import { streams, type MemberRef } from '@app/events';
import { EventLog } from '@app/event-log';
import { run } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import type { GroupRef, UserWithGroups } from '../directory.queries.js';
import { UserViews } from '../users/user-queries.handlers.js';
import type { Person } from './membership.js';

/** People looked at in one step. */
const PAGE = 500;

@Injectable()
export class People {
  constructor(
    @Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>,
    private readonly users: UserViews,
    private readonly log: EventLog,
  ) {}

  /** One for each id, with nothing found where there is nobody. */
  async of(tenant: string, userIds: readonly string[]): Promise<Person[]> {
    const found = new Map(
      (await this.inAllGroups(tenant, await this.users.some(tenant, userIds))).map((user) => [user.id, user]),
    );
    return userIds.map((userId) => {
      const user = found.get(userId);
      return user === undefined ? { userId } : { userId, found: user };
    });
  }

  /** Everybody, some at a time. */
  async *all(tenant: string): AsyncGenerator<Person[]> {
    const shelf = this.users.shelf({ tenant }, true);
    for (let at: number | undefined = -1; at !== undefined;) {
      const page: Awaited<ReturnType<typeof shelf.page>> = await shelf.page(at, PAGE);
      const users = await this.inAllGroups(tenant, page.items);
      yield users.map((user) => ({ userId: user.id, found: user }));
      at = page.next;
    }
  }

  /** The ids of those who are in a group, directly or through groups. */
  async inGroup(tenant: string, groupId: string): Promise<string[]> {
    const rows = await run<{ member_id: string }>(
      this.db,
      `with recursive within(id) as (
        select cast(? as text)
        union select m.member_id from members m join within on m.group_id = within.id
          where m.tenant = ? and m.type = 'Group'
      ) select distinct m.member_id from within join members m on m.group_id = within.id
        where m.tenant = ? and m.type <> 'Group'`,
      [groupId, tenant, tenant],
    );
    return rows.map((row) => row.member_id);
  }

  /** The ids of those who were in a group when it was deleted: only its stream still knows. */
  async wereInGroup(tenant: string, groupId: string): Promise<string[]> {
    const members = new Map<string, MemberRef>();
    const stream = streams.group(tenant, groupId);
    for (let from = 0n; ;) {
      const events = await this.log.readStream(stream, { from });
      for (const { type, data } of events) {
        if (type !== 'GroupMembershipChanged') continue;
        for (const { id } of data.removed) members.delete(id);
        for (const ref of data.added) members.set(ref.id, ref);
      }
      const last = events.at(-1);
      if (last === undefined) break;
      from = last.revision + 1n;
    }
    return this.among(tenant, [...members.values()]);
  }

  /** The people among members, and those who are in the groups among them. */
  async among(tenant: string, members: readonly MemberRef[]): Promise<string[]> {
    const people = new Set<string>();
    for (const { id, type } of members) {
      for (const one of type === 'Group' ? await this.inGroup(tenant, id) : [id]) people.add(one);
    }
    return [...people];
  }

  /** With the groups above those that somebody is a direct member of, however far above. */
  private async inAllGroups(tenant: string, users: readonly UserWithGroups[]): Promise<UserWithGroups[]> {
    const above = new Map<string, readonly GroupRef[]>();
    for (let next = groupsOf(users.map(({ groups }) => groups)); next.length > 0;) {
      const found = await this.users.groupsOf(tenant, next);
      for (const id of next) above.set(id, found.get(id) ?? []);
      next = groupsOf([...found.values()]).filter((id) => !above.has(id));
    }
    return users.map((user) => {
      const all = new Map(user.groups.map((group) => [group.id, group]));
      // What is added is looked at in turn.
      for (const { id } of all.values()) {
        for (const group of above.get(id) ?? []) if (!all.has(group.id)) all.set(group.id, group);
      }
      return all.size === user.groups.length ? user : { ...user, groups: [...all.values()] };
    });
  }
}

const groupsOf = (lists: readonly (readonly GroupRef[])[]): string[] => [
  ...new Set(lists.flatMap((list) => list.map(({ id }) => id))),
];

/** In steps that one query answers. */
export function* inSteps<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += PAGE) yield items.slice(start, start + PAGE);
}

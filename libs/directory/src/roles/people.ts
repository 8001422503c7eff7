// Finds people with what decides about their roles: their attributes and their groups, as the directory's view has them.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';
import { UserViews } from '../users/user-queries.handlers.js';
import type { Person } from './membership.js';

/** People looked at in one step. */
const PAGE = 500;

@Injectable()
export class People {
  constructor(
    @Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>,
    private readonly users: UserViews,
  ) {}

  /** One for each id, with nothing found where there is nobody. */
  async of(tenant: string, userIds: readonly string[]): Promise<Person[]> {
    const found = new Map((await this.users.some(tenant, userIds)).map((user) => [user.id, user]));
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
      yield page.items.map((user) => ({ userId: user.id, found: user }));
      at = page.next;
    }
  }

  /** The ids of a group's members that are people. */
  async inGroup(tenant: string, groupId: string): Promise<string[]> {
    const rows = await this.db
      .selectFrom('members')
      .select('member_id')
      .where('tenant', '=', tenant)
      .where('group_id', '=', groupId)
      .where('type', '=', 'User')
      .execute();
    return rows.map((row) => row.member_id);
  }
}

/** In steps that one query answers. */
export function* inSteps<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += PAGE) yield items.slice(start, start + PAGE);
}

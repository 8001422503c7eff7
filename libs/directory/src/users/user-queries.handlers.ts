// Answers what is asked about users, each with the groups it is in.
import { idLists, marks, rowsIn, run } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb, type UserRow } from '../directory-db.js';
import { FindUser, FindUserIds, ListUsers } from '../directory.queries.js';
import type { Listed, GroupRef, UserWithGroups } from '../directory.queries.js';
import type { Attributes } from '../user.commands.js';
import type { Scope } from '../scope.js';
import { list } from '../view/listing.js';
import { equalityOn, SqlShelf } from '../view/sql-shelf.js';

const equality = equalityOn('user_id', 'user_name_ci');

const userOf = (row: UserRow, groups: readonly GroupRef[]): UserWithGroups => ({
  id: row.user_id,
  attributes: JSON.parse(row.attributes) as Attributes,
  active: row.active === 1,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  seq: Number(row.seq),
  groups,
});

@Injectable()
export class UserViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope, withGroups: boolean): SqlShelf<'users', UserWithGroups> {
    const present = (rows: readonly UserRow[]) => this.present(scope.tenant, rows, withGroups);
    return new SqlShelf({ db: this.db, table: 'users', scope, equality, present });
  }

  /** Those of these ids that exist, with their groups. */
  async some(tenant: string, ids: Iterable<string>): Promise<UserWithGroups[]> {
    return this.present(tenant, await rowsIn(this.db, 'users', tenant, 'user_id', ids), true);
  }

  private async present(tenant: string, rows: readonly UserRow[], withGroups: boolean): Promise<UserWithGroups[]> {
    const ids = withGroups ? rows.map((row) => row.user_id) : [];
    const groups = await this.groupsOf(tenant, ids);
    return rows.map((row) => userOf(row, groups.get(row.user_id) ?? []));
  }

  /** The groups that people, or groups, are direct members of; nothing for those that are in none. */
  async groupsOf(tenant: string, memberIds: readonly string[]): Promise<Map<string, GroupRef[]>> {
    const groups = new Map<string, GroupRef[]>();
    for (const chunk of idLists(memberIds)) {
      // A cross join: SQLite then looks up the groups of the members, and never the members of all groups.
      const found = await run<{ member_id: string; group_id: string; display: string; connection_id: string | null }>(
        this.db,
        `select m.member_id, m.group_id, g.display, g.connection_id from members m cross join "groups" g
          where m.tenant = ? and m.member_id in (${marks(chunk)}) and g.tenant = m.tenant and g.group_id = m.group_id`,
        [tenant, ...chunk],
      );
      for (const { member_id, group_id, display, connection_id } of found) {
        const by = connection_id === null ? {} : { connection: connection_id };
        const ref: GroupRef = { id: group_id, type: 'Group', display, ...by };
        const known = groups.get(member_id);
        if (known === undefined) groups.set(member_id, [ref]);
        else known.push(ref);
      }
    }
    return groups;
  }
}

@QueryHandler(FindUser)
export class FindUserHandler implements IQueryHandler<FindUser> {
  constructor(private readonly views: UserViews) {}

  async execute(query: FindUser): Promise<UserWithGroups | undefined> {
    const { userId, withGroups } = query;
    const [user] = await this.views.shelf(query, withGroups).equal({ attribute: 'id', value: userId });
    return user;
  }
}

@QueryHandler(FindUserIds)
export class FindUserIdsHandler implements IQueryHandler<FindUserIds> {
  constructor(private readonly views: UserViews) {}

  execute(query: FindUserIds): Promise<readonly string[]> {
    return this.views.shelf(query, false).idsOf('user_id', query.equals);
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler implements IQueryHandler<ListUsers> {
  constructor(private readonly views: UserViews) {}

  execute(query: ListUsers): Promise<Listed<UserWithGroups>> {
    return list(this.views.shelf(query, query.withGroups), query.listing);
  }
}

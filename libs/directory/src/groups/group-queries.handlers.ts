// Answers what is asked about groups, each with its members where they are asked for.
import type { MemberRef } from '@app/events';
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb, type GroupRow } from '../directory-db.js';
import { FindGroup, ListGroups } from '../directory.queries.js';
import type { GroupWithMembers, IndexedEquality, Listed, NamedRef } from '../directory.queries.js';
import type { Attributes } from '../user.commands.js';
import { foldCase } from '../users/user-name.js';
import { list } from '../view/listing.js';
import { idLists } from '../view/row-batch.js';
import { SqlShelf } from '../view/sql-shelf.js';

const equalityIn =
  (tenant: string) =>
  ({ attribute, value }: IndexedEquality): RawBuilder<unknown> | undefined => {
    switch (attribute) {
      case 'id':
        return sql`group_id = ${value}`;
      case 'displayName':
        return sql`display_name_ci = ${foldCase(value)}`;
      case 'externalId':
        return sql`external_id = ${value}`;
      case 'members':
        return sql`group_id in (select group_id from members where tenant = ${tenant} and member_id = ${value})`;
      case 'userName':
        return undefined;
    }
  };

const groupOf = (row: GroupRow, members: readonly NamedRef[]): GroupWithMembers => ({
  id: row.group_id,
  attributes: JSON.parse(row.attributes) as Attributes,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  members,
});

interface MemberFound extends MemberRef {
  readonly group_id: string;
  readonly display: string;
}

@Injectable()
export class GroupViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(tenant: string, withMembers: boolean): SqlShelf<'groups', GroupWithMembers> {
    const present = (rows: readonly GroupRow[]) => this.present(tenant, rows, withMembers);
    return new SqlShelf({ db: this.db, table: 'groups', tenant, equality: equalityIn(tenant), present });
  }

  private async present(tenant: string, rows: readonly GroupRow[], withMembers: boolean): Promise<GroupWithMembers[]> {
    const members = withMembers ? await this.membersOf(tenant, rows) : new Map<string, NamedRef[]>();
    return rows.map((row) => groupOf(row, members.get(row.group_id) ?? []));
  }

  /**
   * Joined with what the members are: who is gone is nobody's member. A cross join, so that SQLite begins with the members.
   */
  private async membersOf(tenant: string, rows: readonly GroupRow[]): Promise<Map<string, NamedRef[]>> {
    const members = new Map<string, NamedRef[]>(rows.map((row) => [row.group_id, []]));
    for (const chunk of idLists(members.keys())) {
      const found = await sql<MemberFound>`
        select m.group_id, m.member_id as id, m.type, u.display
          from members m cross join users u
          where m.tenant = ${tenant} and m.group_id in (${sql.join(chunk)})
            and u.tenant = m.tenant and u.user_id = m.member_id
        union all
        select m.group_id, m.member_id as id, m.type, g.display
          from members m cross join groups g
          where m.tenant = ${tenant} and m.group_id in (${sql.join(chunk)})
            and g.tenant = m.tenant and g.group_id = m.member_id`.execute(this.db);
      for (const { group_id, id, type, display } of found.rows) members.get(group_id)?.push({ id, type, display });
    }
    return members;
  }
}

@QueryHandler(FindGroup)
export class FindGroupHandler implements IQueryHandler<FindGroup> {
  constructor(private readonly views: GroupViews) {}

  async execute({ tenant, groupId, withMembers }: FindGroup): Promise<GroupWithMembers | undefined> {
    const [group] = await this.views.shelf(tenant, withMembers).equal({ attribute: 'id', value: groupId });
    return group;
  }
}

@QueryHandler(ListGroups)
export class ListGroupsHandler implements IQueryHandler<ListGroups> {
  constructor(private readonly views: GroupViews) {}

  execute({ tenant, listing, withMembers }: ListGroups): Promise<Listed<GroupWithMembers>> {
    return list(this.views.shelf(tenant, withMembers), listing);
  }
}

// Answers what is asked about groups, each with its members where they are asked for.
import type { MemberRef } from '@app/events';
import { idLists, marks, run } from '@app/runtime';
import { foldCase } from '@app/scim';
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb, type GroupRow } from '../directory-db.js';
import { FindGroup, FindMembers, ListGroups } from '../directory.queries.js';
import type { GroupWithMembers, IndexedEquality, Listed, NamedRef } from '../directory.queries.js';
import type { Attributes } from '../user.commands.js';
import type { Scope } from '../scope.js';
import { KnownIds } from '../view/known-ids.js';
import { list } from '../view/listing.js';
import { SqlShelf, type Condition } from '../view/sql-shelf.js';

const equalityIn =
  (tenant: string) =>
  ({ attribute, value }: IndexedEquality): Condition | undefined => {
    switch (attribute) {
      case 'id':
        return { text: 'group_id = ?', parameters: [value] };
      case 'displayName':
        return { text: 'display_name_ci = ?', parameters: [foldCase(value)] };
      case 'externalId':
        return { text: 'external_id = ?', parameters: [value] };
      case 'members':
        return {
          text: 'group_id in (select group_id from members where tenant = ? and member_id = ?)',
          parameters: [tenant, value],
        };
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
  seq: Number(row.seq),
  members,
});

interface MemberFound extends MemberRef {
  readonly group_id: string;
  readonly display: string;
}

const memberTables = [
  ['users', 'user_id'],
  ['groups', 'group_id'],
] as const;

@Injectable()
export class GroupViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope, withMembers: boolean): SqlShelf<'groups', GroupWithMembers> {
    const { tenant } = scope;
    const present = (rows: readonly GroupRow[]) => this.present(tenant, rows, withMembers);
    return new SqlShelf({ db: this.db, table: 'groups', scope, equality: equalityIn(tenant), present });
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
      for (const [table, key] of memberTables) {
        const found = await run<MemberFound>(
          this.db,
          `select m.group_id, m.member_id as id, m.type, x.display from members m cross join "${table}" x
            where m.tenant = ? and m.group_id in (${marks(chunk)}) and x.tenant = m.tenant and x.${key} = m.member_id`,
          [tenant, ...chunk],
        );
        for (const { group_id, id, type, display } of found) members.get(group_id)?.push({ id, type, display });
      }
    }
    return members;
  }
}

@QueryHandler(FindGroup)
export class FindGroupHandler implements IQueryHandler<FindGroup> {
  constructor(private readonly views: GroupViews) {}

  async execute(query: FindGroup): Promise<GroupWithMembers | undefined> {
    const { groupId, withMembers } = query;
    const [group] = await this.views.shelf(query, withMembers).equal({ attribute: 'id', value: groupId });
    return group;
  }
}

@QueryHandler(FindMembers)
export class FindMembersHandler implements IQueryHandler<FindMembers> {
  constructor(private readonly known: KnownIds) {}

  execute(query: FindMembers): Promise<readonly NamedRef[]> {
    return this.known.named(query, query.ids);
  }
}

@QueryHandler(ListGroups)
export class ListGroupsHandler implements IQueryHandler<ListGroups> {
  constructor(private readonly views: GroupViews) {}

  execute(query: ListGroups): Promise<Listed<GroupWithMembers>> {
    return list(this.views.shelf(query, query.withMembers), query.listing);
  }
}

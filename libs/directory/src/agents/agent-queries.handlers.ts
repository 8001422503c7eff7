// Answers what is asked about agents, each with its owners.
import type { OwnerRef } from '@app/events';
import { rowsIn } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type AgentRow, type DirectoryDb } from '../directory-db.js';
import { FindAgent, ListAgents, type FoundAgent, type Listed } from '../directory.queries.js';
import type { Attributes } from '../user.commands.js';
import type { Scope } from '../scope.js';
import { list } from '../view/listing.js';
import { equalityOn, SqlShelf } from '../view/sql-shelf.js';
import { agentNames } from './agent-names.js';

/** An agent's name is what its `userName` is to a user. */
const equality = equalityOn('agent_id', 'name_ci');

const agentOf = (row: AgentRow, owners: readonly OwnerRef[], applicationIds: readonly string[]): FoundAgent => ({
  id: row.agent_id,
  name: row.name,
  active: row.active === 1,
  owners,
  ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  ...(applicationIds.length === 0 ? {} : { applicationIds }),
  attributes: JSON.parse(row.attributes) as Attributes,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  seq: Number(row.seq),
});

@Injectable()
export class AgentViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope): SqlShelf<'agents', FoundAgent> {
    const present = (rows: readonly AgentRow[]) => this.present(scope.tenant, rows);
    return new SqlShelf({ db: this.db, table: 'agents', scope, equality, present });
  }

  private async present(tenant: string, rows: readonly AgentRow[]): Promise<FoundAgent[]> {
    const ids = rows.map((row) => row.agent_id);
    const owners = Map.groupBy(await rowsIn(this.db, 'owners', tenant, 'agent_id', ids), (row) => row.agent_id);
    const applications = Map.groupBy(
      await rowsIn(this.db, 'agent_applications', tenant, 'agent_id', ids),
      (row) => row.agent_id,
    );
    const names = await agentNames(this.db, tenant, rows);
    return rows.map((found) => {
      const row = { ...found, name: names.get(found.agent_id) ?? found.name };
      const refs = (owners.get(row.agent_id) ?? []).map((o) => ({ type: o.type as OwnerRef['type'], id: o.owner_id }));
      return agentOf(
        row,
        refs,
        (applications.get(row.agent_id) ?? []).map((one) => one.application_id),
      );
    });
  }
}

@QueryHandler(FindAgent)
export class FindAgentHandler implements IQueryHandler<FindAgent> {
  constructor(private readonly views: AgentViews) {}

  async execute(query: FindAgent): Promise<FoundAgent | undefined> {
    const [agent] = await this.views.shelf(query).equal({ attribute: 'id', value: query.agentId });
    return agent;
  }
}

@QueryHandler(ListAgents)
export class ListAgentsHandler implements IQueryHandler<ListAgents> {
  constructor(private readonly views: AgentViews) {}

  execute(query: ListAgents): Promise<Listed<FoundAgent>> {
    return list(this.views.shelf(query), query.listing);
  }
}

// Answers what is asked about applications, each with its agents where they are asked for.
import { idLists, marks, run } from '@app/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { agentNames } from '../agents/agent-names.js';
import { DIRECTORY_DB, type ApplicationRow, type DirectoryDb } from '../directory-db.js';
import {
  FindApplication,
  ListApplications,
  type FoundApplication,
  type Listed,
  type NamedRef,
} from '../directory.queries.js';
import type { Scope } from '../scope.js';
import type { Attributes } from '../user.commands.js';
import { list } from '../view/listing.js';
import { equalityOn, SqlShelf } from '../view/sql-shelf.js';

/** An application's name is what its `userName` is to a user. */
const equality = equalityOn('application_id', 'name_ci');

const applicationOf = (row: ApplicationRow, agents: readonly NamedRef[]): FoundApplication => ({
  id: row.application_id,
  name: row.name,
  active: row.active === 1,
  attributes: JSON.parse(row.attributes) as Attributes,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  seq: Number(row.seq),
  agents,
});

@Injectable()
export class ApplicationViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope, withAgents: boolean): SqlShelf<'applications', FoundApplication> {
    const present = async (rows: readonly ApplicationRow[]) => {
      const agents = withAgents ? await this.agentsOf(scope.tenant, rows) : new Map<string, NamedRef[]>();
      return rows.map((row) => applicationOf(row, agents.get(row.application_id) ?? []));
    };
    return new SqlShelf({ db: this.db, table: 'applications', scope, equality, present });
  }

  private async agentsOf(tenant: string, rows: readonly ApplicationRow[]): Promise<Map<string, NamedRef[]>> {
    const agents = new Map<string, NamedRef[]>();
    for (const chunk of idLists(rows.map((row) => row.application_id))) {
      const found = await run<{ application_id: string; agent_id: string; name: string }>(
        this.db,
        `select m.application_id, m.agent_id, a.name from agent_applications m
          join agents a on a.tenant = m.tenant and a.agent_id = m.agent_id
          where m.tenant = ? and m.application_id in (${marks(chunk)}) order by a.seq`,
        [tenant, ...chunk],
      );
      const names = await agentNames(this.db, tenant, found);
      for (const { application_id, agent_id, name } of found) {
        const ref: NamedRef = { id: agent_id, type: 'Agent', display: names.get(agent_id) ?? name };
        const known = agents.get(application_id);
        if (known === undefined) agents.set(application_id, [ref]);
        else known.push(ref);
      }
    }
    return agents;
  }
}

@QueryHandler(FindApplication)
export class FindApplicationHandler implements IQueryHandler<FindApplication> {
  constructor(private readonly views: ApplicationViews) {}

  async execute(query: FindApplication): Promise<FoundApplication | undefined> {
    const [application] = await this.views.shelf(query, query.withAgents).equal({
      attribute: 'id',
      value: query.applicationId,
    });
    return application;
  }
}

@QueryHandler(ListApplications)
export class ListApplicationsHandler implements IQueryHandler<ListApplications> {
  constructor(private readonly views: ApplicationViews) {}

  execute(query: ListApplications): Promise<Listed<FoundApplication>> {
    return list(this.views.shelf(query, query.withAgents), query.listing);
  }
}

// Answers what is asked about applications.
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type ApplicationRow, type DirectoryDb } from '../directory-db.js';
import { FindApplication, ListApplications, type FoundApplication, type Listed } from '../directory.queries.js';
import type { Scope } from '../scope.js';
import type { Attributes } from '../user.commands.js';
import { list } from '../view/listing.js';
import { equalityOn, SqlShelf } from '../view/sql-shelf.js';

/** An application's name is what its `userName` is to a user. */
const equality = equalityOn('application_id', 'name_ci');

const applicationOf = (row: ApplicationRow): FoundApplication => ({
  id: row.application_id,
  name: row.name,
  active: row.active === 1,
  attributes: JSON.parse(row.attributes) as Attributes,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  seq: Number(row.seq),
});

@Injectable()
export class ApplicationViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope): SqlShelf<'applications', FoundApplication> {
    const present = async (rows: readonly ApplicationRow[]) => rows.map(applicationOf);
    return new SqlShelf({ db: this.db, table: 'applications', scope, equality, present });
  }
}

@QueryHandler(FindApplication)
export class FindApplicationHandler implements IQueryHandler<FindApplication> {
  constructor(private readonly views: ApplicationViews) {}

  async execute(query: FindApplication): Promise<FoundApplication | undefined> {
    const [application] = await this.views.shelf(query).equal({ attribute: 'id', value: query.applicationId });
    return application;
  }
}

@QueryHandler(ListApplications)
export class ListApplicationsHandler implements IQueryHandler<ListApplications> {
  constructor(private readonly views: ApplicationViews) {}

  execute(query: ListApplications): Promise<Listed<FoundApplication>> {
    return list(this.views.shelf(query), query.listing);
  }
}

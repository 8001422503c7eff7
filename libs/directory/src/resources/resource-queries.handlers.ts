// Answers what is asked about resources of an operator's own types.
import { Inject, Injectable } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { Kysely } from 'kysely';
import { DIRECTORY_DB, type DirectoryDb, type ResourceRow } from '../directory-db.js';
import {
  FindResource,
  ListResources,
  type FoundResource,
  type IndexedEquality,
  type Listed,
} from '../directory.queries.js';
import type { Scope } from '../scope.js';
import type { Attributes } from '../user.commands.js';
import { list } from '../view/listing.js';
import { SqlShelf, type Condition } from '../view/sql-shelf.js';

function equality({ attribute, value }: IndexedEquality): Condition | undefined {
  if (attribute === 'id') return { text: 'resource_id = ?', parameters: [value] };
  return attribute === 'externalId' ? { text: 'external_id = ?', parameters: [value] } : undefined;
}

const resourceOf = (row: ResourceRow): FoundResource => ({
  id: row.resource_id,
  attributes: JSON.parse(row.attributes) as Attributes,
  created: row.created,
  lastModified: row.last_modified,
  revision: BigInt(row.revision),
  seq: Number(row.seq),
});

@Injectable()
export class ResourceViews {
  constructor(@Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>) {}

  shelf(scope: Scope, resourceType: string): SqlShelf<'resources', FoundResource> {
    const present = async (rows: readonly ResourceRow[]) => rows.map(resourceOf);
    const kind = { text: 'resource_type = ?', parameters: [resourceType] };
    return new SqlShelf({ db: this.db, table: 'resources', scope, kind, equality, present });
  }
}

@QueryHandler(FindResource)
export class FindResourceHandler implements IQueryHandler<FindResource> {
  constructor(private readonly views: ResourceViews) {}

  async execute(query: FindResource): Promise<FoundResource | undefined> {
    const { resourceType, resourceId: value } = query;
    const [resource] = await this.views.shelf(query, resourceType).equal({ attribute: 'id', value });
    return resource;
  }
}

@QueryHandler(ListResources)
export class ListResourcesHandler implements IQueryHandler<ListResources> {
  constructor(private readonly views: ResourceViews) {}

  execute(query: ListResources): Promise<Listed<FoundResource>> {
    return list(this.views.shelf(query, query.resourceType), query.listing);
  }
}

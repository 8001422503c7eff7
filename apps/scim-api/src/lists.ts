// The lists of one resource type: by index, by cursor, in a search, and of the one that a filter names.
import type { Placed } from '@app/directory';
import {
  listOfOne,
  parseListQuery,
  parseSearchRequest,
  ScimError,
  type ListParameters,
  type ListQuery,
} from '@app/scim';
import { asKept, type AnswerCache, type KeptResource } from './answer-cache.js';
import type { Cursors } from './cursors.js';
import type { ScimCall } from './call.js';
import { planListing } from './listing.js';
import { pageOf } from './pages.js';
import type { ResourceViews } from './resource-views.js';
import type { ScimAnswer } from './scim-answer.js';
import type { ScimResource, Stored } from './scim-resource.js';
import type { SortableSource } from './sorted-together.js';

export interface ListsParts<S extends Stored, R extends S> {
  readonly resource: ScimResource<S, R>;
  readonly cache: AnswerCache;
  readonly cursors: Cursors;
  /** How a tenant shows the type. @throws ScimError notFound */
  readonly viewsOf: (tenant: string) => ResourceViews<S, R>;
  /** One resource as it is answered when nothing in particular is asked for. @throws ScimError notFound */
  readonly kept: (call: ScimCall, id: string) => Promise<KeptResource>;
}

/** What a list is asked besides who is in it. */
const MORE = ['attributes', 'excludedAttributes', 'sortBy', 'sortOrder', 'cursor'] as const;

export class Lists<S extends Stored, R extends S & Placed> {
  constructor(private readonly parts: ListsParts<S, R>) {}

  /** @throws ScimError, EventLogUnavailable; so do all methods */
  async list(call: ScimCall): Promise<ScimAnswer> {
    const { query, asked = '' } = call;
    const named = query.filter === undefined ? undefined : await this.named(call, query);
    if (named !== undefined) return { status: 200, body: named };
    const make = async () => ({ body: asKept(await this.page(call, query)) });
    // Cursors are made for one connection, and grow old.
    if (query.cursor !== undefined) return { status: 200, ...(await make()) };
    const { body } = await this.parts.cache.list(call, this.parts.resource.name, asked, make);
    return { status: 200, body };
  }

  /** A list of the one that a filter names, made of its kept answer; undefined when anything else is asked as well. */
  private async named(call: ScimCall, parameters: ListParameters): Promise<string | undefined> {
    const { resource } = this.parts;
    if (resource.idsOf === undefined || MORE.some((name) => parameters[name] !== undefined)) return undefined;
    const { context, dialect } = call;
    const views = this.parts.viewsOf(context.tenant);
    const query = parseListQuery(views.type, parameters, { dialect });
    const { equals, matches } = planListing(resource, views, query, parameters).listing;
    if (equals === undefined || matches !== undefined) return undefined;
    const ids = await resource.idsOf(context, equals);
    // Several may have a displayName in common: they are better read together.
    if (ids.length > 1) return undefined;
    const [id] = ids;
    const { startIndex, count } = query;
    if (id === undefined || startIndex > 1 || count === 0) return listOfOne(undefined, ids.length, startIndex);
    const answer = await this.parts.kept(call, id).catch(absent);
    return answer && listOfOne(String(answer.body), 1, startIndex);
  }

  async search(call: ScimCall, body: unknown): Promise<ScimAnswer> {
    return { status: 200, body: await this.page(call, parseSearchRequest(body, call.dialect)) };
  }

  private async page(call: ScimCall, parameters: ListParameters): Promise<string> {
    const { context, dialect } = call;
    const query = parseListQuery(this.parts.viewsOf(context.tenant).type, parameters, { dialect });
    const source = this.source(call, query, parameters);
    return JSON.stringify(await pageOf(this.parts.cursors, context, [source], parameters));
  }

  /** This type in a search over several, where an attribute that it does not have has no value. */
  among(call: ScimCall, parameters: ListParameters): SortableSource {
    const { context, dialect } = call;
    const query = parseListQuery(this.parts.viewsOf(context.tenant).type, parameters, { among: true, dialect });
    return this.source(call, query, parameters);
  }

  private source({ context: scope, spelling }: ScimCall, query: ListQuery, parameters: ListParameters): SortableSource {
    const views = this.parts.viewsOf(scope.tenant);
    const { listing, withRelated, keyOf } = planListing(this.parts.resource, views, query, parameters);
    const shown = query.projection[this.parts.resource.related];
    const body = (item: R) =>
      views.body(item, query.projection, shown ? this.parts.resource.relatedOf(item) : undefined, spelling);
    return {
      name: this.parts.resource.name,
      query,
      find: async (window) => {
        const { items, ...found } = await this.parts.resource.list(scope, { ...listing, ...window }, withRelated);
        return { ...found, resources: items.map(body) };
      },
      first: async (limit) => {
        const { total, items } = await this.parts.resource.list(scope, { ...listing, offset: 0, limit }, withRelated);
        return { total, sorted: items.map((item) => ({ seq: item.seq, key: keyOf(item), body: () => body(item) })) };
      },
    };
  }
}

/** Whoever has been deleted since it was found. */
function absent(error: unknown): undefined {
  if (!(error instanceof ScimError && error.status === 404)) throw error;
}

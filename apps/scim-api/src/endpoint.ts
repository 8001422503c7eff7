// The one flow of every SCIM request, whatever the resource type: read, decide in the directory, wait for the views, answer.
import type { Placed, Scope, Written } from '@app/directory';
import type { EventLog, ReadModels } from '@app/event-log';
import type { RequestContext } from '@app/events';
import type { Noted, QuirkCounts } from '@app/http';
import {
  limits,
  listOfOne,
  parseListQuery,
  parseResource,
  parseSearchRequest,
  patchChangeSet,
  readProjection,
  replaceChangeSet,
  ScimError,
  type Dialect,
  type ListParameters,
  type ListQuery,
  type Projection,
  type QuirkName,
  type ResourceType,
  type ScimAttributes,
  type Spelling,
} from '@app/scim';
import { asKept, type AnswerCache, type KeptResource } from './answer-cache.js';
import { demandedRevision, entityTag, isNamed, isUnchanged } from './entity-tag.js';
import type { Cursors } from './cursors.js';
import { linkedIdentity } from './linked-identity.js';
import { planListing } from './listing.js';
import { pageOf } from './pages.js';
import type { PublicAddress } from './public-address.js';
import { asScimError } from './refusals.js';
import type { Registries } from './registries.js';
import { ResourceViews } from './resource-views.js';
import type { ScimAnswer } from './scim-answer.js';
import type { Compute, ScimResource, Stored } from './scim-resource.js';
import type { SortableSource } from './sorted-together.js';

/** What every request brings, whether it came by itself or within a bulk request. */
export interface ScimCall {
  readonly context: RequestContext;
  readonly dialect: Dialect;
  /** The rule of the connection that says which users are agents. */
  readonly agentWhen?: string | undefined;
  /** How attributes are called in the answer, where the connection has it otherwise than the schema. */
  readonly spelling?: Spelling | undefined;
  /** Everything after the `?` of the URL as it was sent; empty when there is nothing. */
  readonly asked?: string;
  /** The parameters of the URL. */
  readonly query: ListParameters;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  /** Where the quirks of the call are noted. */
  readonly noted: Noted;
}

export interface EndpointParts {
  readonly log: EventLog;
  readonly readModels: ReadModels;
  readonly quirks: QuirkCounts;
  readonly cache: AnswerCache;
  readonly cursors: Cursors;
  readonly registries: Registries;
  readonly address: PublicAddress;
}

type Quirks = Readonly<Record<string, number>>;

/** What a list is asked besides who is in it. */
const MORE = ['attributes', 'excludedAttributes', 'sortBy', 'sortOrder', 'cursor'] as const;

/** Ids are made by the server and printable; anything else is nobody's, and no store need be asked. */
const ID = /^[\x21-\x7e]{1,200}$/;

/** What a creation of somebody who exists, as inactive, is read as. */
const DEACTIVATION = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'active', value: false }],
};
const deactivatedByPost = { 'deactivation-by-post': 1 } satisfies Partial<Record<QuirkName, number>>;

export class Endpoint<S extends Stored = Stored, R extends S & Placed = S & Placed> {
  /** One for each shape the type has in some tenant. */
  private readonly shapes = new Map<ResourceType, ResourceViews<S, R>>();

  constructor(
    private readonly resource: ScimResource<S, R>,
    private readonly parts: EndpointParts,
  ) {}

  /** The resource type as this tenant has it, and how its resources are shown. */
  private viewsOf(tenant: string): ResourceViews<S, R> {
    const type = this.parts.registries.of(tenant).known(this.resource.name);
    if (type === undefined) throw ScimError.notFound('There is no such endpoint.');
    let views = this.shapes.get(type);
    if (views === undefined)
      this.shapes.set(type, (views = new ResourceViews(this.resource, type, this.parts.address)));
    return views;
  }

  /** As this tenant has it. */
  typeOf(tenant: string): ResourceType {
    return this.viewsOf(tenant).type;
  }

  /** @throws ScimError, EventLogUnavailable; so do all methods */
  async list(call: ScimCall): Promise<ScimAnswer> {
    const { query, asked = '' } = call;
    const named = query.filter === undefined ? undefined : await this.named(call, query);
    if (named !== undefined) return { status: 200, body: named };
    const make = async () => ({ body: asKept(await this.page(call, query)) });
    // Cursors are made for one connection, and grow old.
    if (query.cursor !== undefined) return { status: 200, ...(await make()) };
    const { body } = await this.parts.cache.list(call, this.resource.name, asked, make);
    return { status: 200, body };
  }

  /** A list of the one that a filter names, made of its kept answer; undefined when anything else is asked as well. */
  private async named(call: ScimCall, parameters: ListParameters): Promise<string | undefined> {
    const { resource } = this;
    if (resource.idsOf === undefined || MORE.some((name) => parameters[name] !== undefined)) return undefined;
    const { context, dialect } = call;
    const views = this.viewsOf(context.tenant);
    const query = parseListQuery(views.type, parameters, { dialect });
    const { equals, matches } = planListing(resource, views, query, parameters).listing;
    if (equals === undefined || matches !== undefined) return undefined;
    const ids = await resource.idsOf(context, equals);
    // Several may have a displayName in common: they are better read together.
    if (ids.length > 1) return undefined;
    const [id] = ids;
    const { startIndex, count } = query;
    if (id === undefined || startIndex > 1 || count === 0) return listOfOne(undefined, ids.length, startIndex);
    const answer = await this.kept(call, id).catch(absent);
    return answer && listOfOne(String(answer.body), 1, startIndex);
  }

  /** As it is answered when nothing in particular is asked for. */
  private kept(call: ScimCall, id: string): Promise<KeptResource> {
    const make = () => this.one(call, this.valid(id), readProjection(this.typeOf(call.context.tenant), {}));
    return this.parts.cache.one(call, this.resource.name, id, make);
  }

  async search(call: ScimCall, body: unknown): Promise<ScimAnswer> {
    return { status: 200, body: await this.page(call, parseSearchRequest(body, call.dialect)) };
  }

  private async page(call: ScimCall, parameters: ListParameters): Promise<string> {
    const { context, dialect } = call;
    const query = parseListQuery(this.viewsOf(context.tenant).type, parameters, { dialect });
    const source = this.source(call, query, parameters);
    return JSON.stringify(await pageOf(this.parts.cursors, context, [source], parameters));
  }

  /** This type in a search over several, where an attribute that it does not have has no value. */
  among(call: ScimCall, parameters: ListParameters): SortableSource {
    const { context, dialect } = call;
    const query = parseListQuery(this.viewsOf(context.tenant).type, parameters, { among: true, dialect });
    return this.source(call, query, parameters);
  }

  private source({ context: scope, spelling }: ScimCall, query: ListQuery, parameters: ListParameters): SortableSource {
    const views = this.viewsOf(scope.tenant);
    const { listing, withRelated, keyOf } = planListing(this.resource, views, query, parameters);
    const shown = query.projection[this.resource.related];
    const body = (item: R) =>
      views.body(item, query.projection, shown ? this.resource.relatedOf(item) : undefined, spelling);
    return {
      name: this.resource.name,
      query,
      find: async (window) => {
        const { items, ...found } = await this.resource.list(scope, { ...listing, ...window }, withRelated);
        return { ...found, resources: items.map(body) };
      },
      first: async (limit) => {
        const { total, items } = await this.resource.list(scope, { ...listing, offset: 0, limit }, withRelated);
        return { total, sorted: items.map((item) => ({ seq: item.seq, key: keyOf(item), body: () => body(item) })) };
      },
    };
  }

  /** The URL of a resource; undefined for what can be no id. */
  locationOf(tenant: string, id: string): string | undefined {
    return ID.test(id) ? this.viewsOf(tenant).location(id) : undefined;
  }

  async get(call: ScimCall, id: string): Promise<ScimAnswer> {
    const { context, query, asked = '', ifMatch, ifNoneMatch } = call;
    const { body, revision } =
      asked === ''
        ? await this.kept(call, id)
        : await this.one(call, this.valid(id), readProjection(this.typeOf(context.tenant), query));
    const etag = entityTag(revision);
    if (ifMatch !== undefined && !isNamed(ifMatch, revision)) throw ScimError.preconditionFailed();
    return isUnchanged(ifNoneMatch, revision) ? { status: 304, etag } : { status: 200, etag, body };
  }

  private async one({ context: scope, spelling }: ScimCall, id: string, projection: Projection): Promise<KeptResource> {
    const shown = projection[this.resource.related];
    const found = await this.found(scope, id, shown);
    const related = shown ? this.resource.relatedOf(found) : undefined;
    const body = this.viewsOf(scope.tenant).body(found, projection, related, spelling);
    return { body: asKept(JSON.stringify(body)), revision: found.revision };
  }

  async create(call: ScimCall, body: unknown): Promise<ScimAnswer> {
    const { type } = this.viewsOf(call.context.tenant);
    const projection = readProjection(type, call.query);
    const parsed = parseResource(type, body, { dialect: call.dialect });
    mustFit(parsed.attributes);
    const linked =
      call.dialect === 'strict' ? undefined : await linkedIdentity(this.resource, call.context, parsed.attributes);
    if (linked !== undefined) {
      this.count(call, { ...parsed.quirks, ...deactivatedByPost });
      return this.patch(call, linked, DEACTIVATION);
    }
    const { resource } = await this.settled(this.resource.create(call.context, parsed, call.agentWhen));
    this.count(call, parsed.quirks);
    // Nobody is in a group before there is a group, so only members can be shown of something new.
    return { ...(await this.shown(call, resource, projection, parsed.members !== undefined)), status: 201 };
  }

  replace(call: ScimCall, id: string, body: unknown): Promise<ScimAnswer> {
    const { type } = this.viewsOf(call.context.tenant);
    const { dialect } = call;
    return this.change(call, id, false, (current, members) =>
      replaceChangeSet(type, current, members, body, { dialect }),
    );
  }

  patch(call: ScimCall, id: string, body: unknown): Promise<ScimAnswer> {
    const { terse } = this.resource;
    const { type } = this.viewsOf(call.context.tenant);
    const { dialect, query } = call;
    const silent = terse && query.attributes === undefined && query.excludedAttributes === undefined;
    return this.change(call, id, silent, (current, members) =>
      patchChangeSet(type, current, members, body, { dialect, id }),
    );
  }

  async remove(call: ScimCall, id: string): Promise<ScimAnswer> {
    const { context } = call;
    const expected = await this.demanded(call, id);
    await this.settled(this.resource.remove(context, this.valid(id), expected));
    return { status: 204 };
  }

  private async change(call: ScimCall, id: string, silent: boolean, compute: Compute): Promise<ScimAnswer> {
    const projection = readProjection(this.viewsOf(call.context.tenant).type, call.query);
    const expected = await this.demanded(call, id);
    let quirks: Quirks = {};
    const counted: Compute = (current, members) => {
      const changes = compute(current, members);
      if (changes.changes.length > 0) mustFit(changes.next);
      quirks = changes.quirks;
      return changes;
    };
    const { resource } = await this.settled(this.resource.change(call.context, this.valid(id), counted, expected));
    this.count(call, quirks);
    if (silent) return { status: 204, etag: entityTag(resource.revision) };
    return this.shown(call, resource, projection, true);
  }

  /** Waits until every gate knows what was written: only then may the answer be 2xx. */
  private async settled<W extends Partial<Written<S>>>(writing: Promise<W>): Promise<W> {
    const written = await writing.catch((error: unknown) => {
      throw asScimError(error);
    });
    // What changes nothing may repeat a write that nobody has been told of yet: it waits for that one.
    const position = written.position ?? (await this.parts.log.head());
    if (position !== undefined) await this.parts.readModels.reached(position);
    return written;
  }

  private async shown(call: ScimCall, stored: S, projection: Projection, mayBeRelated: boolean): Promise<ScimAnswer> {
    const { context, spelling, asked = '' } = call;
    const { id, revision } = stored;
    const load = mayBeRelated && projection[this.resource.related];
    const found = load ? await this.resource.find(context, id, true) : undefined;
    const views = this.viewsOf(context.tenant);
    const body = views.body(stored, projection, found && this.resource.relatedOf(found), spelling);
    const text = asKept(JSON.stringify(body));
    if (asked === '') this.parts.cache.written(call, this.resource.name, id, { body: text, revision });
    return { status: 200, id, etag: entityTag(revision), location: views.location(id), body: text };
  }

  private demanded(call: ScimCall, id: string): Promise<bigint | undefined> {
    return demandedRevision(call, async () => (await this.found(call.context, id, false)).revision);
  }

  private async found(scope: Scope, id: string, withRelated: boolean): Promise<R> {
    const found = await this.resource.find(scope, this.valid(id), withRelated);
    if (found === undefined) throw ScimError.notFound();
    return found;
  }

  private valid(id: string): string {
    if (!ID.test(id)) throw ScimError.notFound();
    return id;
  }

  private count({ context, noted }: ScimCall, quirks: Quirks): void {
    if (context.connection !== undefined) this.parts.quirks.add(context.tenant, context.connection, quirks);
    noted.quirks = noted.quirks === undefined ? quirks : sumOf(noted.quirks, quirks);
  }
}

/** Whoever has been deleted since it was found. */
function absent(error: unknown): undefined {
  if (!(error instanceof ScimError && error.status === 404)) throw error;
}

/** @throws ScimError tooMany */
function mustFit(attributes: ScimAttributes): void {
  if (Buffer.byteLength(JSON.stringify(attributes)) <= limits.resourceBytes) return;
  throw ScimError.tooMany(`A resource takes at most ${limits.resourceBytes} bytes, without its members.`);
}

/** Of the operations of one bulk request. */
function sumOf(some: Quirks, others: Quirks): Quirks {
  const sum: Record<string, number> = { ...some };
  for (const [quirk, count] of Object.entries(others)) sum[quirk] = (sum[quirk] ?? 0) + count;
  return sum;
}

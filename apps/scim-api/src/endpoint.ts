// The one flow of every SCIM request, whatever the resource type: read, decide in the directory, wait for the views, answer.
import type { Placed, Scope, Written } from '@app/directory';
import { untilKnown, type EventLog, type ReadModels } from '@app/event-log';
import type { QuirkCounts } from '@app/http';
import {
  limits,
  membersToShow,
  parseResource,
  patchChangeSet,
  readProjection,
  replaceChangeSet,
  ScimError,
  type Projection,
  type QuirkName,
  type ResourceType,
  type ScimAttributes,
} from '@app/scim';
import { asKept, type AnswerCache, type KeptResource } from './answer-cache.js';
import type { ScimCall } from './call.js';
import type { Cursors } from './cursors.js';
import { demandedRevision, entityTag, isNamed, isUnchanged } from './entity-tag.js';
import { linkedIdentity } from './linked-identity.js';
import { Lists } from './lists.js';
import type { PublicAddress } from './public-address.js';
import { asScimError } from './refusals.js';
import type { Registries } from './registries.js';
import { ResourceViews } from './resource-views.js';
import type { ScimAnswer } from './scim-answer.js';
import type { Compute, ScimResource, Stored } from './scim-resource.js';

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
  readonly lists: Lists<S, R>;

  constructor(
    private readonly resource: ScimResource<S, R>,
    private readonly parts: EndpointParts,
  ) {
    const { cache, cursors } = parts;
    const viewsOf = (tenant: string) => this.viewsOf(tenant);
    this.lists = new Lists({ resource, cache, cursors, viewsOf, kept: (call, id) => this.kept(call, id) });
  }

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

  /** The URL of a resource; undefined for what can be no id. */
  locationOf(tenant: string, id: string): string | undefined {
    return ID.test(id) ? this.viewsOf(tenant).location(id) : undefined;
  }

  /** @throws ScimError, EventLogUnavailable; so do all methods */
  async get(call: ScimCall, id: string): Promise<ScimAnswer> {
    const { context, query, asked = '', ifMatch, ifNoneMatch } = call;
    const { body, revision, etag } =
      asked === ''
        ? await this.kept(call, id)
        : await this.one(call, this.valid(id), readProjection(this.typeOf(context.tenant), query));
    if (ifMatch !== undefined && !isNamed(ifMatch, revision)) throw ScimError.preconditionFailed();
    return isUnchanged(ifNoneMatch, etag) ? { status: 304, etag } : { status: 200, etag, body };
  }

  /** As it is answered when nothing in particular is asked for. */
  private kept(call: ScimCall, id: string): Promise<KeptResource> {
    const make = () => this.one(call, this.valid(id), readProjection(this.typeOf(call.context.tenant), {}));
    return this.parts.cache.one(call, this.resource.name, id, make);
  }

  private async one({ context: scope, spelling }: ScimCall, id: string, projection: Projection): Promise<KeptResource> {
    const shown = projection[this.resource.related];
    const found = await this.found(scope, id, shown);
    const related = shown ? this.resource.relatedOf(found) : undefined;
    const { revision } = found;
    const etag = entityTag(revision, related);
    const body = this.viewsOf(scope.tenant).body(found, projection, related, spelling, etag);
    return { body: asKept(JSON.stringify(body)), revision, etag };
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

  async patch(call: ScimCall, id: string, body: unknown): Promise<ScimAnswer> {
    const { terse } = this.resource;
    const { type } = this.viewsOf(call.context.tenant);
    const { dialect, query } = call;
    const silent = terse && query.attributes === undefined && query.excludedAttributes === undefined;
    const answered = type.members === undefined ? undefined : await this.membersShown(call, id, body);
    return this.change(call, id, silent, (current, members) => {
      const seen = members && answered ? { ...members, answered: (one: string) => answered.get(one) } : members;
      return patchChangeSet(type, current, seen, body, { dialect, id });
    });
  }

  /** Names and URLs of members are not kept with the group: they are looked up only for a filter that asks for them. */
  private async membersShown({ context }: ScimCall, id: string, body: unknown) {
    const named = membersToShow(body);
    if (named === undefined) return undefined;
    const stored = this.resource.relatedOf(await this.found(context, id, true));
    const added = named.length === 0 ? [] : await this.resource.membersAmong?.(context, named);
    return this.viewsOf(context.tenant).members([...stored, ...(added ?? [])]);
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
    await untilKnown(this.parts, written.position);
    return written;
  }

  private async shown(call: ScimCall, stored: S, projection: Projection, mayBeRelated: boolean): Promise<ScimAnswer> {
    const { context, spelling, asked = '' } = call;
    const { id, revision } = stored;
    const load = mayBeRelated && projection[this.resource.related];
    const found = load ? await this.resource.find(context, id, true) : undefined;
    const views = this.viewsOf(context.tenant);
    const related = found && this.resource.relatedOf(found);
    const etag = entityTag(revision, related);
    const body = asKept(JSON.stringify(views.body(stored, projection, related, spelling, etag)));
    if (asked === '') this.parts.cache.written(call, this.resource.name, id, { body, revision, etag });
    return { status: 200, id, etag, location: views.location(id), body };
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

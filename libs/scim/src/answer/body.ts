// Builds the JSON of a resource and of a list (RFC 7643 section 3, RFC 7644 section 3.4.2).
import type { ScimAttributes, ScimValue } from '../change-set.js';
import type { Spelling } from '../schema/agent-schema.js';
import type { ResourceType } from '../schema/resource-type.js';
import { parseProjection, project, type Projection } from './projection.js';

export const listResponseSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

export interface ResourceMeta {
  /** ISO 8601 UTC. */
  readonly created?: string;
  readonly lastModified?: string;
  /** The absolute URL of the resource. */
  readonly location?: string;
  /** The ETag, such as `W/"3"`. */
  readonly version?: string;
}

/** A reference as it is answered in `groups`, or among members. */
export interface AnsweredReference {
  readonly value: string;
  readonly $ref?: string;
  readonly type?: string;
  readonly display?: string;
}

/** A stored resource, ready to be answered. */
export interface ResourceView {
  readonly id: string;
  readonly attributes: ScimAttributes;
  /** Only needed when `projection.members`. */
  readonly members?: Iterable<AnsweredReference>;
  /** Only needed when `projection.groups`. */
  readonly groups?: Iterable<AnsweredReference>;
  readonly meta: ResourceMeta;
}

export interface BodyOptions {
  readonly spelling?: Spelling | undefined;
}

type Body = { [key: string]: ScimValue };

function extensionBodies(view: ResourceView, projection: Projection): { urn: string; body: ScimValue }[] {
  const bodies: { urn: string; body: ScimValue }[] = [];
  for (const { urn, attributes } of projection.extensions) {
    const stored = view.attributes[urn] as Body | undefined;
    if (stored === undefined) continue;
    if (attributes === 'all') {
      bodies.push({ urn, body: stored });
      continue;
    }
    const body: Body = {};
    for (const { attribute, shown } of attributes) {
      const value = stored[attribute.name];
      const part = value === undefined ? undefined : project(value, shown);
      if (part !== undefined) body[attribute.name] = part;
    }
    if (Object.keys(body).length > 0) bodies.push({ urn, body });
  }
  return bodies;
}

/**
 * Builds the body of a resource: schemas, id, externalId, the attributes in schema order, extensions, meta.
 * Never holds an attribute that is never returned; nor null or an empty list, as long as the attributes come from the engine.
 */
export function resourceBody(
  type: ResourceType,
  view: ResourceView,
  projection: Projection = parseProjection(type),
  options: BodyOptions = {},
): Body {
  const extensions = extensionBodies(view, projection);
  const body: Body = { schemas: [type.schema.id, ...extensions.map(({ urn }) => urn)] };
  let meta: ScimValue | undefined;
  for (const { attribute, shown } of projection.core) {
    const { name } = attribute;
    if (name === 'id') {
      body.id = view.id;
      continue;
    }
    if (name === 'meta') {
      meta = project({ resourceType: type.name, ...view.meta } as Body, shown);
      continue;
    }
    let value = view.attributes[name];
    if (attribute === type.members) value = references(view.members);
    else if (name === 'groups') value = references(view.groups) ?? value;
    const part = value === undefined ? undefined : project(value, shown);
    if (part !== undefined) body[options.spelling?.[name] ?? name] = part;
  }
  for (const { urn, body: extension } of extensions) body[urn] = extension;
  if (meta !== undefined) body.meta = meta;
  return body;
}

function references(given: Iterable<AnsweredReference> | undefined): ScimValue | undefined {
  if (given === undefined) return undefined;
  const list = [...given] as unknown as ScimValue[];
  return list.length === 0 ? undefined : list;
}

/** The JSON of what {@link listResponse} builds, of at most one resource that is JSON already. */
export function listOfOne(resource: string | undefined, totalResults: number, startIndex: number): string {
  const itemsPerPage = resource === undefined ? 0 : 1;
  return (
    `{"schemas":["${listResponseSchema}"],"totalResults":${totalResults},"startIndex":${startIndex},` +
    `"itemsPerPage":${itemsPerPage},"Resources":[${resource ?? ''}]}`
  );
}

export interface ListPage {
  readonly resources: readonly ScimValue[];
  readonly totalResults: number;
  /** 1-based; absent with cursor pagination. */
  readonly startIndex?: number;
  /** Cursors of RFC 9865. */
  readonly nextCursor?: string;
  readonly previousCursor?: string;
}

/** Builds a ListResponse; a list without results is still one. */
export function listResponse(page: ListPage): Body {
  return {
    schemas: [listResponseSchema],
    totalResults: page.totalResults,
    ...(page.startIndex === undefined ? {} : { startIndex: page.startIndex }),
    itemsPerPage: page.resources.length,
    ...(page.previousCursor === undefined ? {} : { previousCursor: page.previousCursor }),
    ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
    Resources: [...page.resources],
  };
}

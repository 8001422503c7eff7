// Shows stored resources: as JSON to clients, and as subjects to filters.
import type { NamedRef } from '@app/directory';
import {
  memberSet,
  resourceBody,
  type AnsweredReference,
  type FilterSubject,
  type Projection,
  type ResourceMeta,
  type ResourceType,
  type ScimValue,
  type Spelling,
} from '@app/scim';
import { entityTag } from './entity-tag.js';
import { scimBase, type PublicAddress } from './public-address.js';
import type { ScimResource, Stored } from './scim-resource.js';

type Body = { [key: string]: ScimValue };

export class ResourceViews<S extends Stored, R extends S> {
  constructor(
    private readonly resource: ScimResource<S, R>,
    readonly type: ResourceType,
    private readonly address: PublicAddress,
  ) {}

  /** The attribute that shows what a resource is related to. */
  get relatedName(): string {
    return (this.resource.related === 'members' ? this.type.members?.name : undefined) ?? this.resource.related;
  }

  location(id: string): string {
    return `${scimBase(this.address)}${this.type.endpoint}/${id}`;
  }

  /**
   * @param related what the resource is related to; not shown when undefined
   * @param version the tag of the resource as it is shown so
   */
  body(
    stored: S,
    projection: Projection,
    related: readonly NamedRef[] | undefined,
    spelling?: Spelling,
    version = entityTag(stored.revision, related),
  ): Body {
    const { resource } = this;
    const shown = related === undefined ? {} : { [resource.related]: this.references(related) };
    const meta = { ...this.meta(stored), version };
    const view = { id: stored.id, attributes: resource.attributesOf(stored), meta, ...shown };
    return resourceBody(this.type, view, projection, { spelling });
  }

  /** @param withRelated whether `found` was loaded with what it is related to */
  subject(found: R, withRelated: boolean): FilterSubject {
    const { resource } = this;
    const subject = {
      id: found.id,
      attributes: resource.attributesOf(found),
      meta: { resourceType: this.type.name, ...this.meta(found) },
    };
    if (!withRelated) return subject;
    const related = resource.relatedOf(found);
    if (resource.related === 'members') {
      const members = memberSet(related.map(({ id }) => id));
      // Made only for a filter or an order that asks for more than ids: there may be many.
      return { ...subject, members, memberRefs: () => [...this.references(related)] as unknown as ScimValue[] };
    }
    // Nothing is said over an attribute that is kept under the same name.
    if (related.length === 0) return subject;
    return { ...subject, [resource.related]: [...this.references(related)] as unknown as ScimValue[] };
  }

  /** Members as they are answered, by their ids. */
  members(refs: readonly NamedRef[]): ReadonlyMap<string, ScimValue> {
    return new Map(Array.from(this.references(refs), (ref) => [ref.value, { ...ref }]));
  }

  private *references(refs: readonly NamedRef[]): Iterable<AnsweredReference> {
    const base = scimBase(this.address);
    for (const { id, type, display } of refs) {
      yield {
        value: id,
        $ref: `${base}/${type}s/${id}`,
        // Of a group its kind of membership is told: who is in a group within it is not listed (RFC 7643 section 4.1.2).
        type: this.resource.related === 'groups' ? 'direct' : type,
        ...(display === undefined ? {} : { display }),
      };
    }
  }

  private meta({ id, created, lastModified, revision }: S): Required<ResourceMeta> {
    return { created, lastModified, location: this.location(id), version: entityTag(revision) };
  }
}

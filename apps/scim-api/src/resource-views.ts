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

function* references(refs: readonly NamedRef[], base: string, withType: boolean): Iterable<AnsweredReference> {
  for (const { id, type, display } of refs) {
    yield {
      value: id,
      $ref: `${base}/${type}s/${id}`,
      ...(withType ? { type } : {}),
      ...(display === undefined ? {} : { display }),
    };
  }
}

export class ResourceViews<S extends Stored, R extends S> {
  constructor(
    private readonly resource: ScimResource<S, R>,
    readonly type: ResourceType,
    private readonly address: PublicAddress,
  ) {}

  location(id: string): string {
    return `${scimBase(this.address)}${this.type.endpoint}/${id}`;
  }

  /** @param related what the resource is related to; not shown when undefined */
  body(stored: S, projection: Projection, related: readonly NamedRef[] | undefined, spelling?: Spelling): Body {
    const { resource } = this;
    const shown =
      related === undefined
        ? {}
        : { [resource.related]: references(related, scimBase(this.address), resource.related !== 'groups') };
    const view = { id: stored.id, attributes: resource.attributesOf(stored), meta: this.meta(stored), ...shown };
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
    const base = scimBase(this.address);
    if (resource.related === 'members') {
      const members = memberSet(related.map(({ id }) => id));
      // Made only for a filter or an order that asks for more than ids: there may be many.
      return { ...subject, members, memberRefs: () => [...references(related, base, true)] as unknown as ScimValue[] };
    }
    // Nothing is said over an attribute that is kept under the same name.
    if (related.length === 0) return subject;
    const refs = [...references(related, base, resource.related === 'agents')];
    return { ...subject, [resource.related]: refs as unknown as ScimValue[] };
  }

  private meta({ id, created, lastModified, revision }: S): Required<ResourceMeta> {
    return { created, lastModified, location: this.location(id), version: entityTag(revision) };
  }
}

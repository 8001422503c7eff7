// Finds whom a client means that creates, as inactive, somebody it has created before: that is how some of them deactivate.
import type { Scope } from '@app/directory';
import type { ScimAttributes } from '@app/scim';
import type { ScimResource, Stored } from './scim-resource.js';

/** As the directory calls them, the more reliable one first: names are given to others in time. */
const IDENTIFYING = ['externalId', 'userName'] as const;

type Listable<S extends Stored, R extends S> = Pick<ScimResource<S, R>, 'indexed' | 'list' | 'attributesOf'>;

const contradicts = (given: ScimAttributes, stored: ScimAttributes): boolean =>
  given.externalId !== undefined && stored.externalId !== undefined && given.externalId !== stored.externalId;

/**
 * @param attributes of the resource to be created
 * @returns the id of what the connection has provisioned under the same externalId, or the same unique name and no other
 * externalId; undefined when there is nothing, or it is not to be inactive
 */
export async function linkedIdentity<S extends Stored, R extends S>(
  resource: Listable<S, R>,
  scope: Scope,
  attributes: ScimAttributes,
): Promise<string | undefined> {
  if (attributes.active !== false || scope.connection === undefined) return undefined;
  for (const attribute of IDENTIFYING) {
    const name = Object.keys(resource.indexed).find((one) => resource.indexed[one] === attribute);
    const value = name === undefined ? undefined : attributes[name];
    if (typeof value !== 'string') continue;
    const { items } = await resource.list(scope, { equals: { attribute, value }, offset: 0, limit: 1 }, false);
    const [found] = items;
    if (found !== undefined && !contradicts(attributes, resource.attributesOf(found))) return found.id;
  }
  return undefined;
}

// PUT: the difference between a resource and the body that is to replace it (RFC 7644 section 3.5.1).
import type { ChangeSet, MemberSet, ScimAttributes } from '../change-set.js';
import { ScimError } from '../errors.js';
import { Tolerance } from '../quirks.js';
import type { ResourceType } from '../schema/resource-type.js';
import { ResourceDraft, valueOf } from './draft.js';
import { readStatement, writableAttributes, type WriteOptions } from './resource.js';

/**
 * Replaces a resource. What the body omits is cleared, except: an attribute with a default (`active`) and an
 * immutable one (`externalId`) keep their value, and read-only ones are not the client's to set.
 * @param members required for a type with members
 * @throws ScimError invalidSyntax, invalidValue or mutability
 */
export function replaceChangeSet(
  type: ResourceType,
  current: ScimAttributes,
  members: MemberSet | undefined,
  body: unknown,
  options: WriteOptions = {},
): ChangeSet {
  const tolerance = new Tolerance(options.dialect);
  const statement = readStatement(type, body, tolerance);
  const draft = new ResourceDraft(current, members, tolerance);
  for (const attribute of writableAttributes(type)) {
    const value = valueOf(statement.attributes, attribute);
    const before = valueOf(current, attribute);
    if (value === undefined && before === undefined && !attribute.required) continue;
    const keeps = attribute.defaultValue !== undefined || attribute.mutability === 'immutable';
    if (value === undefined && keeps) continue;
    // An extension that is absent before and after has no required attributes.
    if (attribute.urn !== undefined && statement.attributes[attribute.urn] === undefined && before === undefined)
      continue;
    if (attribute.required && value === undefined && attribute.urn === undefined) {
      throw ScimError.invalidValue(`${attribute.path} is required.`);
    }
    draft.setUnlessImmutable(attribute, value);
  }
  if (type.members !== undefined) draft.members.replaceAll(statement.members ?? []);
  return draft.finish();
}

// PUT: the difference between a resource and the body that is to replace it (RFC 7644 section 3.5.1).
import type { ChangeSet, MemberSet, ScimAttributes } from '../change-set.js';
import { ScimError } from '../errors.js';
import { Tolerance } from '../quirks.js';
import type { Attribute, ResourceType } from '../schema/resource-type.js';
import { ResourceDraft, valueOf } from './draft.js';
import { readStatement, writableAttributes, type Statement, type WriteOptions } from './resource.js';

/**
 * Replaces a resource. What the body omits is cleared, except: an attribute with a default (`active`) and an
 * immutable one (`externalId`) keep their value, as does what is kept unless it is said to be empty (`applications` of an
 * agent), and read-only ones are not the client's to set.
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
    if (value === undefined && keeps(attribute, statement)) continue;
    // An extension that is absent before and after has no required attributes.
    if (attribute.urn !== undefined && statement.attributes[attribute.urn] === undefined && before === undefined)
      continue;
    if (attribute.required && value === undefined && attribute.urn === undefined) {
      throw ScimError.invalidValue(`${attribute.path} is required.`);
    }
    draft.setUnlessImmutable(attribute, value);
  }
  const named = statement.members ?? (type.members?.keptByPut ? undefined : []);
  if (type.members !== undefined && named !== undefined) draft.members.replaceAll(named);
  return draft.finish();
}

/** Whether an attribute that the body gives no value keeps the one it has. */
const keeps = (attribute: Attribute, { emptied }: Statement): boolean =>
  attribute.defaultValue !== undefined ||
  attribute.mutability === 'immutable' ||
  (attribute.keptByPut && !emptied.has(attribute));

// Breaks circles of bulkId references: their resources are created first and put together afterwards (RFC 7644 section 3.7.1).
import type { ScimValue } from './change-set.js';
import { findAttribute } from './filter/compile.js';
import { parseAttributePath } from './filter/parse.js';
import { isObject } from './json-safety.js';
import type { Attribute, ResourceType } from './schema/resource-type.js';
import { patchOpSchema } from './write/patch-request.js';

export interface Postponed {
  /** What can be created already. */
  readonly data: ScimValue | undefined;
  /** The PATCH that adds the rest; undefined when there is none. */
  readonly rest: ScimValue | undefined;
}

type Waits = (value: ScimValue) => boolean;
type Entry = readonly [key: string, value: ScimValue];

/** One attribute of a resource, taken apart. */
interface Parts {
  readonly now: readonly Entry[];
  readonly later: readonly { readonly op: 'add'; readonly path: string; readonly value: ScimValue }[];
}

/** @returns undefined if the attribute has to be there from the start, or nobody knows what it is */
function partsOf(attribute: Attribute | undefined, [key, value]: Entry, waits: Waits): Parts | undefined {
  if (!waits(value)) return { now: [[key, value]], later: [] };
  if (attribute === undefined) return undefined;
  const { path, multiValued, requiredToCreate, mutability } = attribute;
  // Whatever a client says there is ignored (RFC 7644 section 3.3).
  if (mutability === 'readOnly') return { now: [], later: [] };
  const isList = multiValued && Array.isArray(value);
  const known = isList ? value.filter((element) => !waits(element)) : [];
  if (mutability === 'immutable' || (requiredToCreate && known.length === 0)) return undefined;
  return {
    now: isList ? [[key, known]] : [],
    later: [{ op: 'add', path, value: isList ? value.filter(waits) : value }],
  };
}

function attributeAt(type: ResourceType, key: string): Attribute | undefined {
  const path = parseAttributePath(key);
  const found = path === undefined ? undefined : findAttribute(type, path);
  return found?.sub ?? found?.attribute;
}

/** An extension is taken apart attribute by attribute. */
function partsOfEntry(type: ResourceType, [key, value]: Entry, waits: Waits): Parts | undefined {
  const extension = type.extension(key);
  if (extension === undefined || !isObject(value)) return partsOf(attributeAt(type, key), [key, value], waits);
  const parts = Object.entries(value).map((entry) => partsOf(extension.attributes.get(entry[0]), entry, waits));
  if (!areAll(parts)) return undefined;
  const now = parts.flatMap((part) => part.now);
  return { now: now.length === 0 ? [] : [[key, Object.fromEntries(now)]], later: parts.flatMap((part) => part.later) };
}

const areAll = (parts: (Parts | undefined)[]): parts is Parts[] => !parts.includes(undefined);

/**
 * Takes out of a resource what has to wait: single values such as `manager`, and elements of lists such as `members`.
 * @returns undefined if something that has to wait cannot be left out and added afterwards
 */
export function postpone(type: ResourceType, data: ScimValue | undefined, waits: Waits): Postponed | undefined {
  if (!isObject(data)) return undefined;
  const parts = Object.entries(data).map((entry) => partsOfEntry(type, entry, waits));
  if (!areAll(parts)) return undefined;
  const Operations = parts.flatMap((part) => part.later.map((addition) => ({ ...addition })));
  return {
    data: Object.fromEntries(parts.flatMap((part) => part.now)),
    rest: Operations.length === 0 ? undefined : { schemas: [patchOpSchema], Operations },
  };
}

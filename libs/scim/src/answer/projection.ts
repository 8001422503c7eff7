// Which attributes an answer shows: `attributes` and `excludedAttributes` against each attribute's `returned` (RFC 7644 section 3.9).
import type { ScimAttributes, ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { parseAttributePath } from '../filter/parse.js';
import { limits } from '../limits.js';
import type { Attribute, ResourceType } from '../schema/resource-type.js';

export interface ProjectionQuery {
  /** Comma-separated attribute names, or a list of them. */
  readonly attributes?: string | readonly string[] | undefined;
  readonly excludedAttributes?: string | readonly string[] | undefined;
}

/** Which sub-attributes of one attribute are shown; `all` if every one. */
export type Shown = 'all' | readonly Attribute[];

export interface Projection {
  /** Attributes that are shown, in the order of an answer. */
  readonly core: readonly { readonly attribute: Attribute; readonly shown: Shown }[];
  readonly extensions: readonly {
    readonly urn: string;
    /** `all` when the stored object can be answered as it is. */
    readonly attributes: 'all' | readonly { readonly attribute: Attribute; readonly shown: Shown }[];
  }[];
  /** Whether the members have to be loaded at all. */
  readonly members: boolean;
  /** Whether the groups of the resource have to be loaded at all. */
  readonly groups: boolean;
}

/** Lower-cased full paths named in a query, mapped to the sub-attributes named (empty: the whole attribute). */
type Named = Map<string, Set<string>>;

const cacheSize = 64;
const caches = new WeakMap<ResourceType, Map<string, Projection>>();

function names(list: string | readonly string[] | undefined): string[] {
  const items = typeof list === 'string' ? list.split(',') : (list ?? []).flatMap((item) => item.split(','));
  return items.map((item) => item.trim()).filter((item) => item !== '');
}

function readNames(type: ResourceType, list: string[]): Named {
  const named: Named = new Map();
  const add = (path: string, sub?: string) => {
    const subs = named.get(path);
    if (sub === undefined) named.set(path, new Set());
    else if (subs === undefined) named.set(path, new Set([sub.toLowerCase()]));
    else if (subs.size > 0) subs.add(sub.toLowerCase());
  };
  for (const name of list) {
    const prefixed = type.splitUrn(name);
    if (prefixed?.rest === '') {
      for (const attribute of (prefixed.extension ?? type).attributes.list) add(attribute.path);
      continue;
    }
    const path = parseAttributePath(prefixed?.rest ?? name);
    if (path === undefined) throw ScimError.invalidPath('An attribute to be returned or excluded has no valid name.');
    const attribute = path.urn === undefined ? (prefixed?.extension ?? type).attributes.get(path.name) : undefined;
    if (attribute !== undefined) add(attribute.path, path.sub);
  }
  return named;
}

function isShown(attribute: Attribute, included: Named | undefined, excluded: Named): boolean {
  if (attribute.returned === 'never') return false;
  if (attribute.returned === 'always') return true;
  if (excluded.get(attribute.path)?.size === 0) return false;
  if (included !== undefined) return included.has(attribute.path);
  return attribute.returned === 'default';
}

function shownSubs(attribute: Attribute, included: Named | undefined, excluded: Named): Shown {
  const wanted = included?.get(attribute.path);
  const unwanted = excluded.get(attribute.path);
  const subs = attribute.subAttributes.list.filter((sub) => {
    const name = sub.name.toLowerCase();
    if (sub.returned === 'never') return false;
    if (sub.returned === 'always') return true;
    if (unwanted?.has(name)) return false;
    return wanted === undefined || wanted.size === 0 ? sub.returned === 'default' : wanted.has(name);
  });
  return subs.length === attribute.subAttributes.list.length ? 'all' : subs;
}

function compile(type: ResourceType, query: ProjectionQuery): Projection {
  const includedNames = names(query.attributes);
  const included = includedNames.length === 0 ? undefined : readNames(type, includedNames);
  const excluded = readNames(type, names(query.excludedAttributes));
  const select = (list: readonly Attribute[]) =>
    list
      .filter((attribute) => isShown(attribute, included, excluded))
      .map((attribute) => ({ attribute, shown: shownSubs(attribute, included, excluded) }));
  const core = select(type.attributes.list);
  const has = (name: string) => core.some(({ attribute }) => attribute.name === name);
  return {
    core: core.filter(({ attribute }) => attribute.name !== 'schemas'),
    extensions: type.extensions
      .map(({ urn, attributes }) => {
        const chosen = select(attributes.list);
        const whole = chosen.length === attributes.list.length && chosen.every(({ shown }) => shown === 'all');
        return { urn, attributes: whole ? ('all' as const) : chosen };
      })
      .filter(({ attributes }) => attributes === 'all' || attributes.length > 0),
    members: type.members !== undefined && has(type.members.name),
    groups: has('groups'),
  };
}

/**
 * Compiles the query of a request; the same query is compiled once. Names the schema does not have are ignored.
 * @throws ScimError invalidPath for what is no attribute name, invalidValue above the length limit
 */
export function parseProjection(type: ResourceType, query: ProjectionQuery = {}): Projection {
  const key = `${String(query.attributes ?? '')}\n${String(query.excludedAttributes ?? '')}`;
  if (key.length > limits.filterLength) throw ScimError.invalidValue('The list of attributes is too long.');
  let cache = caches.get(type);
  if (cache === undefined) caches.set(type, (cache = new Map<string, Projection>()));
  const known = cache.get(key);
  if (known !== undefined) return known;
  const projection = compile(type, query);
  const oldest = cache.keys().next().value;
  if (cache.size >= cacheSize && oldest !== undefined) cache.delete(oldest);
  cache.set(key, projection);
  return projection;
}

/** The part of a complex value that is shown; undefined if nothing of it is. */
export function project(value: ScimValue, shown: Shown): ScimValue | undefined {
  if (shown === 'all') return value;
  if (Array.isArray(value)) {
    const elements = value.map((element) => project(element, shown)).filter((element) => element !== undefined);
    return elements.length === 0 ? undefined : elements;
  }
  if (typeof value !== 'object' || value === null) return value;
  const result: ScimAttributes = {};
  for (const { name } of shown) {
    const part = value[name];
    if (part !== undefined) result[name] = part;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

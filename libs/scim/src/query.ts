// Reads the parameters of a list or search request (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).
import { ScimError } from './errors.js';
import { compileFilter, findAttribute, type FilterSubject } from './filter/compile.js';
import type { Filter } from './filter/filter.js';
import { parseAttributePath, parseFilter } from './filter/parse.js';
import { field, safeObject } from './json-safety.js';
import { limits } from './limits.js';
import { parseProjection, type Projection } from './answer/projection.js';
import { checkSchemas } from './write/schemas-list.js';
import { Tolerance } from './quirks.js';
import { compileOrder, type Order } from './sort.js';
import type { ResourceType } from './schema/resource-type.js';
import type { Dialect } from './change-set.js';

const searchRequestSchema = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** The query string of a list request, or the body of a search. */
export interface ListParameters {
  readonly filter?: unknown;
  readonly startIndex?: unknown;
  readonly count?: unknown;
  readonly cursor?: unknown;
  readonly sortBy?: unknown;
  readonly sortOrder?: unknown;
  readonly attributes?: unknown;
  readonly excludedAttributes?: unknown;
}

const searchParameters = [
  'filter',
  'startIndex',
  'count',
  'cursor',
  'sortBy',
  'sortOrder',
  'attributes',
  'excludedAttributes',
] as const satisfies readonly (keyof ListParameters)[];

export interface ListQuery {
  readonly filter: Filter | undefined;
  /** Holds for every resource when there is no filter. */
  readonly matches: (subject: FilterSubject) => boolean;
  /** 1-based. */
  readonly startIndex: number;
  /** 0 to `limits.pageMax`. */
  readonly count: number;
  /** Undefined for pages by index; empty for the first page by cursor. */
  readonly cursor: string | undefined;
  /** Undefined if any order will do. */
  readonly order: Order | undefined;
  readonly projection: Projection;
  readonly among: boolean;
}

export interface ListOptions {
  /** Whether the type is one of several that are asked the same (RFC 7644 section 3.4.2.1). */
  readonly among?: boolean;
  /** Default `lenient`. */
  readonly dialect?: Dialect;
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw ScimError.invalidValue(`"${name}" must be given once, as a string.`);
  return value;
}

const invalidInteger = (name: string): ScimError => ScimError.invalidValue(`"${name}" must be an integer.`);

function integer(value: unknown, name: string, absent: number, refusal = invalidInteger): number {
  if (value === undefined || value === null || value === '') return absent;
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && /^[+-]?\d{1,15}$/.test(value)
        ? Number(value)
        : NaN;
  if (!Number.isSafeInteger(number)) throw refusal(name);
  return number;
}

function nameList(value: unknown, name: string): string | readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw ScimError.invalidValue(`"${name}" must be a list of attribute names.`);
}

function readOrder(type: ResourceType, parameters: ListParameters, among: boolean): Order | undefined {
  const sortBy = text(parameters.sortBy, 'sortBy');
  const sortOrder = text(parameters.sortOrder, 'sortOrder')?.toLowerCase() ?? 'ascending';
  if (sortOrder !== 'ascending' && sortOrder !== 'descending') {
    throw ScimError.invalidValue('"sortOrder" must be ascending or descending.');
  }
  if (sortBy === undefined) return undefined;
  const path = parseAttributePath(sortBy);
  if (path === undefined || (!among && findAttribute(type, path) === undefined)) {
    throw ScimError.invalidPath('"sortBy" names an attribute that the schema does not have.');
  }
  return compileOrder(type, path, sortOrder, among);
}

/** A cursor, and that nothing contradicts it (RFC 9865). */
function readCursor({ cursor, startIndex }: ListParameters): string | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  if (typeof cursor !== 'string') throw ScimError.invalidCursor('"cursor" must be given once, as a string.');
  if (startIndex !== undefined && startIndex !== null) {
    throw ScimError.invalidValue('Ask for pages by "cursor" or by "startIndex", not by both.');
  }
  return cursor;
}

/**
 * Reads list parameters. A `startIndex` below 1 is 1, a negative `count` is 0, a `count` above the maximum is the maximum.
 * With a cursor, a `count` below 1 is refused.
 * @throws ScimError invalidFilter, invalidPath or invalidValue; with a cursor also invalidCursor and invalidCount
 */
export function parseListQuery(
  type: ResourceType,
  parameters: ListParameters,
  { among = false, dialect = 'lenient' }: ListOptions = {},
): ListQuery {
  const filterText = text(parameters.filter, 'filter');
  const cursor = readCursor(parameters);
  const invalidCount =
    cursor === undefined ? invalidInteger : () => ScimError.invalidCount('"count" must be an integer of at least 1.');
  const count = integer(parameters.count, 'count', limits.pageDefault, invalidCount);
  // A page without a next cursor is the last one: an empty page would say that there is nothing (RFC 9865 section 2).
  if (cursor !== undefined && count < 1) throw invalidCount('count');
  const filter = filterText === undefined ? undefined : parseFilter(filterText);
  return {
    filter,
    matches:
      filter === undefined
        ? () => true
        : compileFilter(filter, type, { tolerant: among, strict: dialect === 'strict' }),
    startIndex: Math.max(1, integer(parameters.startIndex, 'startIndex', 1)),
    count: Math.min(limits.pageMax, Math.max(0, count)),
    cursor,
    order: readOrder(type, parameters, among),
    projection: readProjection(type, parameters),
    among,
  };
}

/**
 * Reads which attributes an answer shall show.
 * @throws ScimError invalidPath or invalidValue
 */
export function readProjection(
  type: ResourceType,
  parameters: Pick<ListParameters, 'attributes' | 'excludedAttributes'>,
): Projection {
  return parseProjection(type, {
    attributes: nameList(parameters.attributes, 'attributes'),
    excludedAttributes: nameList(parameters.excludedAttributes, 'excludedAttributes'),
  });
}

/**
 * Reads the body of `POST …/.search` into list parameters.
 * @throws ScimError invalidSyntax
 */
export function parseSearchRequest(body: unknown, dialect: Dialect = 'lenient'): ListParameters {
  const safe = safeObject(body);
  const tolerance = new Tolerance(dialect);
  checkSchemas(safe, searchRequestSchema, () => false, tolerance);
  const parameters = Object.fromEntries(
    searchParameters.flatMap((name) => {
      const value = field(safe, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  // In a URL everything is text; here there are lists and numbers.
  for (const name of ['attributes', 'excludedAttributes']) {
    if (typeof parameters[name] === 'string') {
      tolerance.tolerate('object-for-list', () => ScimError.invalidValue(`"${name}" must be a list.`));
    }
  }
  for (const name of ['startIndex', 'count']) {
    if (typeof parameters[name] === 'string') tolerance.tolerate('number-as-string', () => invalidInteger(name));
  }
  return parameters;
}

// Reads bulk requests (RFC 7644 section 3.7).
import type { Dialect, ScimValue } from './change-set.js';
import { ScimError } from './errors.js';
import { field, isObject, safeObject } from './json-safety.js';
import { limits } from './limits.js';
import { Tolerance } from './quirks.js';
import { checkSchemas } from './write/schemas-list.js';

const bulkRequestSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface BulkOperation {
  readonly method: BulkMethod;
  /** `/Users` for POST, `/Users/<id>` otherwise, without percent-encoding; may hold `bulkId:<x>` as the id until it is resolved. */
  readonly path: string;
  readonly bulkId?: string;
  /** The ETag the resource must have. */
  readonly version?: string;
  readonly data?: ScimValue;
}

/** An operation as it was sent. */
export interface SentOperation extends BulkOperation {
  /** Why it cannot be run; it is answered in its place, like one that failed. */
  readonly refusal?: ScimError;
}

export interface BulkRequest {
  /** Stop after this many failed operations; undefined: never stop. */
  readonly failOnErrors: number | undefined;
  readonly operations: readonly SentOperation[];
}

const methods: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** A segment of a path as the routes of single requests read it: what is encoded is decoded once, and separates nothing. */
function decoded(segment: string): string {
  try {
    const text = decodeURIComponent(segment);
    if (!text.includes('/')) return text;
  } catch {
    throw ScimError.invalidPath('"path" holds a "%" that begins no character; paths are relative URLs.');
  }
  throw ScimError.notFound();
}

function fieldsOf(raw: { [key: string]: ScimValue }) {
  const [method, path, bulkId, version, data] = ['method', 'path', 'bulkId', 'version', 'data'].map((name) =>
    field(raw, name),
  );
  return { method, path, bulkId, version, data };
}

/** @throws ScimError, which refuses this operation alone */
function readOperation(raw: { [key: string]: ScimValue }, tolerance: Tolerance): BulkOperation {
  const { method: verb, path, bulkId, version, data } = fieldsOf(raw);
  const method = typeof verb === 'string' ? verb.toUpperCase() : '';
  if (!methods.includes(method)) throw ScimError.invalidSyntax('"method" must be POST, PUT, PATCH or DELETE.');
  if (method !== verb) {
    tolerance.tolerate('lower-case-method', () => ScimError.invalidSyntax('"method" must be in capitals.'));
  }
  if (typeof path !== 'string' || !/^\/[^/?#]+(\/[^/?#]+)?$/.test(path)) {
    throw ScimError.invalidPath('"path" must be /<endpoint> or /<endpoint>/<id>.');
  }
  if ((method === 'POST') !== path.indexOf('/', 1) < 0) {
    throw ScimError.invalidPath('"path" must name the endpoint for POST and the resource for every other method.');
  }
  if (method === 'POST' && (typeof bulkId !== 'string' || bulkId === '')) {
    throw ScimError.invalidSyntax('A POST in a bulk request needs a "bulkId".');
  }
  if (method !== 'DELETE' && data === undefined)
    throw ScimError.invalidSyntax(`A ${method} in a bulk request needs "data".`);
  if (version !== undefined && version !== null && typeof version !== 'string') {
    throw ScimError.invalidSyntax('"version" must be an ETag, as a string.');
  }
  return {
    method: method as BulkMethod,
    path: path.split('/').map(decoded).join('/'),
    ...(typeof bulkId === 'string' ? { bulkId } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(data === undefined ? {} : { data }),
  };
}

/** What can be said of an operation that cannot be read; its data are left out, and with them whatever they refer to. */
function refused(raw: { [key: string]: ScimValue }, refusal: ScimError): SentOperation {
  const { method, path, bulkId } = fieldsOf(raw);
  return {
    method: (typeof method === 'string' ? method.toUpperCase() : '') as BulkMethod,
    path: typeof path === 'string' ? path : '',
    ...(typeof bulkId === 'string' ? { bulkId } : {}),
    refusal,
  };
}

function readOperations(sent: readonly ScimValue[], tolerance: Tolerance): SentOperation[] {
  const ids = new Set<string>();
  return sent.map((raw) => {
    if (!isObject(raw)) throw ScimError.invalidSyntax('Each of "Operations" must be an object.');
    try {
      const operation = readOperation(raw, tolerance);
      const { method, bulkId } = operation;
      if (method === 'POST' && bulkId !== undefined && ids.size === ids.add(bulkId).size) {
        throw ScimError.invalidSyntax('Another operation has the same "bulkId".');
      }
      return operation;
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      return refused(raw, error);
    }
  });
}

/**
 * Reads a bulk request. An operation that cannot be read is refused alone: the others are to be carried out (RFC 7644
 * section 3.7). The size of the body in bytes is the caller's to check against `limits.bulkBytes`.
 * @throws ScimError tooMany (413), invalidSyntax or invalidValue
 */
export function parseBulkRequest(body: unknown, dialect: Dialect = 'lenient'): BulkRequest {
  const safe = safeObject(body);
  const tolerance = new Tolerance(dialect);
  checkSchemas(safe, bulkRequestSchema, () => false, tolerance);
  const [operations, failOnErrors] = [field(safe, 'Operations'), field(safe, 'failOnErrors')];
  if (!Array.isArray(operations)) throw ScimError.invalidSyntax('"Operations" must be a list.');
  if (operations.length > limits.bulkOperations) {
    throw ScimError.tooMany(`A bulk request takes at most ${limits.bulkOperations} operations.`);
  }
  if (failOnErrors !== undefined && failOnErrors !== null && !Number.isSafeInteger(failOnErrors)) {
    throw ScimError.invalidValue('"failOnErrors" must be an integer.');
  }
  return {
    failOnErrors: typeof failOnErrors === 'number' && failOnErrors > 0 ? failOnErrors : undefined,
    operations: readOperations(operations, tolerance),
  };
}

// Reads bulk requests (RFC 7644 section 3.7).
import type { Dialect, ScimValue } from './change-set.js';
import { ScimError } from './errors.js';
import { isObject, safeObject } from './json-safety.js';
import { limits } from './limits.js';
import { Tolerance } from './quirks.js';
import { checkSchemas } from './write/schemas-list.js';

const bulkRequestSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface BulkOperation {
  readonly method: BulkMethod;
  /** `/Users` for POST, `/Users/<id>` otherwise; may hold `bulkId:<x>` as the id until it is resolved. */
  readonly path: string;
  readonly bulkId?: string;
  /** The ETag the resource must have. */
  readonly version?: string;
  readonly data?: ScimValue;
}

export interface BulkRequest {
  /** Stop after this many failed operations; undefined: never stop. */
  readonly failOnErrors: number | undefined;
  readonly operations: readonly BulkOperation[];
}

const methods: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];
function readOperation(raw: ScimValue, tolerance: Tolerance): BulkOperation {
  if (!isObject(raw)) throw ScimError.invalidSyntax('Each of "Operations" must be an object.');
  const method = typeof raw.method === 'string' ? raw.method.toUpperCase() : '';
  if (!methods.includes(method)) throw ScimError.invalidSyntax('"method" must be POST, PUT, PATCH or DELETE.');
  if (method !== raw.method) {
    tolerance.tolerate('lower-case-method', () => ScimError.invalidSyntax('"method" must be in capitals.'));
  }
  const { path, bulkId, version, data } = raw;
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
    path,
    ...(typeof bulkId === 'string' ? { bulkId } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(data === undefined ? {} : { data }),
  };
}

/**
 * Reads a bulk request. The size of the body in bytes is the caller's to check against `limits.bulkBytes`.
 * @throws ScimError tooMany (413), invalidSyntax or invalidPath
 */
export function parseBulkRequest(body: unknown, dialect: Dialect = 'lenient'): BulkRequest {
  const safe = safeObject(body);
  const tolerance = new Tolerance(dialect);
  checkSchemas(safe, bulkRequestSchema, () => false, tolerance);
  const { Operations: operations, failOnErrors } = safe;
  if (!Array.isArray(operations)) throw ScimError.invalidSyntax('"Operations" must be a list.');
  if (operations.length > limits.bulkOperations) {
    throw ScimError.tooMany(`A bulk request takes at most ${limits.bulkOperations} operations.`);
  }
  if (failOnErrors !== undefined && failOnErrors !== null && !Number.isSafeInteger(failOnErrors)) {
    throw ScimError.invalidValue('"failOnErrors" must be an integer.');
  }
  const read = operations.map((operation) => readOperation(operation, tolerance));
  const ids = read.flatMap(({ bulkId, method }) => (bulkId === undefined || method !== 'POST' ? [] : [bulkId]));
  if (new Set(ids).size !== ids.length) throw ScimError.invalidSyntax('A "bulkId" is used twice.');
  return {
    failOnErrors: typeof failOnErrors === 'number' && failOnErrors > 0 ? failOnErrors : undefined,
    operations: read,
  };
}

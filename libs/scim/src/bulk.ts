// Bulk requests: reads them, orders operations by their bulkId references, and runs them through a callback (RFC 7644 section 3.7).
import type { Dialect, ScimValue } from './change-set.js';
import { ScimError, type ScimErrorBody } from './errors.js';
import { isObject, safeObject } from './json-safety.js';
import { limits } from './limits.js';
import { Tolerance } from './quirks.js';
import { checkSchemas } from './write/schemas-list.js';

const bulkRequestSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const bulkResponseSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

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

/** What one operation came to. */
export interface BulkOutcome {
  readonly status: number;
  /** The id of the resource that a POST created. */
  readonly id?: string;
  readonly location?: string;
  readonly version?: string;
}

const methods: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];
const reference = /^bulkId:(.+)$/i;

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

/** Replaces each `bulkId:<x>` in a value, or only visits them when `resolve` returns them unchanged. */
function mapReferences(value: ScimValue, resolve: (bulkId: string) => string): ScimValue {
  if (typeof value === 'string') {
    const bulkId = reference.exec(value)?.[1];
    return bulkId === undefined ? value : resolve(bulkId);
  }
  if (Array.isArray(value)) return value.map((item) => mapReferences(item, resolve));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapReferences(item, resolve)]));
}

function mapOperation(operation: BulkOperation, resolve: (bulkId: string) => string): BulkOperation {
  const [, endpoint = '', id] = operation.path.split('/');
  const path = id === undefined ? operation.path : `/${endpoint}/${String(mapReferences(id, resolve))}`;
  return {
    ...operation,
    path,
    ...(operation.data === undefined ? {} : { data: mapReferences(operation.data, resolve) }),
  };
}

function referencesOf(operation: BulkOperation): Set<string> {
  const found = new Set<string>();
  mapOperation(operation, (bulkId) => {
    found.add(bulkId);
    return bulkId;
  });
  return found;
}

/**
 * The order in which operations can run: as sent, except that what is referred to comes first.
 * @returns indexes into `operations`, and those that wait for themselves
 */
export function orderBulk(operations: readonly BulkOperation[]): { order: number[]; circular: Set<number> } {
  const creators = new Map<string, number>();
  operations.forEach(({ method, bulkId }, i) => {
    if (method === 'POST' && bulkId !== undefined) creators.set(bulkId, i);
  });
  const state = new Map<number, 'open' | 'done'>();
  const order: number[] = [];
  const circular = new Set<number>();
  const visit = (i: number, trail: readonly number[]): void => {
    if (state.get(i) === 'done') return;
    if (state.get(i) === 'open') {
      for (const member of trail.slice(trail.indexOf(i))) circular.add(member);
      return;
    }
    state.set(i, 'open');
    for (const bulkId of referencesOf(operations[i] as BulkOperation)) {
      const creator = creators.get(bulkId);
      if (creator !== undefined) visit(creator, [...trail, i]);
    }
    state.set(i, 'done');
    order.push(i);
  };
  operations.forEach((_, i) => visit(i, []));
  return { order, circular };
}

type Answer = { [key: string]: ScimValue };

function answer(operation: BulkOperation, outcome: BulkOutcome, response?: ScimErrorBody): Answer {
  return {
    ...(outcome.location === undefined ? {} : { location: outcome.location }),
    method: operation.method,
    ...(operation.bulkId === undefined ? {} : { bulkId: operation.bulkId }),
    ...(outcome.version === undefined ? {} : { version: outcome.version }),
    status: String(outcome.status),
    ...(response === undefined ? {} : { response: { ...response, schemas: [...response.schemas] } }),
  };
}

/**
 * Runs a bulk request and builds its response; answers stand in the order of the request.
 * Circular references are answered 409, references to what was not created 400. Operations after the last error that
 * `failOnErrors` allows are neither run nor answered.
 * @param execute runs one operation with its references resolved; throws ScimError if it is refused
 */
export async function runBulk(
  request: BulkRequest,
  execute: (operation: BulkOperation) => Promise<BulkOutcome>,
): Promise<Answer> {
  const { order, circular } = orderBulk(request.operations);
  const created = new Map<string, string>();
  const answers = new Map<number, Answer>();
  let errors = 0;
  for (const i of order) {
    if (request.failOnErrors !== undefined && errors >= request.failOnErrors) break;
    const operation = request.operations[i] as BulkOperation;
    try {
      if (circular.has(i)) throw new ScimError(409, 'The operation refers to itself through "bulkId".');
      const outcome = await execute(mapOperation(operation, (bulkId) => resolved(created, bulkId)));
      if (operation.bulkId !== undefined && outcome.id !== undefined) created.set(operation.bulkId, outcome.id);
      if (outcome.status >= 400) errors += 1;
      answers.set(i, answer(operation, outcome));
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      errors += 1;
      answers.set(i, answer(operation, { status: error.status }, error.toBody()));
    }
  }
  const sorted = [...answers].sort(([a], [b]) => a - b).map(([, one]) => one);
  return { schemas: [bulkResponseSchema], Operations: sorted };
}

function resolved(created: ReadonlyMap<string, string>, bulkId: string): string {
  const id = created.get(bulkId);
  if (id === undefined) throw ScimError.invalidValue('The operation refers to a "bulkId" that created nothing.');
  return id;
}

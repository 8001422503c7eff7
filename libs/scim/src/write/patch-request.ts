// Reads the envelope of a PATCH: its operations with their verbs and paths (RFC 7644 section 3.5.2).
import type { ScimValue } from '../change-set.js';
import { ScimError } from '../errors.js';
import { field, isObject, safeObject } from '../json-safety.js';
import { limits } from '../limits.js';
import type { Tolerance } from '../quirks.js';
import { checkSchemas } from './schemas-list.js';

export const patchOpSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  /** Undefined for a path-less operation. */
  readonly path: string | undefined;
  /** Undefined when absent; null when sent as null. */
  readonly value: ScimValue | undefined;
}

function readOperation(raw: ScimValue, tolerance: Tolerance): PatchOperation {
  if (!isObject(raw)) throw ScimError.invalidSyntax('Each of "Operations" must be an object.');
  const verb = field(raw, 'op');
  const op = typeof verb === 'string' ? verb.toLowerCase() : '';
  if (op !== 'add' && op !== 'replace' && op !== 'remove') {
    throw ScimError.invalidSyntax('"op" must be add, replace or remove.');
  }
  if (op !== verb) tolerance.tolerate('capitalised-op', () => ScimError.invalidSyntax('"op" must be in lower case.'));
  const path = field(raw, 'path') ?? undefined;
  if (path !== undefined && typeof path !== 'string') throw ScimError.invalidPath('"path" must be a string.');
  return { op, path: path === '' ? undefined : path, value: field(raw, 'value') };
}

/**
 * Reads the operations of a PATCH body.
 * @throws ScimError invalidSyntax, invalidPath or tooMany
 */
export function readPatchRequest(body: unknown, tolerance: Tolerance): PatchOperation[] {
  const safe = safeObject(body);
  checkSchemas(safe, patchOpSchema, () => false, tolerance);
  const operations = field(safe, 'Operations');
  if (!Array.isArray(operations)) throw ScimError.invalidSyntax('"Operations" must be a list.');
  if (operations.length === 0) {
    tolerance.tolerate('empty-operations', () => ScimError.invalidSyntax('"Operations" must not be empty.'));
  }
  if (operations.length > limits.patchOperations) {
    throw ScimError.tooMany(`A PATCH takes at most ${limits.patchOperations} operations.`);
  }
  return operations.map((operation) => readOperation(operation, tolerance));
}

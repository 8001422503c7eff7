// References of bulk operations to one another, and the order in which they can run (RFC 7644 section 3.7.2).
import type { BulkOperation } from './bulk-request.js';
import type { ScimValue } from './change-set.js';
import { isObject } from './json-safety.js';

const reference = /^bulkId:(.+)$/i;

/** What a text refers to; undefined if it is no reference. */
export const bulkIdIn = (text: string): string | undefined => reference.exec(text)?.[1];

/** One in the filter of a PATCH's path, such as `members[value eq "bulkId:x"]`. */
const quotedReference = /"bulkId:([^"\\]+)"/gi;

/** Replaces each `bulkId:<x>` in a value, or only visits them when `resolve` returns them unchanged. */
function mapReferences(value: ScimValue, resolve: (bulkId: string) => string): ScimValue {
  if (typeof value === 'string') {
    const bulkId = bulkIdIn(value);
    return bulkId === undefined ? value : resolve(bulkId);
  }
  if (Array.isArray(value)) return value.map((item) => mapReferences(item, resolve));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const isPath = typeof item === 'string' && key.toLowerCase() === 'path';
      return [
        key,
        isPath ? item.replace(quotedReference, (_, id: string) => `"${resolve(id)}"`) : mapReferences(item, resolve),
      ];
    }),
  );
}

/** An operation with its references replaced, in its path and its data. */
export function mapOperation(operation: BulkOperation, resolve: (bulkId: string) => string): BulkOperation {
  const [, endpoint = '', id] = operation.path.split('/');
  const path = id === undefined ? operation.path : `/${endpoint}/${String(mapReferences(id, resolve))}`;
  return {
    ...operation,
    path,
    ...(operation.data === undefined ? {} : { data: mapReferences(operation.data, resolve) }),
  };
}

/** The bulkIds that a value refers to. */
export function referencesIn(value: ScimValue): Set<string> {
  const found = new Set<string>();
  mapReferences(value, (bulkId) => {
    found.add(bulkId);
    return bulkId;
  });
  return found;
}

/** The bulkIds that an operation refers to. */
export const referencesOf = ({ path, data }: BulkOperation): Set<string> =>
  referencesIn([...path.split('/'), data ?? null]);

/** Indexes of the operations that create what is referred to, by bulkId. */
export type Creators = ReadonlyMap<string, number>;

export const creatorsIn = (operations: readonly BulkOperation[]): Creators =>
  new Map(
    operations.flatMap(({ method, bulkId }, i) => (method === 'POST' && bulkId !== undefined ? [[bulkId, i]] : [])),
  );

/**
 * The order in which operations can run: as sent, except that what is referred to comes first.
 * @returns indexes into `operations`, and those that wait for themselves
 */
export function orderBulk(
  operations: readonly BulkOperation[],
  creators: Creators,
): { order: number[]; circular: ReadonlySet<number> } {
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

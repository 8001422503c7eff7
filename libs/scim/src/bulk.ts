// Runs bulk requests: orders operations by their bulkId references and puts circles together (RFC 7644 section 3.7).
import { postpone } from './bulk-circle.js';
import type { BulkOperation, BulkRequest } from './bulk-request.js';
import type { ScimValue } from './change-set.js';
import { ScimError, type ScimErrorBody } from './errors.js';
import { isObject } from './json-safety.js';

const bulkResponseSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** What one operation came to. */
export interface BulkOutcome {
  readonly status: number;
  /** The id of the resource that a POST created. */
  readonly id?: string;
  readonly location?: string;
  readonly version?: string;
}

const reference = /^bulkId:(.+)$/i;

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

function referencesIn(value: ScimValue): Set<string> {
  const found = new Set<string>();
  mapReferences(value, (bulkId) => {
    found.add(bulkId);
    return bulkId;
  });
  return found;
}

const referencesOf = ({ path, data }: BulkOperation): Set<string> => referencesIn([...path.split('/'), data ?? null]);

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

interface BulkPorts {
  /** Runs one operation with its references resolved; throws ScimError if it is refused. */
  readonly execute: (operation: BulkOperation) => Promise<BulkOutcome>;
  /** The URL of what is at a path; undefined where there can be nothing. */
  readonly locate: (path: string) => string | undefined;
}

/** A resource of a circle that lacks its references to the others. */
interface Unfinished {
  readonly index: number;
  readonly path: string;
  readonly rest: ScimValue;
  readonly outcome: BulkOutcome;
}

class BulkRun {
  private readonly created = new Map<string, string>();
  private readonly answers = new Map<number, Answer>();
  private readonly unfinished: Unfinished[] = [];
  private errors = 0;

  constructor(
    private readonly request: BulkRequest,
    private readonly ports: BulkPorts,
  ) {}

  async run(): Promise<Answer[]> {
    const { operations, failOnErrors } = this.request;
    const { order, circular } = orderBulk(operations);
    for (const index of order) {
      if (failOnErrors !== undefined && this.errors >= failOnErrors) break;
      await this.answered(index, () => this.one(index, circular.has(index)));
    }
    for (const one of this.unfinished) await this.answered(one.index, () => this.finish(one));
    return [...this.answers].sort(([a], [b]) => a - b).map(([, answer]) => answer);
  }

  private async answered(index: number, run: () => Promise<BulkOutcome>): Promise<void> {
    const operation = this.request.operations[index] as BulkOperation;
    try {
      const outcome = await run();
      if (outcome.status >= 400) this.errors += 1;
      this.answers.set(index, this.answer(operation, outcome));
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      this.errors += 1;
      this.answers.set(index, this.answer(operation, { status: error.status }, error.toBody()));
    }
  }

  private async one(index: number, isCircular: boolean): Promise<BulkOutcome> {
    const operation = this.request.operations[index] as BulkOperation;
    const waits = (value: ScimValue) => [...referencesIn(value)].some((bulkId) => !this.created.has(bulkId));
    const postponed = isCircular ? postpone(operation.data, waits) : { data: operation.data, rest: undefined };
    if (postponed === undefined) throw circle();
    const { data, rest } = postponed;
    const outcome = await this.ports.execute(
      mapOperation({ ...operation, ...(data === undefined ? {} : { data }) }, (bulkId) => this.resolved(bulkId)),
    );
    if (outcome.id === undefined) return outcome;
    if (operation.bulkId !== undefined) this.created.set(operation.bulkId, outcome.id);
    const path = `${operation.path}/${outcome.id}`;
    if (rest !== undefined) this.unfinished.push({ index, path, rest, outcome });
    return outcome;
  }

  /** What cannot be put together is not left lying about in parts. */
  private async finish({ path, rest, outcome }: Unfinished): Promise<BulkOutcome> {
    const { execute } = this.ports;
    try {
      const operation: BulkOperation = { method: 'PATCH', path, data: rest };
      const { version } = await execute(mapOperation(operation, (bulkId) => this.resolved(bulkId)));
      return version === undefined ? outcome : { ...outcome, version };
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      await execute({ method: 'DELETE', path });
      throw circle();
    }
  }

  private answer(operation: BulkOperation, outcome: BulkOutcome, response?: ScimErrorBody): Answer {
    const { method, bulkId, path } = operation;
    const location = outcome.location ?? (method === 'POST' ? undefined : this.located(path));
    return {
      ...(location === undefined ? {} : { location }),
      method,
      ...(bulkId === undefined ? {} : { bulkId }),
      ...(outcome.version === undefined ? {} : { version: outcome.version }),
      status: String(outcome.status),
      ...(response === undefined ? {} : { response: { ...response, schemas: [...response.schemas] } }),
    };
  }

  private located(path: string): string | undefined {
    const [, endpoint = '', id = ''] = path.split('/');
    const bulkId = reference.exec(id)?.[1];
    const known = bulkId === undefined ? id : this.created.get(bulkId);
    return known === undefined ? undefined : this.ports.locate(`/${endpoint}/${known}`);
  }

  private resolved(bulkId: string): string {
    const id = this.created.get(bulkId);
    if (id === undefined) throw ScimError.invalidValue('The operation refers to a "bulkId" that created nothing.');
    return id;
  }
}

const circle = (): ScimError =>
  new ScimError(409, 'The operation is part of a circle of "bulkId" references that cannot be resolved.');

/**
 * Runs a bulk request and builds its response; answers stand in the order of the request.
 * Circles of references are created first and put together afterwards; one that cannot be is answered 409, a reference to
 * what was not created 400. Operations after the last error that `failOnErrors` allows are neither run nor answered.
 */
export async function runBulk(request: BulkRequest, ports: BulkPorts): Promise<Answer> {
  return { schemas: [bulkResponseSchema], Operations: await new BulkRun(request, ports).run() };
}

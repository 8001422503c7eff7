// Runs bulk requests: what is referred to comes first, and circles are put together (RFC 7644 section 3.7).
import { postpone, type Postponed } from './bulk-circle.js';
import {
  bulkIdIn,
  creatorsIn,
  mapOperation,
  orderBulk,
  referencesIn,
  referencesOf,
  type Creators,
} from './bulk-references.js';
import type { BulkOperation, BulkRequest, SentOperation } from './bulk-request.js';
import type { ScimValue } from './change-set.js';
import { ScimError, type ScimErrorBody } from './errors.js';
import type { ResourceType } from './schema/resource-type.js';

const bulkResponseSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** What one operation came to. */
export interface BulkOutcome {
  readonly status: number;
  /** The id of the resource that a POST created. */
  readonly id?: string;
  readonly location?: string;
  readonly version?: string;
}

type Answer = { [key: string]: ScimValue };

/** What a bulk request needs of its host. */
export interface BulkPorts {
  /** Runs one operation with its references resolved; throws ScimError if it is refused. */
  readonly execute: (operation: BulkOperation) => Promise<BulkOutcome>;
  /** The type of what is at a path; undefined where there is no endpoint. */
  readonly typeAt: (path: string) => ResourceType | undefined;
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
  private readonly creators: Creators;
  private readonly order: readonly number[];
  private readonly circular: ReadonlySet<number>;
  private readonly created = new Map<string, string>();
  private readonly answers = new Map<number, Answer>();
  private unfinished: readonly Unfinished[] = [];
  private errors = 0;

  constructor(
    private readonly request: BulkRequest,
    private readonly ports: BulkPorts,
  ) {
    this.creators = creatorsIn(request.operations);
    ({ order: this.order, circular: this.circular } = orderBulk(request.operations, this.creators));
  }

  /** In rounds: what has to wait for others is tried again after them, and refused when it waits for itself alone. */
  async run(): Promise<Answer[]> {
    let waiting = this.order;
    for (let isStuck = false; waiting.length > 0 && !this.isOver();) {
      const aside: number[] = [];
      for (const index of waiting) {
        if (this.isOver()) break;
        const ready = this.readyPart(index);
        if (ready === undefined && !isStuck) {
          aside.push(index);
          continue;
        }
        await this.answered(index, () => this.one(index, ready));
        await this.finishAll(({ rest }) => !this.waits(rest));
      }
      isStuck = aside.length === waiting.length;
      waiting = aside;
    }
    await this.finishAll(() => true);
    return [...this.answers].sort(([a], [b]) => a - b).map(([, answer]) => answer);
  }

  /** Whether as many operations have failed as the client allows. */
  private isOver(): boolean {
    const { failOnErrors } = this.request;
    return failOnErrors !== undefined && this.errors >= failOnErrors;
  }

  /** Whether what a bulkId refers to may still be created. */
  private isAwaited(bulkId: string): boolean {
    const creator = this.creators.get(bulkId);
    return creator !== undefined && !this.answers.has(creator);
  }

  private waits(value: ScimValue): boolean {
    return [...referencesIn(value)].some((bulkId) => this.isAwaited(bulkId));
  }

  /** What of an operation can be done; undefined: nothing before others are. */
  private readyPart(index: number): Postponed | undefined {
    const operation = this.request.operations[index] as BulkOperation;
    const { method, path, data } = operation;
    if (![...referencesOf(operation)].some((bulkId) => this.isAwaited(bulkId))) return { data, rest: undefined };
    const type = method === 'POST' ? this.ports.typeAt(path) : undefined;
    return type && postpone(type, data, (value) => this.waits(value));
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

  private async one(index: number, ready: Postponed | undefined): Promise<BulkOutcome> {
    const operation = this.request.operations[index] as SentOperation;
    if (operation.refusal !== undefined) throw operation.refusal;
    if (ready === undefined) throw circle('what refers to the others cannot be left out until they exist');
    const { data, rest } = ready;
    const isBroken = [...referencesOf(operation)].some(
      (bulkId) => !this.created.has(bulkId) && !this.isAwaited(bulkId),
    );
    if (isBroken && this.circular.has(index)) throw circle('another part of it was refused');
    const outcome = await this.ports.execute(
      mapOperation({ ...operation, ...(data === undefined ? {} : { data }) }, (bulkId) => this.resolved(bulkId)),
    );
    if (outcome.id === undefined) return outcome;
    if (operation.bulkId !== undefined) this.created.set(operation.bulkId, outcome.id);
    const path = `${operation.path}/${outcome.id}`;
    // Whoever was there before is not what the operation describes.
    if (rest !== undefined && outcome.status === 201) {
      this.unfinished = [...this.unfinished, { index, path, rest, outcome }];
    }
    return outcome;
  }

  private async finishAll(mayBeFinished: (one: Unfinished) => boolean): Promise<void> {
    const ready = this.unfinished.filter(mayBeFinished);
    this.unfinished = this.unfinished.filter((one) => !ready.includes(one));
    for (const one of ready) await this.answered(one.index, () => this.finish(one));
  }

  /** What cannot be put together is not left lying about in parts. */
  private async finish({ index, path, rest, outcome }: Unfinished): Promise<BulkOutcome> {
    const { execute } = this.ports;
    try {
      const operation: BulkOperation = { method: 'PATCH', path, data: rest };
      const { version } = await execute(mapOperation(operation, (bulkId) => this.resolved(bulkId)));
      return version === undefined ? outcome : { ...outcome, version };
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      this.created.delete(this.request.operations[index]?.bulkId ?? '');
      await execute({ method: 'DELETE', path });
      throw circle('another part of it was refused');
    }
  }

  private answer(operation: BulkOperation, outcome: BulkOutcome, response?: ScimErrorBody): Answer {
    const { method, bulkId, path } = operation;
    const location = outcome.location ?? (method === 'POST' ? undefined : this.located(path));
    return {
      ...(location === undefined ? {} : { location }),
      ...((method as string) === '' ? {} : { method }),
      ...(bulkId === undefined ? {} : { bulkId }),
      ...(outcome.version === undefined ? {} : { version: outcome.version }),
      status: String(outcome.status),
      ...(response === undefined ? {} : { response: { ...response, schemas: [...response.schemas] } }),
    };
  }

  private located(path: string): string | undefined {
    const [, endpoint = '', id = ''] = path.split('/');
    const bulkId = bulkIdIn(id);
    const known = bulkId === undefined ? id : this.created.get(bulkId);
    return known === undefined ? undefined : this.ports.locate(`/${endpoint}/${known}`);
  }

  private resolved(bulkId: string): string {
    const id = this.created.get(bulkId);
    if (id === undefined) throw ScimError.invalidValue('The operation refers to a "bulkId" that created nothing.');
    return id;
  }
}

const circle = (why: string): ScimError =>
  new ScimError(409, `The operation is part of a circle of "bulkId" references that cannot be resolved: ${why}.`);

/**
 * Runs a bulk request and builds its response; answers stand in the order of the request.
 * Circles of references are created first and put together afterwards; one that cannot be is answered 409, a reference to
 * what was not created 400. Operations after the last error that `failOnErrors` allows are neither run nor answered.
 */
export async function runBulk(request: BulkRequest, ports: BulkPorts): Promise<Answer> {
  return { schemas: [bulkResponseSchema], Operations: await new BulkRun(request, ports).run() };
}

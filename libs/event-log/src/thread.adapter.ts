// The embedded log for another thread of its process: read there on a connection of its own, appended to where it is open.
import type { MessagePort } from 'node:worker_threads';
import type { RecordedEvent } from '@app/events';
import { decode } from './codec.js';
import { CommitTiming } from './commit-timing.js';
import {
  EventLog,
  EventLogUnavailable,
  InvalidAppend,
  WrongExpectedRevision,
  type AppendOptions,
  type Appended,
  type ReadStreamOptions,
  type StreamWrite,
} from './event-log.port.js';
import { EmbeddedLog } from './embedded-log.js';
import { SqliteReader } from './sqlite-reader.js';

/** `wait` is answered once there is an event after a position. */
type Asked =
  | { readonly kind: 'append'; readonly writes: readonly StreamWrite[] }
  | { readonly kind: 'read'; readonly stream: string; readonly options: ReadStreamOptions | undefined }
  | { readonly kind: 'wait'; readonly after: bigint };
type Call = Asked & { readonly id: number };

/** Position and bytes: what an event is made of again. */
type Stored = Pick<RecordedEvent, 'position' | 'bytes'>;
/** An error as it crosses to another thread, which loses its class. */
type Failure = Pick<Error, 'name' | 'message'> & Partial<Pick<WrongExpectedRevision, 'stream' | 'expected' | 'actual'>>;

type Result = readonly Appended[] | readonly Stored[] | undefined;
type Answer = { readonly id: number } & ({ readonly result: Result } | { readonly failure: Failure });

/** Serves the {@link ThreadEventLog} at the other end of `port`, until either end is closed. */
export function serveThread(log: EventLog, port: MessagePort): void {
  let answers: Answer[] = [];
  // Those of one turn of the event loop are one message: a message costs as much as an append.
  const send = () => {
    port.postMessage(answers);
    answers = [];
  };
  const closed = new AbortController();
  port.on('close', () => closed.abort());
  const serve = async ({ id, ...asked }: Call): Promise<void> => {
    const answer = await resultOf(log, asked, closed.signal).then(
      (result) => ({ id, result }),
      (error: unknown) => ({ id, failure: failureOf(error) }),
    );
    if (answers.push(answer) === 1) setImmediate(send);
  };
  port.on('message', (calls: readonly Call[]) => {
    for (const call of calls) void serve(call);
  });
}

async function resultOf(log: EventLog, asked: Asked, signal: AbortSignal): Promise<Result> {
  switch (asked.kind) {
    case 'append':
      return log.appendAll(asked.writes);
    case 'read': {
      const events = await log.readStream(asked.stream, asked.options);
      // Copied, because what lies beside them in their buffer would cross with them.
      return events.map(({ position, bytes }) => ({ position, bytes: Uint8Array.from(bytes) }));
    }
    case 'wait':
      for await (const _ of log.subscribe({ after: asked.after, signal })) break;
      return undefined;
  }
}

function failureOf(error: unknown): Failure {
  const { name, message } = error as Error;
  if (!(error instanceof WrongExpectedRevision)) return { name, message };
  const { stream, expected, actual } = error;
  return { name, message, stream, expected, actual };
}

function errorOf({ name, message, stream, expected, actual }: Failure): Error {
  if (stream !== undefined && expected !== undefined && actual !== undefined) {
    return new WrongExpectedRevision(stream, expected, actual);
  }
  if (name === 'InvalidAppend') return new InvalidAppend(message);
  return name === 'EventLogUnavailable' ? new EventLogUnavailable(message) : new Error(message);
}

interface Waiting {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export class ThreadEventLog extends EmbeddedLog {
  protected readonly reader: SqliteReader;
  private readonly waiting = new Map<number, Waiting>();
  private ids = 0;
  private appends: Call[] = [];
  private readonly timing = new CommitTiming(
    () => this.appends.length,
    () => this.sendTogether(),
  );

  private constructor(
    directory: string,
    private readonly port: MessagePort,
  ) {
    super();
    this.reader = SqliteReader.open({ directory, newsAfter: (after) => this.ask({ kind: 'wait', after }) });
    port.on('message', (answers: readonly Answer[]) => answers.forEach((answer) => this.take(answer)));
    port.on('close', () => void this.close());
  }

  /** @param port whose other end {@link serveThread} has, in the thread that opened the log in `directory` */
  static open({ directory, port }: { directory: string; port: MessagePort }): ThreadEventLog {
    return new ThreadEventLog(directory, port);
  }

  override async appendAll(writes: readonly StreamWrite[], { patient }: AppendOptions = {}): Promise<Appended[]> {
    const appended = await this.ask({ kind: 'append', writes }, (call) => {
      this.appends.push(call);
      if (patient === true) this.timing.patiently();
      else this.timing.soon();
    });
    return appended as Appended[];
  }

  override async readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]> {
    const events = (await this.ask({ kind: 'read', stream, options })) as Stored[];
    return events.map(({ bytes, position }) => decode(bytes, position));
  }

  /** Whether what was asked for and not answered yet has happened is unknown. */
  override async close(): Promise<void> {
    this.port.close();
    await this.reader.close();
    for (const { reject } of this.waiting.values()) reject(new EventLogUnavailable('the event log is closed'));
    this.waiting.clear();
  }

  private async ask(asked: Asked, send = this.sendAlone): Promise<Result> {
    this.reader.mustBeOpen();
    const id = (this.ids += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      send({ ...asked, id });
    });
  }

  private readonly sendAlone = (call: Call): void => this.port.postMessage([call]);

  /** Those that wait for one another here share the message and then the commit. */
  private sendTogether(): void {
    this.timing.begun();
    if (this.appends.length > 0) this.port.postMessage(this.appends);
    this.appends = [];
  }

  private take(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('failure' in answer) waiting?.reject(errorOf(answer.failure));
    else waiting?.resolve(answer.result);
  }
}

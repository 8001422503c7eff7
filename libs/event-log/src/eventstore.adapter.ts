// The production event log: EventStoreDB over gRPC. Every call has a timeout of ours, and a client that failed is replaced.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnyEvent, RecordedEvent } from '@app/events';
import {
  BACKWARDS,
  binaryEvent,
  END,
  EventStoreDBClient,
  FORWARDS,
  MaxAppendSizeExceededError,
  NO_STREAM,
  NotLeaderError,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type AllStreamSubscription,
  type AppendResult,
  type Position,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { decode, encode, firstRevision } from './codec.js';
import {
  EventLog,
  EventLogUnavailable,
  EVENTS_PER_BATCH,
  EVENTS_PER_READ,
  InvalidAppend,
  WrongExpectedRevision,
  type Appended,
  type EventPlace,
  type LogBatch,
  type ReadStreamOptions,
  type StreamWrite,
} from './event-log.port.js';
import { Connection, ownConnection, ReplacedConnection } from './eventstore-connection.js';

export interface EventStoreOptions {
  /** `esdb://host:2113?tls=false`, or with TLS and all nodes `esdb://user:password@a:2113,b:2113,c:2113`. */
  readonly url: string;
  /** How long a call may take, a read between two events. Default 3,000. */
  readonly timeoutMs?: number;
}

type Events = StreamingRead<ResolvedEvent>;
type Opened = Connection<EventStoreDBClient>;

export class EventStoreLog extends EventLog {
  private readonly closing = new AbortController();
  /** Apart, because a failure of one call ends all calls of its client. */
  private readonly writes: ReplacedConnection<EventStoreDBClient>;
  private readonly reads: ReplacedConnection<EventStoreDBClient>;
  private readonly subscriptions = new Set<Opened>();

  private constructor(
    private readonly open: () => Opened,
    private readonly timeoutMs: number,
  ) {
    super();
    this.writes = new ReplacedConnection(open);
    this.reads = new ReplacedConnection(open);
  }

  /**
   * Does not wait for the server: calls fail with EventLogUnavailable until it answers.
   * @throws if the URL is not a connection string
   */
  static connect({ url, timeoutMs = 3_000 }: EventStoreOptions): EventStoreLog {
    const open = () => new Connection(EventStoreDBClient.connectionString(ownConnection(url)));
    try {
      void open().end();
    } catch {
      // The client's own message repeats the URL, and with it the password.
      throw new Error(
        'EVENTSTORE_URL is not understood: write esdb://host:2113?tls=false or esdb://user:password@host:2113',
      );
    }
    return new EventStoreLog(open, timeoutMs);
  }

  override async appendAll(writes: readonly StreamWrite[]): Promise<Appended[]> {
    const encoded = writes.map(({ stream, expected, events }) => encode(stream, firstRevision(expected), events));
    const appended: Appended[] = [];
    for (const [i, write] of writes.entries()) appended.push(await this.appendOne(write, encoded[i] as Buffer[]));
    return appended;
  }

  private async appendOne(write: StreamWrite, encoded: readonly Buffer[]): Promise<Appended> {
    this.mustBeOpen();
    const { stream, expected, events } = write;
    const expectedRevision = expected === 'no-stream' ? NO_STREAM : expected;
    const proposed = encoded.map((data, i) => {
      const { id, type } = events[i] as AnyEvent;
      return binaryEvent({ id, type, data });
    });
    const connection = this.writes.current();
    let result: AppendResult;
    try {
      const answer = connection.client.appendToStream(stream, proposed, { expectedRevision, deadline: this.timeoutMs });
      result = await within(this.timeoutMs, answer);
    } catch (error) {
      throw refusal(error, write) ?? failed(this.writes, connection, error);
    }
    const revision = result.nextExpectedRevision;
    // A server need not tell the position of what it had already stored.
    const position =
      result.position?.commit ?? (await this.readStream(stream, { from: revision, max: 1 }))[0]?.position;
    if (position === undefined) throw new EventLogUnavailable(`the event log did not tell the position of ${stream}`);
    return { revision, position };
  }

  override readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { direction = 'forwards', max = EVENTS_PER_READ } = options;
    const fromRevision = options.from ?? (direction === 'forwards' ? START : END);
    const way = direction === 'forwards' ? FORWARDS : BACKWARDS;
    return this.read(
      max,
      (client) => client.readStream(stream, { fromRevision, direction: way, maxCount: max }) as Events,
    );
  }

  override readAll({ after, max = EVENTS_PER_READ }: { after?: bigint; max?: number } = {}): Promise<RecordedEvent[]> {
    const open = (client: EventStoreDBClient) => client.readAll({ fromPosition: fromPosition(after) }) as Events;
    // Unlike a subscription, a read begins with the event at the position.
    return this.read(max, open, (event) => isOurs(event) && positionOf(event) > (after ?? -1n));
  }

  override async head(): Promise<bigint | undefined> {
    const open = (client: EventStoreDBClient) => client.readAll({ fromPosition: END, direction: BACKWARDS }) as Events;
    const [last] = await this.read(1, open, isOurs);
    return last?.position;
  }

  /** Asked of its stream: the server fails reads at a position where it has no event. */
  override async holds({ id, stream, revision, position }: EventPlace): Promise<boolean> {
    const [found] = await this.readStream(stream, { from: revision, max: 1 });
    return found?.id === id && found.position === position;
  }

  private async read(
    max: number,
    open: (client: EventStoreDBClient) => Events,
    isWanted: (event: ResolvedEvent) => boolean = () => true,
  ): Promise<RecordedEvent[]> {
    this.mustBeOpen();
    if (max <= 0) return [];
    const connection = this.reads.current();
    const events: ResolvedEvent[] = [];
    const stream = open(connection.client);
    const timer = setTimeout(() => stream.destroy(silence(this.timeoutMs)), this.timeoutMs);
    // It may emit errors after the loop has ended, and nobody else would be listening.
    stream.on('error', () => undefined);
    try {
      for await (const event of stream.iterator({ destroyOnReturn: false })) {
        timer.refresh();
        if (!isWanted(event)) continue;
        events.push(event);
        if (events.length >= max) break;
      }
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      throw failed(this.reads, connection, error);
    } finally {
      clearTimeout(timer);
      // The client forgets a stream only once it has flowed to its end.
      stream.resume();
      void stream.cancel().catch(() => undefined);
    }
    return events.map(recorded);
  }

  override async *subscribe({ after, signal }: { after?: bigint; signal: AbortSignal }): AsyncIterable<LogBatch> {
    for await (const batch of this.receive(after, signal)) {
      yield { events: batch.filter(isOurs).map(recorded), position: positionOf(batch.at(-1) as ResolvedEvent) };
    }
  }

  /** Events as the server sends them, those of the server itself included: they too advance the position. */
  private async *receive(after: bigint | undefined, signal: AbortSignal): AsyncIterable<ResolvedEvent[]> {
    if (signal.aborted) return;
    this.mustBeOpen();
    const connection = this.open();
    this.subscriptions.add(connection);
    const options = { fromPosition: fromPosition(after) };
    const subscription: AllStreamSubscription = connection.client.subscribeToAll(options, {
      highWaterMark: EVENTS_PER_BATCH,
    });
    const timer = setTimeout(() => subscription.destroy(silence(this.timeoutMs)), this.timeoutMs);
    const stop = () => subscription.destroy();
    subscription.on('error', () => undefined).once('confirmation', () => clearTimeout(timer));
    signal.addEventListener('abort', stop);
    this.closing.signal.addEventListener('abort', stop);
    try {
      for await (const first of subscription) {
        // What came with it is handed over with it, as one transaction of a projection.
        await nextTurn();
        yield [first, ...waiting(subscription)];
        if (signal.aborted) return;
      }
      throw new EventLogUnavailable('the event log ended the subscription');
    } catch (error) {
      if (signal.aborted) return;
      this.mustBeOpen();
      throw unavailable(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      this.closing.signal.removeEventListener('abort', stop);
      await connection.end();
      this.subscriptions.delete(connection);
    }
  }

  override async close(): Promise<void> {
    this.closing.abort();
    const ends = [this.writes, this.reads, ...this.subscriptions].map((connection) => connection.end());
    // A client that still looks for the leader of its cluster ends by itself when it gives up.
    await within(this.timeoutMs, Promise.all(ends)).catch(() => undefined);
  }

  private mustBeOpen(): void {
    if (this.closing.signal.aborted) throw new EventLogUnavailable('the event log is closed');
  }
}

/** What the server says can never, or no longer, be appended like this; undefined when nobody knows. */
function refusal(error: unknown, { stream, expected }: StreamWrite): Error | undefined {
  if (error instanceof WrongExpectedVersionError) {
    const actual = error.actualVersion;
    return new WrongExpectedRevision(stream, expected, typeof actual === 'bigint' ? actual : 'no-stream');
  }
  if (error instanceof MaxAppendSizeExceededError) {
    return new InvalidAppend(`append to ${stream}: the server takes ${error.maxAppendSize} bytes`);
  }
  if (error instanceof StreamDeletedError)
    return new InvalidAppend(`append to ${stream}: the stream was deleted for good`);
  return undefined;
}

const silence = (ms: number) => new EventLogUnavailable(`the event log did not answer within ${ms} ms`);

function failed(from: ReplacedConnection<EventStoreDBClient>, connection: Opened, error: unknown): EventLogUnavailable {
  from.failed(connection);
  return unavailable(error);
}

function unavailable(error: unknown): EventLogUnavailable {
  if (error instanceof EventLogUnavailable) return error;
  if (error instanceof NotLeaderError) {
    return new EventLogUnavailable('the EventStoreDB node does not lead its cluster: name all nodes in EVENTSTORE_URL');
  }
  return new EventLogUnavailable(`the event log failed: ${reasonOf(error as Error)}`);
}

/** In the words of the client, without what it adds when it has nothing to add. */
const reasonOf = ({ message }: Error): string => message.replace(/( Resolution note:)?[\s.]*$/, '').replace(/\.$/, '');

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(silence(ms)), ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What has arrived behind the event that woke us. */
function waiting(subscription: AllStreamSubscription): ResolvedEvent[] {
  const events: ResolvedEvent[] = [];
  while (events.length < EVENTS_PER_BATCH - 1) {
    const event = subscription.read() as ResolvedEvent | null;
    if (event === null) break;
    events.push(event);
  }
  return events;
}

const fromPosition = (after: bigint | undefined): Position | typeof START =>
  after === undefined || after < 0n ? START : { commit: after, prepare: after };

const positionOf = ({ event, commitPosition }: ResolvedEvent): bigint =>
  event?.position?.commit ?? (commitPosition as bigint);

const isOurs = ({ event }: ResolvedEvent): boolean =>
  event !== undefined && !event.streamId.startsWith('$') && !event.type.startsWith('$');

const recorded = (resolved: ResolvedEvent): RecordedEvent =>
  decode(resolved.event?.data as unknown as Uint8Array, positionOf(resolved));

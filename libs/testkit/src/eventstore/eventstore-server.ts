// An EventStoreDB for tests: the gRPC service that its client publishes, in memory, failing on demand.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import gossipService, { type IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import streamsService, { type IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerReadableStream,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { notLeader, streamDeleted, tooLarge, type Failure } from './failures.js';
import * as messages from './messages.js';
import { StoredStreams, type ProposedEvent, type StoredEvent } from './stored-streams.js';
import { Wire } from './wire.js';

/**
 * `mute`: never answers and does nothing. `lost-answer`: appends, but never answers. `internal`: answers INTERNAL.
 * `not-leader`: names another node as the leader. `cut`: the connection breaks, of a read after its first events.
 * `no-position`: appends, but does not tell the position.
 */
export type Fault = 'mute' | 'lost-answer' | 'internal' | 'not-leader' | 'cut' | 'no-position';
export type Call = 'append' | 'read';

type AppendCall = ServerReadableStream<streams.AppendReq, streams.AppendResp>;
type AppendAnswer = sendUnaryData<streams.AppendResp>;
type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** What a real server accepts as one message. */
const MAX_MESSAGE = 17 * 1024 * 1024;
/** Events that a read sends before a `cut`. */
const BEFORE_CUT = 3;

/** Starts on a free port of the loopback. The log begins as that of a real server does: with events of its own. */
export async function startEventStoreServer(): Promise<EventStoreServer> {
  const server = new EventStoreServer();
  await server.restart();
  return server;
}

export class EventStoreServer {
  /** The node that this one names as the leader of its cluster. The events of a cluster are not copied between nodes. */
  leader: EventStoreServer = this;
  private readonly wire = new Wire();
  private readonly stored = new StoredStreams();
  private faults: { kind: Fault; on: readonly Call[] }[] = [];
  private server: Server | undefined;

  constructor() {
    for (let i = 0; i < 3; i += 1) this.writeSystemEvent();
  }

  get port(): number {
    return this.wire.port;
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=false`;
  }

  /** Connections that clients have opened so far. */
  get connections(): number {
    return this.wire.accepted;
  }

  get openConnections(): number {
    return this.wire.open;
  }

  /** Events in the log, those of the server included. */
  get size(): number {
    return this.stored.all.length;
  }

  /** The next `times` calls fail like this; without `on`, calls of either sort. */
  fault(kind: Fault, times = 1, ...on: Call[]): void {
    const calls: Call[] = on.length > 0 ? on : ['append', 'read'];
    for (let i = 0; i < times; i += 1) this.faults.push({ kind, on: calls });
  }

  /** Faults that no call has met yet. */
  get faultsLeft(): number {
    return this.faults.length;
  }

  /** Calls are served again as they should be. */
  recover(): void {
    this.faults = [];
  }

  /** Breaks all present connections. */
  cut(): void {
    this.wire.cut();
  }

  /** Present connections stay open and carry nothing any more, as when a cable is pulled. */
  silence(): void {
    this.wire.silence();
  }

  /** Appends to a stream of the server's own, as its statistics do. */
  writeSystemEvent(): void {
    const stream = '$stats-127.0.0.1:2113';
    const expected = BigInt(this.stored.events(stream)?.length ?? 0) - 1n;
    const data = new Uint8Array(Buffer.from('{"proc-cpu":1}'));
    const event = { id: randomUUID(), type: '$statsCollected', contentType: 'application/json', data };
    this.stored.append(stream, expected, [{ ...event, metadata: new Uint8Array() }]);
  }

  /** Deletes a stream for good, as an operator can. */
  tombstone(stream: string): void {
    this.stored.tombstone(stream);
  }

  /** Goes away at once; the events and the port are kept. */
  async stop(): Promise<void> {
    await this.wire.close();
    this.server?.forceShutdown();
    this.server = undefined;
  }

  /** Comes back on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE });
    const service: Pick<IStreamsServer, 'append' | 'read'> = {
      append: (call, answer) => this.append(call, answer),
      read: (call) => void this.read(call).catch((error: unknown) => call.destroy(error as Error)),
    };
    server.addService(streamsService.StreamsService, service as unknown as UntypedServiceImplementation);
    const gossip: Pick<IGossipServer, 'read'> = {
      read: (_call, answer) => answer(null, messages.clusterInfo([this.port, this.leader.port], this.leader.port)),
    };
    server.addService(gossipService.GossipService, gossip as unknown as UntypedServiceImplementation);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.server = server;
    await this.wire.listen(port);
  }

  private append(call: AppendCall, answer: AppendAnswer): void {
    let header: messages.AppendHeader | undefined;
    const proposed: ProposedEvent[] = [];
    call.on('error', () => undefined);
    call.on('data', (request: streams.AppendReq) => {
      const options = request.getOptions();
      const message = request.getProposedMessage();
      if (options !== undefined) header = messages.appendHeader(options);
      if (message !== undefined) proposed.push(messages.proposedEvent(message));
    });
    call.on('end', () => this.answerAppend(header, proposed, answer));
  }

  private answerAppend(
    header: messages.AppendHeader | undefined,
    proposed: readonly ProposedEvent[],
    answer: AppendAnswer,
  ): void {
    const fault = this.nextFault('append');
    if (fault === 'mute') return;
    if (fault === 'cut') return this.cut();
    const failure = this.failureOf(fault);
    if (failure !== undefined) return answer(failure);
    if (header?.expected === undefined) return answer({ code: status.UNIMPLEMENTED, details: 'expected revision' });
    const { stream, expected } = header;
    if (stream === '') return answer({ code: status.UNKNOWN, details: 'Unexpected error' });
    const outcome = this.stored.append(stream, expected, proposed);
    if (fault === 'lost-answer') return;
    switch (outcome.kind) {
      case 'stored':
        return answer(
          null,
          messages.appended(outcome.revision, fault === 'no-position' ? undefined : outcome.position),
        );
      case 'conflict':
        return answer(null, messages.wrongExpectedVersion(expected, outcome.current));
      case 'too-large':
        return answer(tooLarge());
      case 'deleted':
        return answer(streamDeleted(stream));
    }
  }

  private async read(call: ReadCall): Promise<void> {
    call.on('error', () => undefined);
    const fault = this.nextFault('read');
    if (fault === 'mute') return;
    const request = messages.readRequest(call.request.getOptions() as streams.ReadReq.Options);
    const failure = this.failureOf(fault) ?? this.refusalOf(request);
    if (request === undefined || failure !== undefined) {
      call.emit('error', failure);
      return;
    }
    const cutAfter = fault === 'cut' ? BEFORE_CUT : Infinity;
    if (request.count === undefined) return this.follow(call, request, cutAfter);
    const events = this.select(request);
    if (events === undefined) await send(call, messages.streamNotFound(request.stream as string));
    else await this.sendEvents(call, events, cutAfter);
    call.end();
  }

  /** @returns undefined for a stream that does not exist */
  private select({ stream, from, backwards, count }: messages.ReadRequest): readonly StoredEvent[] | undefined {
    const events = stream === undefined ? this.stored.all : this.stored.events(stream);
    if (events === undefined) return undefined;
    const start = this.startIndex(stream, from, events.length);
    if (!backwards) return events.slice(start, start + (count as number));
    return events
      .slice(0, start + 1)
      .reverse()
      .slice(0, count);
  }

  private startIndex(stream: string | undefined, from: messages.ReadRequest['from'], length: number): number {
    if (from === 'start') return 0;
    if (from === 'end') return length;
    return stream === undefined ? this.stored.indexAt(from) : Number(from);
  }

  /** All streams after a position, then what is appended, until the client goes away. */
  private async follow(call: ReadCall, { from }: messages.ReadRequest, cutAfter: number): Promise<void> {
    const { all } = this.stored;
    let next = this.startIndex(undefined, from, all.length);
    // A subscription begins after its position, a read with it.
    if (typeof from === 'bigint' && all[next]?.position === from) next += 1;
    let sent = 0;
    await send(call, messages.confirmation(randomUUID()));
    let isLive = false;
    while (!call.cancelled && !call.destroyed) {
      const events = all.slice(next, next + 100);
      await this.sendEvents(call, events, cutAfter - sent);
      next += events.length;
      sent += events.length;
      if (next < all.length) continue;
      if (!isLive) await send(call, messages.caughtUp());
      isLive = true;
      if (next === all.length) await this.change(call);
    }
  }

  private async sendEvents(call: ReadCall, events: readonly StoredEvent[], cutAfter: number): Promise<void> {
    for (const [i, event] of events.entries()) {
      if (i >= cutAfter) this.cut();
      if (call.cancelled || call.destroyed) return;
      await send(call, messages.readEvent(event));
    }
  }

  private change(call: ReadCall): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stopListening();
        call.off('cancelled', done);
        resolve();
      };
      const stopListening = this.stored.onChange(done);
      call.on('cancelled', done);
    });
  }

  private nextFault(call: Call): Fault | undefined {
    const index = this.faults.findIndex((fault) => fault.on.includes(call));
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.kind;
  }

  private failureOf(fault: Fault | undefined): Failure | undefined {
    if (fault === 'internal') return { code: status.INTERNAL, details: 'internal error' };
    if (fault === 'not-leader') return notLeader('127.0.0.1', this.leader.port);
    return undefined;
  }

  private refusalOf(request: messages.ReadRequest | undefined): Failure | undefined {
    if (request === undefined) return { code: status.UNIMPLEMENTED, details: 'filter' };
    const { stream, from } = request;
    if (stream !== undefined) return this.stored.isDeleted(stream) ? streamDeleted(stream) : undefined;
    // The real one reads its file at the position: it has to be that of an event.
    const isEvent = typeof from !== 'bigint' || this.stored.all[this.stored.indexAt(from)]?.position === from;
    return isEvent ? undefined : { code: status.UNKNOWN, details: 'Unexpected ReadAllResult: InvalidPosition' };
  }
}

/** Waits while the client reads more slowly than we write. */
async function send(call: ReadCall, message: streams.ReadResp): Promise<void> {
  if (call.write(message) || call.cancelled) return;
  await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
}

// Between the messages of EventStoreDB's protocol, as its client publishes them, and the stored events.
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ProposedEvent, StoredEvent } from './stored-streams.js';

const { AppendResp, ReadResp } = streams;

const decodeName = (identifier: shared.StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

const streamIdentifier = (stream: string): shared.StreamIdentifier =>
  new shared.StreamIdentifier().setStreamName(new Uint8Array(Buffer.from(stream, 'utf8')));

export interface AppendHeader {
  readonly stream: string;
  /** -1n: the stream must not exist. Undefined: an expectation this server does not serve. */
  readonly expected: bigint | undefined;
}

export function appendHeader(options: streams.AppendReq.Options): AppendHeader {
  const stream = decodeName(options.getStreamIdentifier());
  if (options.hasNoStream()) return { stream, expected: -1n };
  return { stream, expected: options.hasRevision() ? BigInt(options.getRevision()) : undefined };
}

export function proposedEvent(message: streams.AppendReq.ProposedMessage): ProposedEvent {
  return {
    id: message.getId()?.getString() ?? '',
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

/** @param position undefined: the server does not tell */
export function appended(revision: bigint, position: bigint | undefined): streams.AppendResp {
  const success = new AppendResp.Success().setCurrentRevision(`${revision}`);
  if (position === undefined) success.setNoPosition(new shared.Empty());
  else
    success.setPosition(new AppendResp.Position().setCommitPosition(`${position}`).setPreparePosition(`${position}`));
  return new AppendResp().setSuccess(success);
}

export function wrongExpectedVersion(expected: bigint, current: bigint | undefined): streams.AppendResp {
  const conflict = new AppendResp.WrongExpectedVersion();
  if (current === undefined) conflict.setCurrentNoStream(new shared.Empty());
  else conflict.setCurrentRevision(`${current}`);
  if (expected === -1n) conflict.setExpectedNoStream(new shared.Empty());
  else conflict.setExpectedRevision(`${expected}`);
  return new AppendResp().setWrongExpectedVersion(conflict);
}

/** What a read asks for. */
export interface ReadRequest {
  /** Undefined: all streams. */
  readonly stream: string | undefined;
  /** Revision or position to begin at; undefined: the first event in this direction. */
  readonly from: bigint | 'start' | 'end';
  readonly backwards: boolean;
  /** Undefined: a subscription. */
  readonly count: number | undefined;
}

/** @returns undefined for what this server does not serve: filters */
export function readRequest(options: streams.ReadReq.Options): ReadRequest | undefined {
  if (options.hasFilter()) return undefined;
  const count = options.hasSubscription() ? undefined : Number(options.getCount());
  const backwards = options.getReadDirection() === 1;
  const one = options.getStream();
  if (one !== undefined) {
    const from = one.hasRevision() ? BigInt(one.getRevision()) : one.hasEnd() ? 'end' : 'start';
    return { stream: decodeName(one.getStreamIdentifier()), from, backwards, count };
  }
  const all = options.getAll();
  const position = all?.getPosition();
  const from = position !== undefined ? BigInt(position.getCommitPosition()) : all?.hasEnd() ? 'end' : 'start';
  return { stream: undefined, from, backwards, count };
}

export function readEvent(event: StoredEvent): streams.ReadResp {
  const recorded = new ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(event.id))
    .setStreamIdentifier(streamIdentifier(event.stream))
    .setStreamRevision(`${event.revision}`)
    .setCommitPosition(`${event.position}`)
    .setPreparePosition(`${event.position}`)
    .setCustomMetadata(event.metadata)
    .setData(event.data);
  const metadata = recorded.getMetadataMap();
  metadata.set('type', event.type);
  metadata.set('content-type', event.contentType);
  metadata.set('created', `${event.created}`);
  return new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(`${event.position}`));
}

export const streamNotFound = (stream: string): streams.ReadResp =>
  new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(stream)));

export const confirmation = (id: string): streams.ReadResp =>
  new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(id));

export const caughtUp = (): streams.ReadResp => new ReadResp().setCaughtUp(new ReadResp.CaughtUp());

/** A cluster as gossip tells of it: nodes of the loopback that are alive. */
export function clusterInfo(ports: readonly number[], leader: number): gossip.ClusterInfo {
  const { FOLLOWER, LEADER } = gossip.MemberInfo.VNodeState;
  const members = ports.map((port) =>
    new gossip.MemberInfo()
      .setIsAlive(true)
      .setState(port === leader ? LEADER : FOLLOWER)
      .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port)),
  );
  return new gossip.ClusterInfo().setMembersList(members);
}

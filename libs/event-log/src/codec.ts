// The stored form of an event: one JSON document that names its own stream and revision, so that its hash binds both.
import { upcast, type AnyEvent, type RecordedEvent } from '@app/events';
import { InvalidAppend, MAX_APPEND_BYTES, type ExpectedRevision } from './event-log.port.js';

/** Revision of the first event that is appended at `expected`. @throws InvalidAppend */
export function firstRevision(expected: ExpectedRevision): bigint {
  if (expected === 'no-stream') return 0n;
  if (expected < 0n) throw new InvalidAppend(`expected revision ${expected} is negative`);
  return expected + 1n;
}

/** Serialises events for `stream`, the first one at `firstRevision`. @throws InvalidAppend */
export function encode(stream: string, firstRevision: bigint, events: readonly AnyEvent[]): Buffer[] {
  if (events.length === 0) throw new InvalidAppend(`append to ${stream}: no events`);
  if (stream === '') throw new InvalidAppend('append to a stream without a name');
  if (stream.startsWith('$')) throw new InvalidAppend(`append to ${stream}: these names belong to EventStoreDB`);
  let total = 0;
  const encoded = events.map((event, index) => {
    const { id, type, data, metadata } = event;
    let json: string;
    try {
      json = JSON.stringify({ id, type, stream, revision: Number(firstRevision) + index, data, metadata });
    } catch (error) {
      throw new InvalidAppend(`append to ${stream}: ${type} cannot be serialised: ${(error as Error).message}`);
    }
    const bytes = Buffer.from(json);
    total += bytes.length;
    return bytes;
  });
  if (total > MAX_APPEND_BYTES) {
    throw new InvalidAppend(`append to ${stream}: ${total} bytes, the limit is ${MAX_APPEND_BYTES}`);
  }
  return encoded;
}

interface Stored {
  id: string;
  type: AnyEvent['type'];
  stream: string;
  revision: number;
  data: unknown;
  metadata: AnyEvent['metadata'];
}

/** The inverse of {@link encode}; brings old versions up to date and keeps the exact bytes. */
export function decode(bytes: Uint8Array, position: bigint): RecordedEvent {
  const stored = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Stored;
  const { stream, revision } = stored;
  return recorded(stored, { stream, revision: BigInt(revision), position, bytes });
}

/** An event at its place in the log; what {@link decode} makes of its bytes. */
export function recorded(
  { id, type, data, metadata }: Pick<Stored, 'id' | 'type' | 'data' | 'metadata'>,
  place: Pick<RecordedEvent, 'stream' | 'revision' | 'position' | 'bytes'>,
): RecordedEvent {
  const { stream, revision, position, bytes } = place;
  const now = upcast(type, metadata.schemaVersion, data);
  return { id, type, data: now, metadata, stream, revision, position, bytes } as RecordedEvent;
}

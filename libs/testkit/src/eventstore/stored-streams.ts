// The streams of the EventStoreDB for tests, with the rules recorded from a real server (23.10).
import { EventEmitter } from 'node:events';

export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface StoredEvent extends ProposedEvent {
  readonly stream: string;
  readonly revision: bigint;
  /** Commit and prepare position: equal for all that gRPC writes. */
  readonly position: bigint;
  /** 100 ns since the Unix epoch. */
  readonly created: bigint;
}

export type AppendOutcome =
  | { readonly kind: 'stored'; readonly revision: bigint; readonly position: bigint; readonly again: boolean }
  | { readonly kind: 'conflict'; readonly current: bigint | undefined }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'deleted' };

export const MAX_APPEND_SIZE = 1_048_576;
/** What a record takes in the file besides its event. */
const RECORD_OVERHEAD = 120;

export class StoredStreams {
  /** Every event in commit order. */
  readonly all: StoredEvent[] = [];
  private readonly streams = new Map<string, StoredEvent[]>();
  private readonly tombstones = new Set<string>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private nextPosition = 0n;

  /** Undefined when the stream does not exist. */
  events(stream: string): readonly StoredEvent[] | undefined {
    return this.streams.get(stream);
  }

  isDeleted(stream: string): boolean {
    return this.tombstones.has(stream);
  }

  /** Deletes a stream for good, as an operator can. */
  tombstone(stream: string): void {
    this.tombstones.add(stream);
  }

  /** @param expected revision of the last event; -1n for a stream that does not exist */
  append(stream: string, expected: bigint, proposed: readonly ProposedEvent[]): AppendOutcome {
    if (this.isDeleted(stream)) return { kind: 'deleted' };
    if (proposed.reduce((sum, one) => sum + sizeOf(one), 0) > MAX_APPEND_SIZE) return { kind: 'too-large' };
    const events = this.streams.get(stream) ?? [];
    const current = BigInt(events.length) - 1n;
    if (expected !== current) return this.again(events, expected, proposed);
    for (const one of proposed) this.store(stream, one);
    this.changes.emit('change');
    const last = this.streams.get(stream)?.at(-1);
    return { kind: 'stored', revision: last?.revision ?? 0n, position: last?.position ?? 0n, again: false };
  }

  /** The same ids, in order, where they would be written: a retry. Bodies are not compared. */
  private again(events: readonly StoredEvent[], expected: bigint, proposed: readonly ProposedEvent[]): AppendOutcome {
    const current = events.at(-1)?.revision;
    const there = proposed.map(({ id }, i) => {
      const event = events[Number(expected) + 1 + i];
      return event?.id === id ? event : undefined;
    });
    const last = there.at(-1);
    if (last === undefined || there.includes(undefined)) return { kind: 'conflict', current };
    return { kind: 'stored', revision: last.revision, position: last.position, again: true };
  }

  private store(stream: string, proposed: ProposedEvent): void {
    const events = this.streams.get(stream) ?? [];
    const position = this.nextPosition;
    const created = BigInt(Date.now()) * 10_000n;
    const stored = { ...proposed, stream, revision: BigInt(events.length), position, created };
    this.nextPosition += BigInt(sizeOf(proposed) + stream.length + RECORD_OVERHEAD);
    this.streams.set(stream, events);
    events.push(stored);
    this.all.push(stored);
  }

  /** Index in `all` of the first event at or after `position`. */
  indexAt(position: bigint): number {
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle] as StoredEvent).position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls back after each append until the returned function is called. */
  onChange(callback: () => void): () => void {
    this.changes.on('change', callback);
    return () => this.changes.off('change', callback);
  }
}

const sizeOf = ({ type, data, metadata }: ProposedEvent): number => data.length + metadata.length + 2 * type.length;

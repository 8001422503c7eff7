// Load, evolve, decide, append at the revision that was decided on; on a conflict, decide again.
import type { AnyEvent, NewEvent } from '@app/events';
import { LRUCache } from 'lru-cache';
import {
  EventLogUnavailable,
  WrongExpectedRevision,
  type Appended,
  type EventLog,
  type StreamWrite,
} from './event-log.port.js';

/** How a stream folds. `evolve` may change the state it is given and return it: it is called for durable events only. */
export interface Aggregate<S> {
  initial(): S;
  evolve(state: S, event: AnyEvent): S;
  /** About how many bytes of memory a state takes; for those that may take more than {@link STATE_BYTES}. */
  sizeOf?(state: S): number;
}

/** What a folded state is taken to hold where its aggregate does not say. */
export const STATE_BYTES = 1024;

export interface Decision<R> {
  /** Empty: nothing changes and nothing is appended. */
  readonly events: readonly (AnyEvent | NewEvent)[];
  readonly result: R;
  /** Writes to other streams before and after this one; in order, stopping at the first failure. */
  readonly alsoFirst?: readonly StreamWrite[];
  readonly alsoAfter?: readonly StreamWrite[];
}

export interface Decided<S, R> {
  readonly state: S;
  readonly result: R;
  /** Revision of the stream afterwards; undefined when it does not exist. */
  readonly revision: bigint | undefined;
  /** Position to wait for before answering; undefined when nothing was appended. */
  readonly position: bigint | undefined;
  readonly appended: boolean;
}

interface Folded {
  readonly state: unknown;
  readonly revision: bigint | undefined;
}

export interface DecisionsOptions {
  /** Memory for folded states; default 64 MiB, which is some 50,000 users. */
  readonly cacheBytes?: number;
  /** Nobody else writes this log: a kept state is the newest there is and is not read again. */
  readonly soleWriter?: boolean;
}

const CACHE_BYTES = 64 * 1024 * 1024;
const PAGE = 1000;
/** Conflicts in a row before giving up; another process writing the same stream loses as often as it wins. */
const TRIES = 20;

/**
 * Decides on streams. Decisions on one stream of this process wait for each other; those of other processes are met by
 * the expected revision. Folded states are kept, so the cost of a decision is that of what is new.
 */
export class Decisions {
  private readonly cache: LRUCache<string, Folded>;
  private readonly soleWriter: boolean;
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly log: EventLog,
    { cacheBytes = CACHE_BYTES, soleWriter = false }: DecisionsOptions = {},
  ) {
    this.cache = new LRUCache({ maxSize: cacheBytes });
    this.soleWriter = soleWriter;
  }

  /**
   * @param decide pure; called again with newer state after a conflict. What it throws reaches the caller.
   * @throws EventLogUnavailable when it is unknown whether the events were appended
   */
  execute<S, R>(
    stream: string,
    aggregate: Aggregate<S>,
    decide: (state: S, revision: bigint | undefined) => Decision<R> | Promise<Decision<R>>,
  ): Promise<Decided<S, R>> {
    return this.inTurn(stream, () => this.decideOnce(stream, aggregate, decide));
  }

  /**
   * Appends the first events of a stream that nobody else can know of, because its id was just made: nothing is read.
   * @throws WrongExpectedRevision when a stream of `alsoFirst` or `alsoAfter` is elsewhere, or this one exists
   * @throws EventLogUnavailable when it is unknown whether the events were appended
   */
  async begin<S, R>(stream: string, aggregate: Aggregate<S>, decision: Decision<R>): Promise<Decided<S, R>> {
    const appended = await this.append(stream, undefined, decision);
    const { revision } = appended;
    const state = this.evolve(stream, aggregate, aggregate.initial(), decision.events, revision);
    return { state, result: decision.result, ...appended, appended: true };
  }

  /** The state of a stream as of now. Do not change it. */
  load<S>(stream: string, aggregate: Aggregate<S>): Promise<{ state: S; revision: bigint | undefined }> {
    return this.inTurn(stream, async () => {
      const { state, revision } = await this.fold(stream, aggregate);
      return { state: state as S, revision };
    });
  }

  private async decideOnce<S, R>(
    stream: string,
    aggregate: Aggregate<S>,
    decide: (state: S, revision: bigint | undefined) => Decision<R> | Promise<Decision<R>>,
  ): Promise<Decided<S, R>> {
    for (let tries = 1; ; tries += 1) {
      const known = await this.fold(stream, aggregate, tries > 1);
      const { revision } = known;
      const decision = await decide(known.state as S, revision);
      if (decision.events.length === 0) {
        return { state: known.state as S, result: decision.result, revision, position: undefined, appended: false };
      }
      try {
        const appended = await this.append(stream, revision, decision);
        const state = this.evolve(stream, aggregate, known.state as S, decision.events, appended.revision);
        return { state, result: decision.result, ...appended, appended: true };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) {
          this.cache.delete(stream);
          throw error;
        }
        // A conflict on another stream is the caller's to decide about: it chose that revision.
        if (error.stream !== stream || tries >= TRIES) throw error;
      }
    }
  }

  private async append<R>(stream: string, revision: bigint | undefined, decision: Decision<R>): Promise<Appended> {
    const events = decision.events as readonly AnyEvent[];
    const first = decision.alsoFirst ?? [];
    const writes = [
      ...first,
      { stream, expected: revision ?? 'no-stream', events },
      ...(decision.alsoAfter ?? []),
    ] as const;
    const results = await this.appendAgainOnce(writes);
    const last = results.at(-1) as Appended;
    return { revision: (results[first.length] as Appended).revision, position: last.position };
  }

  /** The same ids at the same revisions: after an unknown outcome a second try is harmless. */
  private async appendAgainOnce(writes: readonly StreamWrite[]): Promise<Appended[]> {
    try {
      return await this.log.appendAll(writes);
    } catch (error) {
      if (!(error instanceof EventLogUnavailable)) throw error;
      return this.log.appendAll(writes);
    }
  }

  /** Folds events into a state, which is kept as that of the stream at the revision of the last of them. */
  private evolve<S>(
    stream: string,
    aggregate: Aggregate<S>,
    before: S,
    events: readonly (AnyEvent | NewEvent)[],
    revision: bigint | undefined,
  ): S {
    const state = events.reduce((folded, event) => aggregate.evolve(folded, event as AnyEvent), before);
    // One that is larger than the cache has it to itself: else each decision on it would fold the whole stream.
    const size = Math.min(aggregate.sizeOf?.(state) ?? STATE_BYTES, this.cache.maxSize);
    this.cache.set(stream, { state, revision }, { size });
    return state;
  }

  /** Brings the kept state up to date with what is new in the stream. */
  private async fold<S>(stream: string, aggregate: Aggregate<S>, conflicted = false): Promise<Folded> {
    const kept = this.cache.get(stream);
    if (kept !== undefined && this.soleWriter && !conflicted) return kept;
    let { state, revision }: Folded = kept ?? { state: aggregate.initial(), revision: undefined };
    for (;;) {
      const from = revision === undefined ? 0n : revision + 1n;
      const events = await this.log.readStream(stream, { from, max: PAGE });
      revision = events.at(-1)?.revision ?? revision;
      state = this.evolve(stream, aggregate, state as S, events, revision);
      if (events.length < PAGE) return { state, revision };
    }
  }

  private async inTurn<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(stream) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => undefined);
    this.turns.set(stream, settled);
    try {
      return await mine;
    } finally {
      if (this.turns.get(stream) === settled) this.turns.delete(stream);
    }
  }
}

// Which events a bundle holds: whole streams, so that a missing one is seen, and single events quoted from the rest.
import type { CascadeCause, EventData } from '@app/events';
import { streams } from '@app/events';
import { decode } from '@app/event-log';
import type { Ledger } from './ledger.js';
import type { Trail } from './trail.js';

/** ISO 8601 UTC; `from` is inclusive, `to` exclusive. A population holds the whole log (ADR 31). */
export type EvidenceScope =
  | { readonly type: 'cascade'; readonly cascadeId: string }
  | { readonly type: 'user'; readonly userId: string }
  | { readonly type: 'population'; readonly from: string; readonly to: string };

/** The scope names nothing that the ledger has seen. */
export class NothingInScope extends Error {
  override readonly name = 'NothingInScope';
}

export interface Selection {
  /** Leaf indices in order. */
  readonly seqs: readonly number[];
  /** Streams of which only some events are included. */
  readonly quoted: readonly string[];
}

/** Streams that grow with the whole tenant: a bundle about one person quotes them. */
const isQuoted = (stream: string): boolean => /^(group|connection|provider|tenant|username)-/.test(stream);

export class ScopeReader {
  constructor(
    private readonly ledger: Ledger,
    private readonly trail: Trail,
  ) {}

  /** Events of a cascade or of a user below `size`. @throws NothingInScope */
  async select(
    tenant: string,
    scope: Exclude<EvidenceScope, { type: 'population' }>,
    size: number,
  ): Promise<Selection> {
    const whole = new Set<string>();
    const single = new Map<number, string>();
    const add = (stream: string, seq: number | undefined): void => {
      if (!isQuoted(stream)) whole.add(stream);
      else if (seq !== undefined && seq < size) single.set(seq, stream);
    };
    if (scope.type === 'cascade') {
      whole.add(streams.cascade(tenant, scope.cascadeId));
    } else {
      for (const { stream, seq } of await this.trail.placesOf(tenant, scope.userId, size)) add(stream, seq);
    }
    const cascades = [...whole].filter((stream) => stream.startsWith('cascade-'));
    for (const { cause, targets } of await this.cascadesIn(tenant, cascades, size)) {
      if (cause !== undefined) add(cause.stream, await this.ledger.placeOf(tenant, cause.stream, cause.revision));
      for (const target of targets) {
        whole.add(streams.revocation(tenant, target.targetId));
        if (scope.type === 'cascade') whole.add(streams[target.holdingType](tenant, target.holdingId));
      }
    }
    const places = await this.ledger.placesOf(tenant, [...whole], size);
    const seqs = [...new Set([...places, ...single.keys()])].sort((a, b) => a - b);
    if (seqs.length === 0) throw new NothingInScope(`the ledger has no event of this ${scope.type}`);
    return { seqs, quoted: [...new Set(single.values())].sort() };
  }

  private async cascadesIn(tenant: string, cascades: readonly string[], size: number): Promise<CascadeParts[]> {
    const places = await this.ledger.placesOf(tenant, cascades, size);
    const found: CascadeParts[] = [];
    for await (const page of this.ledger.eventsAt(tenant, places)) {
      for (const { bytes, position } of page) {
        const event = decode(bytes, position);
        if (event.type === 'RevocationPlanned') found.push({ targets: event.data.targets });
        else if (event.type === 'CascadeStarted' || event.type === 'NothingToRevoke') {
          found.push({ cause: event.data.cause, targets: [] });
        }
      }
    }
    return found;
  }
}

interface CascadeParts {
  readonly cause?: CascadeCause;
  readonly targets: EventData['RevocationPlanned']['targets'];
}

// Keeps the last requests of each connection in memory, for whoever has to find out what an identity provider does.
import { Injectable } from '@nestjs/common';

/** What is known of a request and its answer. Never bodies, query strings, tokens or values of attributes. */
export interface Exchange {
  /** When it arrived, ms since the epoch. */
  readonly at: number;
  readonly method: string;
  /** As it is declared, such as `/scim/v2/Users/:id`; undefined when there is no such route. */
  readonly route: string | undefined;
  /** As it stood in the path, or of what was created: not ours for certain. */
  readonly resourceId: string | undefined;
  readonly status: number;
  readonly scimType: string | undefined;
  readonly durationMs: number;
  /** The quirks that were met, with how often. */
  readonly quirks: Readonly<Record<string, number>> | undefined;
  readonly requestId: string;
}

/** Of each connection. */
const KEPT = 500;

interface Ring {
  readonly kept: Exchange[];
  /** Where the next one goes, once it is full. */
  next: number;
}

@Injectable()
export class ExchangeLog {
  /** By connection, whose ids are unique over all tenants. */
  private readonly rings = new Map<string, Ring>();

  add(connection: string, exchange: Exchange): void {
    let ring = this.rings.get(connection);
    if (ring === undefined) this.rings.set(connection, (ring = { kept: [], next: 0 }));
    if (ring.kept.length < KEPT) {
      ring.kept.push(exchange);
      return;
    }
    ring.kept[ring.next] = exchange;
    ring.next = (ring.next + 1) % KEPT;
  }

  /** The newest first. */
  of(connection: string): Exchange[] {
    const { kept, next } = this.rings.get(connection) ?? { kept: [], next: 0 };
    return [...kept.slice(next), ...kept.slice(0, next)].reverse();
  }
}

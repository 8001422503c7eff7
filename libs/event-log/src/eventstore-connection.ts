// Connections of the EventStoreDB client that are ended and replaced after a failure instead of being mended.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What is used of the client; it is made by the adapter, the only file that knows the driver. */
interface Client {
  dispose(): Promise<void>;
}

interface Subchannel {
  /** Its session is one on which the server has not said a word yet. */
  readonly connector?: { readonly session?: { close(): void } | null };
}

interface Channel {
  close(): void;
  readonly internalChannel?: { readonly wrappedSubchannels?: Iterable<{ readonly child?: Subchannel }> };
}

/** A client that can be ended, with three habits taken from it that lose calls or crash the process. */
export class Connection<C extends Client> {
  private channel: Promise<Channel> | undefined;

  constructor(readonly client: C) {
    const { createChannel } = client as unknown as { createChannel(): Promise<Channel> };
    Object.assign(client, {
      // Batched appends share one stream that has no deadline and whose failure answers, or crashes, those of other
      // clients in the process; a client that is told the server has none appends by a call of its own each time.
      supports: () => Promise.resolve(false),
      // Left to itself the client closes its channel below calls that are about to begin, which then hang.
      handleError: () => Promise.resolve(),
      // Disposing ends streams only: the channel is kept here to be closed.
      createChannel: () => (this.channel = createChannel()),
    });
  }

  /** Never fails: what cannot be ended is given up. */
  async end(): Promise<void> {
    // Cancels at once; its promise waits for ever when a stream ended before it was read to the end.
    this.client.dispose().catch(() => undefined);
    const channel = await this.channel?.catch(() => undefined);
    // A call that has just been given the channel begins before this turn is over.
    await nextTurn();
    // A session that is not established yet is forgotten by its channel, and its connection stays open.
    for (const { child } of channel?.internalChannel?.wrappedSubchannels ?? []) child?.connector?.session?.close();
    channel?.close();
  }
}

/** A connection that gives way to a new one after a failure, because a failed client may fail for ever. */
export class ReplacedConnection<C extends Client> {
  private connection: Connection<C> | undefined;

  constructor(private readonly open: () => Connection<C>) {}

  current(): Connection<C> {
    return (this.connection ??= this.open());
  }

  /** Of several calls that failed together only the first takes the connection away. */
  failed(connection: Connection<C>): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    void connection.end();
  }

  async end(): Promise<void> {
    await this.connection?.end();
  }
}

let opened = 0;

/** gRPC shares a connection between channels with equal options, a dead one as well: this makes the options differ. */
export function ownConnection(url: string): string {
  if (/[?&]keep[-_]?alive[-_]?interval=/i.test(url)) return url;
  opened += 1;
  return `${url}${url.includes('?') ? '&' : '?'}keepAliveInterval=${10_000 + (opened % 1_000)}`;
}

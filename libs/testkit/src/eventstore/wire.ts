// The wire to a server, to be cut, silenced and mended: a TCP relay on a port of its own.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Wire {
  /** Connections accepted so far. */
  accepted = 0;
  port = 0;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  /** Connections that are open now. */
  get open(): number {
    return this.sockets.size / 2;
  }

  /** Relays to `target`; a second call after `close` listens on the same port. */
  async listen(target: number): Promise<void> {
    const server = createServer((near) => {
      this.accepted += 1;
      const far = connect(target, '127.0.0.1');
      this.keep(near);
      this.keep(far);
      near.pipe(far).on('close', () => near.destroy());
      far.pipe(near).on('close', () => far.destroy());
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Ends every connection at once, in the middle of what it carries. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Leaves the present connections open and carries nothing over them any more; new ones are not affected. */
  silence(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.close();
    this.cut();
    await once(server, 'close');
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    // Without it every small message waits 40 ms for an acknowledgement.
    socket.setNoDelay();
    socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
  }
}

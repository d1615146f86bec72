import type { Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

export interface Address {
  host: string;
  port: number;
  /** With Node's default of 511 a burst of connections is dropped by the kernel, not answered. */
  backlog: number;
}

/**
 * Listens in place of an HTTP server, and can refuse everybody who waits to be let in.
 *
 * Node takes one connection in a turn of its event loop. While kept connections keep it busy, new ones wait in the kernel's
 * queue, thousands in an overload, and a new connection costs several times what an issue call costs on a kept one. To
 * close the listening socket resets all of them at once, for nothing; nobody has read a byte of their requests.
 */
export class Listener {
  readonly #open = new Set<Server>();
  #current: Server | undefined;
  #port = 0;

  constructor(
    private readonly server: HttpServer,
    private readonly address: Address,
  ) {}

  /** The port that was taken, also when 0 was asked for. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    await this.#listen(this.address.port);
    const bound = this.#current!.address();
    this.#port = typeof bound === 'object' && bound !== null ? bound.port : this.address.port;
    // An HTTP server begins to watch its connections' limits of time when it listens; this one does by proxy.
    this.server.emit('listening');
  }

  /** Resets the connections that were not taken yet, and goes on listening. */
  async refuseWaiting(): Promise<void> {
    if (!this.#current) return;
    this.#current.close();
    await this.#listen(this.#port);
  }

  /** Takes no more connections. Resolves when those that were taken have ended. */
  async close(): Promise<void> {
    this.#current = undefined;
    await Promise.all(
      [...this.#open].map(
        (each) =>
          new Promise<void>((resolve) => {
            each.once('close', resolve);
            each.close();
          }),
      ),
    );
  }

  #listen(port: number): Promise<void> {
    // As http.Server sets itself up.
    const next = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.server.emit('connection', socket),
    );
    this.#current = next;
    this.#open.add(next);
    next.once('close', () => this.#open.delete(next));
    return new Promise((resolve, reject) => {
      next.once('error', reject);
      next.listen({ host: this.address.host, port, backlog: this.address.backlog }, () => {
        next.off('error', reject);
        resolve();
      });
    });
  }
}

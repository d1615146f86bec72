import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  client: Socket;
  server: Socket;
  /** Nothing comes through any more and nobody is told: a router that forgot the connection. */
  swallowed: boolean;
}

/** A bad network between two programs of this machine. */
export class TcpProxy {
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #delayMs = 0;
  #jitterMs = 0;
  #stalled = false;
  #closing = false;
  readonly #pumps = new Set<() => void>();

  private constructor(private readonly targetPort: number) {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async listen(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every chunk, in both directions, comes this much later; order is kept. */
  delay(delayMs: number, jitterMs: number): void {
    this.#delayMs = delayMs;
    this.#jitterMs = jitterMs;
  }

  /** Nothing comes through, as when every packet is lost; all of it comes later. */
  stall(): void {
    this.#stalled = true;
  }

  flow(): void {
    this.#stalled = false;
    for (const pump of this.#pumps) pump();
  }

  /** Resets every connection. New ones are taken. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Present connections go dead for ever, without a word. New ones work. */
  swallow(): void {
    for (const pair of this.#pairs) pair.swallowed = true;
  }

  close(): void {
    this.#closing = true;
    this.flow();
    this.cut();
    this.#server.close();
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.targetPort, host: '127.0.0.1' });
    const pair = { client, server, swallowed: false };
    this.#pairs.add(pair);
    for (const socket of [client, server]) socket.setNoDelay(true);
    this.#forward(pair, client, server);
    this.#forward(pair, server, client);
    // Of a dead connection the far end learns nothing, until the proxy ends.
    const end = () => {
      if (pair.swallowed && !this.#closing) return;
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
  }

  /** One queue a direction: whatever happens, bytes arrive in the order they were sent in. */
  #forward(pair: Pair, from: Socket, to: Socket): void {
    const queue: { chunk: Buffer; dueMs: number }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const pump = () => {
      clearTimeout(timer);
      timer = undefined;
      for (let head = queue[0]; head && !this.#stalled; head = queue[0]) {
        const leftMs = head.dueMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(pump, leftMs);
          return;
        }
        queue.shift();
        if (!pair.swallowed && to.writable) to.write(head.chunk);
      }
    };
    this.#pumps.add(pump);
    from.once('close', () => this.#pumps.delete(pump));
    from.on('data', (chunk: Buffer) => {
      queue.push({ chunk, dueMs: performance.now() + this.#delayMs + Math.random() * this.#jitterMs });
      if (!timer) pump();
    });
  }
}

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
  readonly #held: (() => void)[] = [];

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
    for (const release of this.#held.splice(0)) release();
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

  async close(): Promise<void> {
    this.#closing = true;
    this.flow();
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
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

  #forward(pair: Pair, from: Socket, to: Socket): void {
    let notBefore = 0;
    from.on('data', (chunk: Buffer) => {
      if (pair.swallowed) return;
      const wait = this.#delayMs + Math.random() * this.#jitterMs;
      notBefore = Math.max(notBefore, performance.now() + wait);
      const pass = () => {
        if (this.#stalled) this.#held.push(pass);
        else if (!pair.swallowed && to.writable) to.write(chunk);
      };
      if (wait === 0 && notBefore <= performance.now()) pass();
      else setTimeout(pass, notBefore - performance.now());
    });
  }
}

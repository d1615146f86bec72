import type { Redis } from './connection.js';

/** Enough of both ids to tell any two servers apart; sent with every script call. */
const ID_LENGTH = 16;

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1]?.slice(0, ID_LENGTH) ?? '';

/**
 * Which Redis process, with which history, a client is connected to: it changes when the server starts (with whatever data
 * it finds) and when a replica is promoted. A gate that was checked under another identity must be checked again.
 */
export class ServerIdentity {
  #current: string | null = null;
  #connection = 0;
  #reading: Promise<string> | undefined;

  private constructor(private readonly redis: Redis) {
    redis.on('ready', () => this.#read().catch(() => undefined));
    redis.on('close', () => this.#forget());
  }

  static readonly #known = new WeakMap<Redis, ServerIdentity>();

  /** One for each client. */
  static get(redis: Redis): ServerIdentity {
    let identity = ServerIdentity.#known.get(redis);
    if (!identity) ServerIdentity.#known.set(redis, (identity = new ServerIdentity(redis)));
    return identity;
  }

  /** Null: not asked yet on this connection. */
  get current(): string | null {
    return this.#current;
  }

  /** A number for the present connection: another one, another connection. */
  get connection(): number {
    return this.#connection;
  }

  /** Asks unless it is known. Throws when Redis does not answer, or the connection is lost meanwhile. */
  read(): Promise<string> {
    return this.#current === null ? this.#read() : Promise.resolve(this.#current);
  }

  /** Asks again: a server that was a replica for a while has another history, on the same connection. */
  refresh(): Promise<string> {
    return this.#read();
  }

  #read(): Promise<string> {
    const connection = this.#connection;
    const reading = (this.#reading ??= this.#ask(connection).finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    }));
    return reading;
  }

  async #ask(connection: number): Promise<string> {
    const [server, replication] = await Promise.all([
      this.redis.info('server'),
      this.redis.info('replication'),
    ]);
    if (connection !== this.#connection) throw new Error('the connection to Redis was lost meanwhile');
    return (this.#current = `${field(server, 'run_id')}:${field(replication, 'master_replid')}`);
  }

  #forget(): void {
    this.#connection += 1;
    this.#current = null;
    this.#reading = undefined;
  }
}

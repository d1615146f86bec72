/** The database of k6's samples and of what a comparison adds; Telegraf's is `telegraf`. */
export const k6Database = 'k6';
export const metricsDatabase = 'telegraf';

/** An account of InfluxDB; null for one of somebody else, without authentication. */
export interface InfluxLogin {
  readonly user: string;
  readonly password: string;
}

export interface Point {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Integers are written as floats: one field must not change its type between runs. */
  readonly fields: Readonly<Record<string, number | string>>;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
}

const key = (text: string): string => text.replace(/[,= ]/g, (character) => `\\${character}`);
const text = (value: string): string => `"${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`;

/** One line of InfluxDB's line protocol, time in ms. Empty tags and values that are no number are left out. */
export function toLine({ measurement, tags, fields, timeMs }: Point): string {
  const tagText = Object.entries(tags)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `,${key(name)}=${key(value)}`)
    .join('');
  const fieldText = Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' || Number.isFinite(value))
    .map(([name, value]) => `${key(name)}=${typeof value === 'string' ? text(value) : value}`)
    .join(',');
  return `${measurement.replace(/[, ]/g, (character) => `\\${character}`)}${tagText} ${fieldText} ${Math.round(timeMs)}`;
}

export interface Series {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | null)[])[];
}

/** The little of InfluxDB 1.x's HTTP interface that is needed here. */
export class Influx {
  constructor(
    readonly url: string,
    private readonly login: InfluxLogin | null,
  ) {}

  /**
   * Makes the first account: InfluxDB lets anybody do that as long as there is none. Harmless when there is one; whether it
   * is this one shows at the next call.
   */
  async ensureAccount(): Promise<void> {
    if (!this.login) return;
    const { user, password } = this.login;
    const q = `CREATE USER "${user}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`;
    const { status } = await this.#send('/query', new URLSearchParams({ q }).toString(), false);
    if (![200, 401, 403].includes(status)) throw new Error(`InfluxDB makes no account: ${status}`);
  }

  createDatabase(name: string): Promise<unknown> {
    return this.#call('/query', new URLSearchParams({ q: `CREATE DATABASE "${name}"` }).toString());
  }

  async write(database: string, points: readonly Point[]): Promise<void> {
    const lines = points.map(toLine).join('\n');
    if (lines !== '') await this.#call(`/write?db=${database}&precision=ms`, lines);
  }

  /** @throws with InfluxDB's own words when the query is wrong */
  async query(database: string, query: string): Promise<Series[]> {
    const answer = (await this.#call(
      '/query',
      new URLSearchParams({ db: database, q: query, epoch: 'ms' }).toString(),
    )) as {
      results: { series?: Series[]; error?: string }[];
    };
    const fault = answer.results.find(({ error }) => error)?.error;
    if (fault) throw new Error(`${fault}: ${query}`);
    return answer.results.flatMap(({ series }) => series ?? []);
  }

  /** Points of k6's `http_reqs`, one for each request, of one run. */
  async countSamples(testid: string): Promise<number> {
    const [series] = await this.query(
      k6Database,
      `SELECT COUNT("value") FROM "http_reqs" WHERE "testid" = '${testid}'`,
    );
    return Number(series?.values[0]?.[1] ?? 0);
  }

  #send(path: string, body: string, loggedIn = true): Promise<Response> {
    const form = path === '/query' ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
    const login =
      this.login && loggedIn
        ? { authorization: `Basic ${btoa(`${this.login.user}:${this.login.password}`)}` }
        : {};
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      body,
      headers: { ...form, ...login },
      signal: AbortSignal.timeout(60_000),
    });
  }

  async #call(path: string, body: string): Promise<unknown> {
    const response = await this.#send(path, body);
    const said = await response.text();
    if (response.status === 401)
      throw new Error(
        `${this.url} does not know INFLUXDB_USER and INFLUXDB_PASSWORD of .env: ${said.slice(0, 200)}`,
      );
    if (!response.ok) throw new Error(`InfluxDB, ${path}: ${response.status} ${said.slice(0, 300)}`);
    return said === '' ? undefined : JSON.parse(said);
  }
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  startBackends,
  startReplica,
  type Backends,
  type Replica,
} from '../../../api/test/support/api-replica.js';
import { createCampaign } from '../../../api/test/support/calls.js';
import { startFrontDoor, type FrontDoor } from './front-door.js';
import { callRaw } from './raw-call.js';

/** How many calls are under way at once. */
const LANES = 16;
/** One call passes, and so many more. nginx takes no 0. */
const BURST = 1;
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
/** They end a line, and with it the header; what nginx makes of a lone one depends on its version. */
const LINE_ENDS = [0x0a, 0x0d];

/** What became of a header sent once more than the limit allows, each time in a call of its own. */
interface Seen {
  byte: number;
  /** The id that the api took it for; null: refused. */
  userId: string | null;
  /** The last call was one too many. */
  counted: boolean;
}

const range = (first: number, last: number): number[] => BYTES.slice(first, last + 1);
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const statusOf = (answer: string): number => Number(answer.slice('HTTP/1.1 '.length).slice(0, 3));

/** Null: not issued. */
function userIdOf(answer: string): string | null {
  if (statusOf(answer) !== 200) return null;
  return (JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { userId: string }).userId;
}

describe('the api and the limit of nginx', () => {
  let backends: Backends;
  let replica: Replica;
  let door: FrontDoor;
  let couponId: number;

  beforeAll(async () => {
    backends = await startBackends();
    replica = await startReplica({ ...backends.env, REDIS_COMMAND_TIMEOUT_MS: '10000' });
    couponId = await createCampaign(replica.url, { total: 100_000 });
    door = await startFrontDoor([replica.port], {
      NGINX_ISSUE_RATE: '1r/m',
      NGINX_ISSUE_BURST: String(BURST),
    });
  });

  afterAll(async () => {
    await door.stop();
    await replica.close();
    await backends.remove();
  });

  /** A call with this header's value as it is, byte for byte. */
  const issueRaw = (value: string): Promise<string> =>
    callRaw(
      door.frontPort,
      Buffer.from(
        `POST /api/v1/coupons/call/${couponId} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-USER-ID:${value}\r\n\r\n`,
        'latin1',
      ),
    );

  async function exhaust(byte: number, value: string): Promise<Seen> {
    const first = await issueRaw(value);
    for (let more = 0; more < BURST; more += 1) await issueRaw(value);
    const last = await issueRaw(value);
    const known = [200, 400].includes(statusOf(first)) && [400, 409, 429].includes(statusOf(last));
    if (!known) throw new Error(`0x${hex(byte)} was answered ${first} and ${last}`);
    return { byte, userId: userIdOf(first), counted: statusOf(last) === 429 };
  }

  async function sendEvery(valueOf: (byte: number) => string): Promise<Seen[]> {
    const [left, seen] = [[...BYTES], [] as Seen[]];
    const lane = async () => {
      for (let byte = left.shift(); byte !== undefined; byte = left.shift())
        seen.push(await exhaust(byte, valueOf(byte)));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return seen.sort((a, b) => a.byte - b.byte);
  }

  /** Space and tab at the ends are no part of a header's value. */
  test.each([
    ['alone', (byte: number) => String.fromCharCode(byte), range(0x21, 0x7e)],
    ['inside', (byte: number) => `i${hex(byte)}${String.fromCharCode(byte)}x`, range(0x20, 0x7e)],
    [
      'at the start',
      (byte: number) => `${String.fromCharCode(byte)}s${hex(byte)}`,
      [0x09, ...range(0x20, 0x7e)],
    ],
    [
      'at the end',
      (byte: number) => `e${hex(byte)}${String.fromCharCode(byte)}`,
      [0x09, ...range(0x20, 0x7e)],
    ],
  ])('agree about each of the 256 bytes %s of an id', async (_where, valueOf, valid) => {
    const seen = await sendEvery(valueOf);
    const disagreed = seen.filter(({ userId, counted }) => (userId !== null) !== counted);
    expect(disagreed.map(({ byte }) => hex(byte))).toEqual([]);
    const taken = seen.filter(({ byte, userId }) => userId !== null && !LINE_ENDS.includes(byte));
    expect(taken.map(({ byte }) => hex(byte))).toEqual(valid.map(hex));
  });

  test.each([
    ['spaces around it', 'around', '  around  '],
    ['tabs around it', 'tabbed', '\t tabbed \t'],
    ['64 characters', 'x'.repeat(64), `\t${'x'.repeat(64)}\t`],
    ['spaces inside, all but two of 64 characters', `y${' '.repeat(62)}y`, ` y${' '.repeat(62)}y`],
  ])('take an id with %s for the same user', async (_what, plain, other) => {
    expect(userIdOf(await issueRaw(plain))).toBe(plain);
    expect(statusOf(await issueRaw(other))).toBe(409);
    expect(statusOf(await issueRaw(plain))).toBe(429);
    expect(statusOf(await issueRaw(other))).toBe(429);
  });

  test('keep apart ids that differ in case or in the number of spaces inside', async () => {
    for (const userId of ['case', 'CASE', 'a b', 'a  b']) expect(statusOf(await issueRaw(userId))).toBe(200);
  });

  test.each([
    ['65 characters', 'z'.repeat(65)],
    ['nothing', ''],
  ])('have no user for %s: refused, and without a share in the limit', async (_what, value) => {
    for (let tries = 0; tries <= BURST + 1; tries += 1) expect(statusOf(await issueRaw(value))).toBe(400);
  });

  test('issue nothing for two headers, whichever of them nginx counts', async () => {
    const seen = [];
    for (let tries = 0; tries < 2; tries += 1)
      seen.push(statusOf(await issueRaw('p\r\nX-USER-ID: q')), statusOf(await issueRaw('\r\nX-USER-ID: r')));
    // Counted or not, the api refuses it.
    for (const status of seen) expect([400, 429]).toContain(status);
  });
});

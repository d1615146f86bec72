import { once } from 'node:events';
import { connect } from 'node:net';
import { workerData } from 'node:worker_threads';

/** What `warm-up.ts` hands to its thread. */
export interface WarmUpClientOptions {
  readonly port: number;
  readonly couponId: number;
  /** Epoch ms at which no more calls begin. */
  readonly endMs: number;
}

/** So many fresh connections at once, as in a rush. */
const CONNECTIONS = 250;

const { port, couponId, endMs } = workerData as WarmUpClientOptions;
let calls = 0;

/** As nginx sends them, of several kinds of clients: code that has seen one kind only is thrown away at the next one. */
const CLIENTS: readonly ((user: number) => string)[] = [
  (user) => `X-USER-ID: ${user}\r\nUser-Agent: warm-up\r\n`,
  (user) => `User-Agent: warm-up\r\nX-USER-ID: ${user}\r\nIdempotency-Key: key-${user}\r\nAccept: */*\r\n`,
  (user) =>
    `Accept: */*\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\nUser-Agent: warm-up\r\nX-USER-ID: user-${user}\r\n`,
  () => `User-Agent: warm-up\r\n`,
];

function makeIssueCall(): string {
  const client = CLIENTS[calls % 97 === 0 ? 3 : calls % 3]!;
  // Absent beyond the bound.
  const bound = calls % 5 === 0 ? '' : 'X-Issue-Bound: 100000\r\n';
  return (
    `POST /api/v1/coupons/call/${couponId} HTTP/1.1\r\n${bound}` +
    `X-Request-Start: t=${(Date.now() / 1_000).toFixed(3)}\r\nHost: warm-up\r\nX-Request-ID: warm-up-${calls}\r\n` +
    `X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n${client(calls)}\r\n`
  );
}

const makeOtherCall = (path: string): string => {
  const connection = calls % 3 === 0 ? 'close' : 'keep-alive';
  return `GET ${path} HTTP/1.1\r\nHost: warm-up\r\nConnection: ${connection}\r\nUser-Agent: warm-up\r\n\r\n`;
};

/** What health checks and Prometheus ask is answered by another part of the app, and no log has it either. */
function makeCall(): string {
  calls += 1;
  if (calls % 500 === 0) return makeOtherCall('/metrics');
  return calls % 20 === 0 ? makeOtherCall('/readyz') : makeIssueCall();
}

async function useConnection(): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  // It ends early when it was asked to close.
  socket.on('error', () => undefined);
  // nginx keeps some of them.
  for (let left = 1 + (calls % 3); left > 0 && !socket.readableEnded && !socket.destroyed; left -= 1) {
    socket.write(makeCall());
    // One piece, or the rest is of no interest.
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  }
  socket.destroy();
}

while (Date.now() < endMs) {
  await Promise.all(Array.from({ length: CONNECTIONS }, useConnection));
}

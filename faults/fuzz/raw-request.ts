import { connect } from 'node:net';

/** Bytes for one connection, and how the client behaves. */
export interface RawCase {
  kind: string;
  /** Written one after the other, each after a turn of the event loop. */
  chunks: readonly Buffer[];
  /**
   * `wait`: reads until the server closes or has said enough. `leave`: the request never ends, the client goes away after a
   * moment. `half`: sends FIN after the last chunk. `reset`: RST after the last chunk.
   */
  then: 'wait' | 'leave' | 'half' | 'reset';
  /** No 2xx may come: it would mean that something was written. */
  mustRefuse: boolean;
}

export interface RawAnswer {
  statuses: number[];
  /** Neither an answer nor the end of the connection came in time, for a request that was whole. */
  hung: boolean;
}

const ANSWER_WITHIN_MS = 8_000;
const LEAVE_AFTER_MS = 30;
const REPLY_MOST = 262_144;
const STATUS_LINE = /HTTP\/1\.[01] (\d{3})/g;

/** Never throws: a refused or broken connection is an answer without a status. */
export function sendRaw(port: number, { chunks, then }: RawCase): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let reply = '';
    let hung = false;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const timer = setTimeout(
      () => {
        hung = then === 'wait' && !reply.includes('HTTP/1.');
        socket.destroy();
      },
      then === 'leave' ? LEAVE_AFTER_MS : ANSWER_WITHIN_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      if (reply.length < REPLY_MOST) reply += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ statuses: [...reply.matchAll(STATUS_LINE)].map(([, status]) => Number(status)), hung });
    });
    socket.once('connect', () => void write());
    async function write(): Promise<void> {
      for (const chunk of chunks) {
        if (socket.destroyed) return;
        socket.write(chunk);
        await new Promise((done) => setImmediate(done));
      }
      if (then === 'half') socket.end();
      if (then === 'reset') socket.resetAndDestroy();
    }
  });
}

import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are and returns the whole answer: for requests that no client library would send. */
export async function callRaw(port: number, request: string | Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

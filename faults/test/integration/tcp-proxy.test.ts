import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until } from '../../../api/test/support/servers.js';
import { TcpProxy } from '../../tcp-proxy.js';

let echo: Server;
let proxy: TcpProxy;

beforeAll(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await TcpProxy.listen((echo.address() as AddressInfo).port);
});
afterAll(async () => {
  proxy.close();
  echo.close();
});

async function open(): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'connect');
  return { socket, received: () => text };
}

describe('the bad network', () => {
  it('keeps the order of bytes, however unevenly it delays them', async () => {
    proxy.delay(0, 15);
    const { socket, received } = await open();
    const sent = Array.from({ length: 60 }, (_, i) => `${i},`);
    for (const part of sent) {
      socket.write(part);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until('all is back', () => received().length === sent.join('').length);
    expect(received()).toBe(sent.join(''));
    socket.destroy();
    proxy.delay(0, 0);
  });

  it('holds everything while it stalls, and then lets it through', async () => {
    const { socket, received } = await open();
    proxy.stall();
    socket.write('later');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received()).toBe('');
    proxy.flow();
    await until('it came', () => received() === 'later');
    socket.destroy();
  });

  it('resets connections, or lets them go dead without a word', async () => {
    const reset = await open();
    proxy.cut();
    await until('it is closed', () => reset.socket.destroyed);

    const dead = await open();
    dead.socket.write('a');
    await until('the first byte is back', () => dead.received() === 'a');
    proxy.swallow();
    dead.socket.write('b');
    const fresh = await open();
    fresh.socket.write('c');
    await until('a new connection works', () => fresh.received() === 'c');
    expect([dead.received(), dead.socket.destroyed]).toEqual(['a', false]);
    dead.socket.destroy();
    fresh.socket.destroy();
  });
});

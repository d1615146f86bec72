import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Listener } from './listener.js';
import type { WarmUpClientOptions } from './warm-up-client.js';

/** For what is under way when the time is up. */
const LAST_ANSWERS_MS = 1_000;

/**
 * Has an HTTP server answer issue calls on a loopback port of its own before it listens for clients, so that V8 has compiled
 * its hot path when the first one comes (docs/adr/0020). The calls come from a thread: what this process compiles is then
 * the server's side alone. A replica that could not be warmed up serves all the same.
 *
 * @param withinMs longest time in which calls begin
 * @param signal ends it at once
 */
export async function warmUp(
  server: Server,
  couponId: number,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const listener = new Listener(server, { host: '127.0.0.1', port: 0, backlog: 1_000 });
  await listener.start();
  const workerData: WarmUpClientOptions = { port: listener.port, couponId, endMs: Date.now() + withinMs };
  const client = new Worker(new URL('./warm-up-client.js', import.meta.url), { workerData, env: {} });
  try {
    // Rejects when the client fails.
    await Promise.race([
      once(client, 'exit'),
      sleep(withinMs + LAST_ANSWERS_MS, undefined, { ref: false, signal }),
    ]);
  } finally {
    await client.terminate();
    server.closeAllConnections();
    await listener.close();
  }
}

import { readEnvironment } from './env-file.js';

const DEFAULT_WORKERS = 2;
/** As in nginx/compose.env. */
const CONNECTIONS_EACH = 16_384;
/** A client and its call to a replica; the kernel does not deal clients out to workers quite evenly. */
const CONNECTIONS_PER_CLIENT = 2.1;

/** nginx workers that hold so many clients at once, whose files are limited for each process. */
export const countWorkers = (clients: number): number =>
  Math.max(DEFAULT_WORKERS, Math.ceil((clients * CONNECTIONS_PER_CLIENT) / CONNECTIONS_EACH));

/** Settings of a stack for so many clients at once; none where two workers do, or where somebody chose a number. */
export function sizeFrontDoor(clients: number): Record<string, string> {
  const workers = countWorkers(clients);
  if (workers === DEFAULT_WORKERS || readEnvironment()['NGINX_WORKERS']) return {};
  return { NGINX_WORKERS: String(workers) };
}

import { findChildren, readCommand } from '../common/processes.js';
import { waitUntil } from '../common/wait-until.js';
import type { Stack } from '../stack/types.js';

const TIMEOUT_MS = 25_000;

const commandsBelow = (pid: number): string[] =>
  findChildren(pid).flatMap((child) => [readCommand(child), ...commandsBelow(child)]);

/**
 * Reloads nginx, so that a run begins without connections that a warm-up has left in its pool. A request on a kept
 * connection costs a replica a third of one on a fresh connection, and the pool holds more of one replica than of
 * another: the burst would end when the unlucky one does (seen: 186 and 115 answers a second under the same cap).
 */
export async function dropKeptConnections(stack: Stack): Promise<void> {
  const nginx = (await stack.status()).find(({ service }) => service === 'nginx');
  if (nginx?.pid === undefined) return;
  const { pid } = nginx;
  await (await stack.service('nginx')).reload();
  let seenOld = false;
  const begun = Date.now();
  const isDone = () => {
    const leaving = commandsBelow(pid).some((command) => command.includes('shutting down'));
    seenOld ||= leaving;
    // Idle workers may be gone between two looks.
    return !leaving && (seenOld || Date.now() - begun > 1_000);
  };
  await waitUntil(isDone, { what: "nginx's old workers are gone", timeoutMs: TIMEOUT_MS });
}

import { findChildren, readCommand } from '../../common/processes.js';
import { waitUntil } from '../../common/wait-until.js';

const TIMEOUT_MS = 25_000;

const commandsBelow = (pid: number): string[] =>
  findChildren(pid).flatMap((child) => [readCommand(child), ...commandsBelow(child)]);

/** Waits until the workers of an nginx that was told to reload are gone. @param pid of its container's first process */
export async function untilReloaded(pid: number): Promise<void> {
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
